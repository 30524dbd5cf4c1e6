//! The farm at a glance, and its queue.

use protocol::{JobId, Name, Priority, Target, Timestamp, Version};
use serde::Serialize;
use utoipa::ToSchema;

use super::Run;

/// The farm at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// The registry; none before it was asked the first time.
    pub registry: Option<Registry>,
    /// Distributions.
    pub dists: u64,
    /// Current releases.
    pub releases: u64,
    /// Announced releases that cannot be read.
    pub broken: u64,
    /// Jobs that wait.
    pub queued: u64,
    /// Runs that go on.
    pub running: u64,
    /// Results ever accepted.
    pub results: u64,
    /// Runners that were heard of in the last five minutes, and take work.
    pub runners: u64,
    /// Runners that were heard of in the last five minutes, and take none for now.
    pub away: u64,
    /// What is tested on.
    pub targets: Vec<Target>,
    /// What waits, by target and priority.
    pub queue: Vec<QueueCount>,
    /// The runs that go on, the oldest first; at most 100.
    pub runs: Vec<Run>,
}

/// Where the watch of the registry stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Registry {
    /// Its address.
    pub url: String,
    /// When it last answered as it should.
    pub polled_at: Option<Timestamp>,
    /// When it last did not.
    pub failed_at: Option<Timestamp>,
    /// What was wrong then; empty since it answers again.
    pub error: String,
    /// The newest release that it announced.
    pub newest: Option<Newest>,
    /// For how long the farm may have been behind it: since its last good answer where it does not answer, else since its newest release
    /// where that is not taken in yet, else 0.
    pub lag_ms: u64,
    /// When it was last compared with the store as a whole.
    pub reconciled_at: Option<Timestamp>,
}

/// The newest release in the registry's feed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Newest {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// When the registry got it.
    pub released_at: Timestamp,
    /// Whether the farm has it.
    pub stored: bool,
}

/// How much waits for a target at a priority.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueCount {
    /// The target.
    pub target: Target,
    /// The priority.
    pub priority: Priority,
    /// How many jobs.
    pub waiting: u64,
}

impl From<store::queue::QueueCount> for QueueCount {
    fn from(count: store::queue::QueueCount) -> Self {
        Self { target: count.target, priority: count.priority, waiting: count.waiting }
    }
}

/// A page of what waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// The most urgent first, the oldest first among them.
    pub jobs: Vec<QueuedJob>,
    /// Where the next page begins: its `after`.
    pub next: Option<String>,
}

/// A job that waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedJob {
    /// Its id.
    pub id: JobId,
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// The target.
    pub target: Target,
    /// How urgent it is.
    pub priority: Priority,
    /// Why it waits at this place.
    pub why: String,
    /// The user whose turn it takes.
    pub owner: String,
    /// How often it was claimed.
    pub attempts: u32,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Until when it waits at least, as the farm failed at it before.
    pub not_before: Option<Timestamp>,
}

impl From<store::queue::QueuedJob> for QueuedJob {
    fn from(job: store::queue::QueuedJob) -> Self {
        Self {
            id: job.id,
            dist: job.dist,
            version: job.version,
            target: job.target,
            priority: job.priority,
            why: job.priority.sentence().to_owned(),
            owner: job.owner_key,
            attempts: job.attempts,
            queued_at: job.queued_at,
            not_before: job.parked_until,
        }
    }
}
