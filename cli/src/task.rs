//! The tasks of a farm: when one ends, all end, and one that ends on its own makes the process fail.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::signal::Signals;

/// A clean end takes at most this long, and with what the runtime itself has to end less than ten seconds; what is not done then is left as
/// after a power cut, which loses nothing.
const PATIENCE: Duration = Duration::from_secs(7);

/// Tasks that end together.
pub(crate) struct Tasks {
    set: JoinSet<Result<()>>,
    shutdown: CancellationToken,
    _signals: Signals,
}

impl Tasks {
    /// No tasks; `shutdown` asks them all to end, and a signal cancels it.
    pub(crate) fn new(shutdown: CancellationToken) -> Result<Self> {
        let signals = Signals::cancel(shutdown.clone()).context("listen for signals")?;
        Ok(Self { set: JoinSet::new(), shutdown, _signals: signals })
    }

    /// Starts a task that should last until `shutdown`.
    pub(crate) fn spawn(&mut self, name: &'static str, work: impl Future<Output = Result<()>> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.set.spawn(async move {
            work.await.with_context(|| format!("{name} failed"))?;
            if shutdown.is_cancelled() { Ok(()) } else { Err(anyhow!("{name} ended although nobody asked it to")) }
        });
    }

    /// Waits until one ends, asks the others to end too, and waits for them. The first error is what went wrong.
    pub(crate) async fn ended(mut self) -> Result<()> {
        let mut outcome = self.next().await;
        self.shutdown.cancel();
        let rest = async {
            while !self.set.is_empty() {
                let ended = self.next().await;
                outcome = std::mem::replace(&mut outcome, Ok(())).and(ended);
            }
        };
        if tokio::time::timeout(PATIENCE, rest).await.is_err() {
            tracing::warn!("something did not end in time; what it did is taken up at the next start");
        }
        outcome
    }

    async fn next(&mut self) -> Result<()> {
        match self.set.join_next().await {
            Some(joined) => joined.context("a task panicked").flatten(),
            None => Ok(()),
        }
    }
}

/// A future whose error becomes an [`anyhow::Error`].
pub(crate) async fn fallible<E: Into<anyhow::Error>>(work: impl Future<Output = Result<(), E>>) -> Result<()> {
    work.await.map_err(Into::into)
}

/// Drives work that never ends by itself, until `shutdown`.
pub(crate) async fn until(shutdown: CancellationToken, work: impl Future<Output = ()>) -> Result<()> {
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        () = work => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_early_ends_all_and_is_named() {
        let shutdown = CancellationToken::new();
        let mut tasks = Tasks::new(shutdown.clone()).unwrap();
        let waiting = shutdown.clone();
        tasks.spawn("the patient one", async move {
            waiting.cancelled().await;
            Ok(())
        });
        tasks.spawn("the early one", async { Ok(()) });
        let error = tasks.ended().await.unwrap_err().to_string();
        assert_eq!(error, "the early one ended although nobody asked it to");
        assert!(shutdown.is_cancelled());
    }

    #[tokio::test]
    async fn a_shutdown_that_was_asked_for_is_no_failure() {
        let shutdown = CancellationToken::new();
        let mut tasks = Tasks::new(shutdown.clone()).unwrap();
        let waiting = shutdown.clone();
        tasks.spawn("the patient one", async move {
            waiting.cancelled().await;
            Ok(())
        });
        shutdown.cancel();
        tasks.ended().await.unwrap();
    }
}
