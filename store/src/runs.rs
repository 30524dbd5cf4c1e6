//! Runs: what their leases allow is in `lease.rs`; here is what the pages read.

use std::fmt;
use std::str::FromStr;

use protocol::{JobId, JobState, Name, Phase, ReleaseId, RunId, RunnerId, Target, Timestamp, Version};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::{Conn, Result};

mod detail;
mod told;

pub use crate::lease::{
    Expired, LeaseKey, LeaseState, Lost, check_lease, expire, forfeit, is_any_past, release, renew,
};
pub use detail::{FullResult, RunDetail, detail};
pub use told::{Told, told};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Its runner holds the lease.
    Open,
    /// It has a result.
    Reported,
    /// Its runner stopped renewing.
    Expired,
    /// Its runner gave the lease back, or its job was withdrawn.
    Released,
}

impl RunState {
    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reported => "reported",
            Self::Expired => "expired",
            Self::Released => "released",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RunState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Open, Self::Reported, Self::Expired, Self::Released]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a run state"))
    }
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its job.
    pub job_id: JobId,
    /// The state of that job.
    pub job_state: JobState,
    /// The release that it tests.
    pub release_id: ReleaseId,
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// The target.
    pub target: Target,
    /// The runner.
    pub runner_id: RunnerId,
    /// The runner's name.
    pub runner: String,
    /// Which attempt at the job it is, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: RunState,
    /// The phase that its runner told last.
    pub phase: Option<Phase>,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// When its runner was heard of last.
    pub renewed_at: Timestamp,
    /// When its lease expires, or would have.
    pub expires_at: Timestamp,
    /// When its lease ended.
    pub ended_at: Option<Timestamp>,
}

/// What every list of runs selects; a condition and an order follow.
macro_rules! runs {
    ($condition:literal) => {
        concat!(
            "SELECT runs.*, jobs.state AS job_state, jobs.release_id, releases.dist, releases.version,
                 runners.name AS runner
             FROM runs JOIN jobs ON jobs.id = runs.job_id JOIN releases ON releases.id = jobs.release_id
                 JOIN runners ON runners.id = runs.runner_id
             WHERE ",
            $condition
        )
    };
}

/// The runs that go on now, the oldest first.
pub async fn running(conn: &mut Conn, limit: u32) -> Result<Vec<Run>> {
    let rows = sqlx::query(runs!("runs.state = 'open' ORDER BY runs.claimed_at, runs.id LIMIT $1"))
        .bind(to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

/// The latest runs of a job, the latest first.
pub async fn of_job(conn: &mut Conn, job: JobId, limit: u32) -> Result<Vec<Run>> {
    let rows = sqlx::query(runs!("runs.job_id = $1 ORDER BY runs.claimed_at DESC, runs.id DESC LIMIT $2"))
        .bind(job.to_string())
        .bind(to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

/// The run with that id. A verdict that needed no run has none.
pub async fn get(conn: &mut Conn, id: RunId) -> Result<Option<Run>> {
    let row = sqlx::query(runs!("runs.id = $1")).bind(id.to_string()).fetch_optional(conn.raw()).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &AnyRow) -> Result<Run> {
    let run = Fields::of(row, "runs", "id");
    let job = Fields::of(row, "jobs", "job_id");
    let release = Fields::of(row, "releases", "release_id");
    Ok(Run {
        id: run.parse("id")?,
        job_id: run.parse("job_id")?,
        job_state: job.parse("job_state")?,
        release_id: job.parse("release_id")?,
        dist: release.parse("dist")?,
        version: release.parse("version")?,
        target: run.parse("target")?,
        runner_id: run.parse("runner_id")?,
        runner: run.text("runner")?,
        attempt: run.number("attempt")?,
        state: run.parse("state")?,
        phase: run.optional_parse("phase")?,
        claimed_at: run.time("claimed_at")?,
        renewed_at: run.time("renewed_at")?,
        expires_at: run.time("expires_at")?,
        ended_at: run.optional_time("ended_at")?,
    })
}

#[cfg(test)]
mod tests;
