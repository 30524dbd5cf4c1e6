//! Tells the coordinator that the runner is there though it takes no work, so that pages can tell one that is paused from one that is lost.
//!
//! It is told by a claim for nothing, with every token that a claim which was broken off has said: a job that such a claim has got all the same
//! comes back in the answer, and is given back at once, where its lease would have run out.

use std::time::Duration;

use protocol::{Absence, ClaimRequest};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::claim::{Agent, AgentEvent};
use crate::client::CallError;
use crate::run::VERSION;

/// Between two looks at what decides whether work is taken.
const LOOK: Duration = Duration::from_secs(1);
/// A runner that is away says so again after so long, before pages would count it as lost.
const REMIND: Duration = Duration::from_mins(2);
/// The first word comes a little later, when claims that were broken off have given their tokens back.
const SETTLE: Duration = Duration::from_millis(200);

impl Agent {
    /// Looks once at everything that decides whether work is taken, and tells the volunteer what is new.
    pub(crate) fn look_around(&self) {
        let (at, now) = ((self.site.data_dir.as_path(), self.site.place.instance.as_str()), self.site.clock.now());
        if let Some(news) = self.gate.look(at, &self.courtesy, self.journal.is_busy(), now) {
            (self.listener)(AgentEvent::Presence(news.0.map(|closed| (closed.absence, closed.why))));
        }
    }

    /// Looks again and again, keeps the status, and tells the coordinator, until `stop`.
    pub(crate) async fn keep_watch(&self, stop: &CancellationToken) {
        let looking = async {
            loop {
                sleep(LOOK).await;
                self.look_around();
                self.write_status();
            }
        };
        let telling = async {
            loop {
                self.gate.closes().await;
                sleep(SETTLE).await;
                while let Some(closed) = self.gate.closed() {
                    if let Err(error) = self.tell_away(closed.absence).await {
                        tracing::debug!(%error, "the coordinator was not told that no work is taken");
                    }
                    tokio::select! {
                        () = sleep(REMIND) => {}
                        () = self.gate.differs(Some(closed.absence)) => {}
                    }
                }
            }
        };
        tokio::select! {
            () = looking => {}
            () = telling => {}
            () = stop.cancelled() => {}
        }
    }

    /// Tells it once.
    pub(crate) async fn tell_away(&self, absence: Absence) -> Result<(), CallError> {
        for mut said in self.tokens.say_all() {
            let token = Some(said.token.clone());
            let request = ClaimRequest {
                targets: Vec::new(),
                emulated: Vec::new(),
                version: VERSION.to_owned(),
                token,
                away: Some(absence),
            };
            if let Some(assignment) = self.coordinator.claim(&request, Duration::ZERO).await? {
                said.had_a_job = true;
                self.coordinator.release(&assignment.lease).await?;
            }
        }
        Ok(())
    }
}
