//! Tells the coordinator what is new of a run, for whoever watches. A run does not depend on it: what does not arrive is not told again, and a
//! coordinator that does not answer is asked ever more rarely. One that knows no such call, as an old one does not, is told nothing more.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use protocol::Lease;
use tokio::time::sleep;

use crate::claim::Agent;
use crate::event::Events;

/// Between two calls: at least, and at most where none arrives.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

impl Agent {
    /// Tells what is new for as long as it is polled.
    pub(super) async fn tell(&self, lease: &Lease, events: &Events) -> Infallible {
        let mut pause = PAUSE.0;
        loop {
            sleep(pause).await;
            let Some(progress) = events.news() else { continue };
            match self.coordinator.progress(lease, &progress).await {
                Ok(()) => pause = PAUSE.0,
                Err(error) if error.is_temporary() => {
                    tracing::debug!(%error, run = %lease.run_id, "nobody has heard what is new of a run");
                    events.lost(&progress);
                    pause = (pause * 2).min(PAUSE.1);
                }
                // Whether the lease is lost, the renewals find out.
                Err(error) => {
                    tracing::debug!(%error, run = %lease.run_id, "nobody wants to hear what is new of a run");
                    return pending().await;
                }
            }
        }
    }
}
