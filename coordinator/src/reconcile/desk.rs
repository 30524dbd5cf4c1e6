//! Where comparisons are asked for and told about.

use std::sync::{Arc, Mutex};

use protocol::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::Counts;
use crate::Result;
use crate::error::sentence;

/// Where comparisons are asked for and told about.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    asked: Arc<Notify>,
    progress: Mutex<Progress>,
}

/// How the latest comparison stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Progress {
    /// Where it stands.
    pub state: SweepState,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it found; none before it has finished.
    pub counts: Option<Counts>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Where a comparison stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SweepState {
    /// None took place since the coordinator started.
    #[default]
    Idle,
    /// One was asked for, and begins at once.
    Asked,
    /// It goes on.
    Running,
    /// It is done.
    Finished,
    /// It is not: the registry was down. It is tried again later.
    Failed,
}

impl Desk {
    /// Asks for a comparison; one that goes on is followed by another.
    pub(crate) fn ask(&self) -> Progress {
        self.asked.notify_one();
        self.change(|progress| {
            if progress.state != SweepState::Running {
                *progress = Progress { state: SweepState::Asked, ..Progress::default() };
            }
        })
    }

    /// Ends when a comparison is asked for, or was since the last time.
    pub(crate) fn asked(&self) -> impl Future<Output = ()> + Send + use<> {
        Arc::clone(&self.asked).notified_owned()
    }

    /// How the latest comparison stands.
    pub(crate) fn progress(&self) -> Progress {
        self.change(|_| ())
    }

    pub(crate) fn begin(&self, now: Timestamp) {
        self.change(|progress| {
            *progress = Progress { state: SweepState::Running, started_at: Some(now), ..Progress::default() };
        });
    }

    pub(crate) fn end(&self, outcome: &Result<Counts>, now: Timestamp) {
        self.change(|progress| {
            progress.finished_at = Some(now);
            match outcome {
                Ok(counts) => (progress.state, progress.counts) = (SweepState::Finished, Some(*counts)),
                Err(error) => (progress.state, progress.error) = (SweepState::Failed, Some(sentence(error))),
            }
        });
    }

    fn change(&self, act: impl FnOnce(&mut Progress)) -> Progress {
        let mut progress = self.progress.lock().expect("nothing panics while it holds the progress");
        act(&mut progress);
        progress.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_that_goes_on_is_not_forgotten_when_another_is_asked_for() {
        let desk = Desk::default();
        assert_eq!(desk.ask().state, SweepState::Asked);
        desk.begin(Timestamp::from_millis(1));
        assert_eq!(desk.ask().state, SweepState::Running);
        desk.end(&Ok(Counts::default()), Timestamp::from_millis(2));
        assert_eq!(desk.progress().state, SweepState::Finished);
    }
}
