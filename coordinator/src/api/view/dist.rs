//! Distributions and their matrix.

use protocol::{JobId, JobState, Name, Priority, Release, ReleaseId, RunId, Target, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::Summary;

/// A page of distributions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dists {
    /// By name.
    pub dists: Vec<DistLine>,
    /// Where the next page begins: its `after`.
    pub next: Option<String>,
}

/// A distribution in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct DistLine {
    /// Its name.
    pub name: Name,
    /// Its one-line description.
    pub summary: String,
    /// How many releases it has.
    pub releases: u64,
    /// Its newest stable release; where there is none, its newest.
    pub latest: Release,
}

impl From<store::dists::Dist> for DistLine {
    fn from(dist: store::dists::Dist) -> Self {
        Self { name: dist.name, summary: dist.latest.summary, releases: dist.releases, latest: dist.latest.release }
    }
}

/// A distribution with everything that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dist {
    /// Its name.
    pub name: Name,
    /// Its one-line description.
    pub summary: String,
    /// Its releases, the highest version first; at most 500.
    pub releases: Vec<DistRelease>,
    /// Releases that the registry announces and that cannot be read.
    pub broken: Vec<Broken>,
}

/// A release with its row of the matrix.
#[derive(Debug, Serialize, ToSchema)]
pub struct DistRelease {
    /// Its id.
    pub id: ReleaseId,
    /// The release.
    #[serde(flatten)]
    pub release: Release,
    /// Its one-line description.
    pub summary: String,
    /// What was planned, by target; a target that is not here was not planned.
    pub cells: Vec<Cell>,
}

/// A release on a target.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cell {
    /// The job.
    pub job_id: JobId,
    /// The target.
    pub target: Target,
    /// Where the job stands.
    pub state: JobState,
    /// How urgent it is or was.
    pub priority: Priority,
    /// When it came into the queue.
    pub queued_at: Timestamp,
    /// The run that goes on now.
    pub run_id: Option<RunId>,
    /// The result that stands; a job that was queued again keeps showing it.
    pub result: Option<Summary>,
}

impl From<store::matrix::Cell> for Cell {
    fn from(cell: store::matrix::Cell) -> Self {
        Self {
            job_id: cell.job_id,
            target: cell.target,
            state: cell.state,
            priority: cell.priority,
            queued_at: cell.queued_at,
            run_id: cell.run_id,
            result: cell.result.map(Summary::from),
        }
    }
}

/// A release that cannot be read. Its names are as the registry wrote them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Broken {
    /// The distribution.
    pub dist: String,
    /// The version.
    pub version: String,
    /// What is wrong.
    pub reason: String,
    /// When it was found first.
    pub first_seen_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it will be tried again.
    pub next_try_at: Timestamp,
}

impl From<store::broken::BrokenRelease> for Broken {
    fn from(broken: store::broken::BrokenRelease) -> Self {
        Self {
            dist: broken.dist,
            version: broken.version,
            reason: broken.reason,
            first_seen_at: broken.first_seen_at,
            attempts: broken.attempts,
            next_try_at: broken.next_try_at,
        }
    }
}
