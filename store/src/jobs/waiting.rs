//! Says of a waiting job how many are before it, and roughly how long that takes.
//!
//! The place follows from the lanes: everything more urgent for the same target, and of each other owner as many jobs as that owner has
//! turns before this job's. It is exact for runners that serve one target while nothing new comes, and a good guess otherwise.

use std::time::Duration;

use protocol::{JobId, Name, Priority, Target, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_bigint};
use crate::{Conn, Result};

/// The rate of claims is taken from this much of the past.
const WINDOW: Duration = Duration::from_hours(1);

/// Why and how long a job waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The job.
    pub job_id: JobId,
    /// The target it waits for.
    pub target: Target,
    /// How urgent it is; [`Priority::sentence`] says it in words.
    pub priority: Priority,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// How many jobs are before it. Of the same owner, at most a thousand are counted.
    pub ahead: u64,
    /// Roughly how long it still waits, by the claims for its target in the last hour; none when there were none.
    pub eta_ms: Option<u64>,
}

/// The place of every job `j` that a condition, appended in brackets, selects.
macro_rules! places {
    ($condition:literal) => {
        concat!(
            "SELECT q.id, q.target, q.rank, q.queued_at,
                 q.before + (SELECT CAST(COALESCE(SUM(CASE
                     WHEN l.rank < q.rank THEN l.waiting
                     WHEN l.owner_key = q.owner_key THEN 0
                     WHEN l.served_turn < q.turn OR (l.served_turn = q.turn AND l.owner_key < q.owner_key)
                         THEN CASE WHEN l.waiting > q.before THEN q.before + 1 ELSE l.waiting END
                     WHEN l.waiting > q.before THEN q.before
                     ELSE l.waiting END), 0) AS BIGINT)
                 FROM lanes l WHERE l.target = q.target AND l.rank <= q.rank AND l.waiting > 0) AS ahead,
                 (SELECT COUNT(*) FROM runs WHERE runs.target = q.target AND runs.claimed_at > $2) AS claims
             FROM (SELECT j.id, j.target, j.rank, j.owner_key, j.queued_at,
                 (SELECT COUNT(*) FROM (SELECT b.id FROM jobs b WHERE b.target = j.target AND b.rank = j.rank
                     AND b.owner_key = j.owner_key AND b.state = 'queued' AND b.parked_until IS NULL
                     AND (b.queued_at, b.id) < (j.queued_at, j.id)
                     LIMIT 1000) AS earlier) AS before,
                 (SELECT own.served_turn FROM lanes own WHERE own.target = j.target AND own.rank = j.rank
                     AND own.owner_key = j.owner_key) AS turn
                 FROM jobs j WHERE j.state = 'queued' AND ",
            $condition,
            ") AS q"
        )
    };
}

/// Why and how long a job waits; none when it does not.
pub async fn waiting(conn: &mut Conn, id: JobId, now: Timestamp) -> Result<Option<Waiting>> {
    let row =
        sqlx::query(places!("j.id = $1")).bind(id.to_string()).bind(since(now)).fetch_optional(conn.raw()).await?;
    row.as_ref().map(read).transpose()
}

/// Why and how long each waiting job of a distribution's current releases waits; of at most two hundred.
pub async fn waiting_of_dist(conn: &mut Conn, dist: &Name, now: Timestamp) -> Result<Vec<Waiting>> {
    let rows = sqlx::query(places!(
        "j.release_id IN (SELECT id FROM releases WHERE dist_key = $1 AND superseded_at IS NULL)
             ORDER BY j.rank, j.queued_at, j.id LIMIT 200"
    ))
    .bind(dist.key())
    .bind(since(now))
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(read).collect()
}

fn since(now: Timestamp) -> i64 {
    now.as_millis().saturating_sub(to_bigint(WINDOW.as_secs() * 1_000))
}

fn read(row: &AnyRow) -> Result<Waiting> {
    let row = Fields::of(row, "jobs", "id");
    let (ahead, claims): (u64, u64) = (row.number("ahead")?, row.number("claims")?);
    let eta_ms = (ahead + 1).saturating_mul(WINDOW.as_secs() * 1_000).checked_div(claims);
    Ok(Waiting {
        job_id: row.parse("id")?,
        target: row.parse("target")?,
        priority: row.priority("rank")?,
        queued_at: row.time("queued_at")?,
        ahead,
        eta_ms,
    })
}
