//! A job: the wish to test one release on one target.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits for a runner.
    Queued,
    /// A runner holds a lease on it.
    Running,
    /// It has a result.
    Finished,
    /// It is not wanted any more: the release was replaced, or an operator withdrew it.
    Withdrawn,
}

/// A move between states that the rules do not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a job that is {from} cannot become {to}")]
pub struct IllegalMove {
    /// The state it is in.
    pub from: JobState,
    /// The state it should have gone to.
    pub to: JobState,
}

impl JobState {
    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Checks a move: claim, report, expiry or release of a lease, requeue, withdrawal, and a verdict without a run (NA).
    pub fn move_to(self, to: Self) -> Result<Self, IllegalMove> {
        use JobState::{Finished, Queued, Running, Withdrawn};
        match (self, to) {
            (Queued, Running | Finished | Withdrawn)
            | (Running, Finished | Queued | Withdrawn)
            | (Finished | Withdrawn, Queued) => Ok(to),
            (from, to) => Err(IllegalMove { from, to }),
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Queued, Self::Running, Self::Finished, Self::Withdrawn]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a job state"))
    }
}

/// What is claimed first. The order of the variants is the order of claiming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// A person asked for it.
    Asked,
    /// A release that is new in the registry.
    NewRelease,
    /// A second run that has to agree with a first one.
    Confirmation,
    /// A release that is known, on an image that is new.
    NewImage,
    /// Everything else.
    Backfill,
}

impl Priority {
    /// Every priority, most urgent first.
    pub const ALL: [Self; 5] = [Self::Asked, Self::NewRelease, Self::Confirmation, Self::NewImage, Self::Backfill];

    /// The number stored in the database: less is sooner.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Asked => 0,
            Self::NewRelease => 1,
            Self::Confirmation => 2,
            Self::NewImage => 3,
            Self::Backfill => 4,
        }
    }

    /// The priority with that number.
    pub fn from_rank(rank: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }

    /// Why a waiting job waits at this place, for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Asked => "a person asked for it",
            Self::NewRelease => "new in the registry",
            Self::Confirmation => "confirms an earlier run",
            Self::NewImage => "the image is new",
            Self::Backfill => "when nothing else waits",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_job_cannot_be_claimed() {
        let refused = JobState::Finished.move_to(JobState::Running).unwrap_err();
        assert_eq!(refused.to_string(), "a job that is finished cannot become running");
    }

    #[test]
    fn a_lost_lease_returns_the_job_to_the_queue() {
        assert_eq!(JobState::Running.move_to(JobState::Queued), Ok(JobState::Queued));
    }

    #[test]
    fn ranks_follow_the_order_of_urgency() {
        let ranks: Vec<i64> = Priority::ALL.iter().map(|priority| priority.rank()).collect();
        assert!(ranks.is_sorted());
        assert!(Priority::ALL.iter().all(|priority| Priority::from_rank(priority.rank()) == Some(*priority)));
    }
}
