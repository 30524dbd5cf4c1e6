//! A lease, kept alive for as long as its run goes on.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::Lease;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::claim::Agent;
use crate::client::CallError;
use crate::event::Events;

/// Between two attempts at a call that failed for a passing reason: at first, doubled each time up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// A lease by the runner's own clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    renewed: Instant,
    lasts: Duration,
}

impl Term {
    pub(super) fn starting(lease: &Lease) -> Self {
        Self::from_now(Duration::from_millis(lease.expires_in_ms))
    }

    fn from_now(lasts: Duration) -> Self {
        Self { renewed: Instant::now(), lasts }
    }

    /// When to renew, and when it is over.
    fn times(self) -> (Instant, Instant) {
        (self.renewed + self.lasts / 3, self.renewed + self.lasts)
    }
}

fn read(term: &Mutex<Term>) -> Term {
    *term.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a call until it succeeds or fails for good; the lease's end is the end in any case.
pub(super) async fn insist<F, T>(mut call: impl FnMut() -> F, term: &Mutex<Term>) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut pause = BACKOFF.0;
    loop {
        match call().await {
            Err(error) if error.is_temporary() && Instant::now() < read(term).times().1 => {
                tracing::debug!(%error, "calling once more");
                sleep(pause).await;
                pause = (pause * 2).min(BACKOFF.1);
            }
            outcome => return outcome,
        }
    }
}

impl Agent {
    /// Renews until the lease is lost; why it is.
    pub(super) async fn keep(&self, lease: &Lease, events: &Events, term: &Mutex<Term>) -> String {
        let mut pause = BACKOFF.0;
        loop {
            let (due, end) = read(term).times();
            sleep_until(due.min(end)).await;
            if Instant::now() >= end {
                return "the coordinator did not answer for as long as the lease lasted".into();
            }
            // A call whose answer is lost may hang for longer than the lease has left.
            let Ok(renewed) = timeout_at(end, self.coordinator.renew(lease, events.phase())).await else { continue };
            match renewed {
                Ok(lasts) => {
                    *term.lock().unwrap_or_else(PoisonError::into_inner) = Term::from_now(lasts);
                    pause = BACKOFF.0;
                }
                Err(error) if error.is_temporary() => {
                    tracing::debug!(%error, "renewing once more");
                    tokio::select! {
                        () = sleep(pause) => pause = (pause * 2).min(BACKOFF.1),
                        () = sleep_until(end) => {}
                    }
                }
                Err(error) => return error.to_string(),
            }
        }
    }
}
