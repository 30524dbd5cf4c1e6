//! The queue as pages show it: how much waits for what, and what waits.

use protocol::{JobId, Name, Priority, ReleaseId, Target, Timestamp, Version};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::{Conn, Result};

/// How many jobs wait for a target at a priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueCount {
    /// The target.
    pub target: Target,
    /// The priority.
    pub priority: Priority,
    /// How many wait.
    pub waiting: u64,
}

/// A waiting job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueuedJob {
    /// Its id.
    pub id: JobId,
    /// The release to test.
    pub release_id: ReleaseId,
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// The target.
    pub target: Target,
    /// How urgent it is.
    pub priority: Priority,
    /// The key of the user whose turn it takes.
    pub owner_key: String,
    /// How often it was claimed.
    pub attempts: u32,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Until when it waits at least, as the farm failed at it before.
    pub parked_until: Option<Timestamp>,
}

impl QueuedJob {
    /// Where the page after this job begins.
    pub const fn cursor(&self) -> QueueCursor {
        QueueCursor { priority: self.priority, queued_at: self.queued_at, id: self.id }
    }
}

/// A place in the list of waiting jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueCursor {
    /// The priority of the last job seen.
    pub priority: Priority,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Its id.
    pub id: JobId,
}

/// How much waits, for a runner or for its time, by target and priority.
pub async fn counts(conn: &mut Conn) -> Result<Vec<QueueCount>> {
    let rows = sqlx::query(
        "SELECT target, rank, CAST(SUM(waiting) AS BIGINT) AS waiting
         FROM (SELECT target, rank, waiting FROM lanes WHERE waiting > 0
             UNION ALL SELECT target, rank, 1 AS waiting FROM jobs WHERE parked_until IS NOT NULL) AS everything
         GROUP BY target, rank ORDER BY target, rank",
    )
    .fetch_all(conn.raw())
    .await?;
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "lanes", "target");
        Ok(QueueCount {
            target: row.parse("target")?,
            priority: row.priority("rank")?,
            waiting: row.number("waiting")?,
        })
    };
    rows.iter().map(read).collect()
}

/// What waits, by urgency and age. Turns of owners are not considered: `jobs::waiting` says of one job how many are before it.
pub async fn page(conn: &mut Conn, after: Option<QueueCursor>, limit: u32) -> Result<Vec<QueuedJob>> {
    let after = after.map_or((-1, 0, String::new()), |cursor| {
        (cursor.priority.rank(), cursor.queued_at.as_millis(), cursor.id.to_string())
    });
    let rows = sqlx::query(
        "SELECT jobs.*, releases.dist, releases.version FROM jobs JOIN releases ON releases.id = jobs.release_id
         WHERE jobs.state = 'queued' AND (jobs.rank, jobs.queued_at, jobs.id) > ($1, $2, $3)
         ORDER BY jobs.rank, jobs.queued_at, jobs.id LIMIT $4",
    )
    .bind(after.0)
    .bind(after.1)
    .bind(after.2)
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<QueuedJob> {
    let job = Fields::of(row, "jobs", "id");
    let release = Fields::of(row, "releases", "release_id");
    Ok(QueuedJob {
        id: job.parse("id")?,
        release_id: job.parse("release_id")?,
        dist: release.parse("dist")?,
        version: release.parse("version")?,
        target: job.parse("target")?,
        priority: job.priority("rank")?,
        owner_key: job.text("owner_key")?,
        attempts: job.number("attempts")?,
        queued_at: job.time("queued_at")?,
        parked_until: job.optional_time("parked_until")?,
    })
}

#[cfg(test)]
mod tests;
