//! Jobs: planned for a release, claimed by a runner, finished by a result.
//!
//! # What is claimed next
//! The most urgent priority; within it the owner who had a turn longest ago, so that one publisher cannot starve the rest; of that
//! owner's jobs the oldest. An owner is the user who uploaded the release.
//!
//! # Why lanes
//! Asking `jobs` for that order would sort everything that waits. `lanes` has a row per (target, priority, owner) with the number of
//! waiting jobs and the owner's last turn: a few thousand rows however many jobs wait, and an index that begins with the answer. Taking a
//! job is then two index look-ups per target, as fast with a million jobs as with ten. Lanes stay when they are empty, as they remember
//! the turn.
//!
//! # Who may change the queue
//! Whoever does first updates the counter `turn`, and so holds its row to the end of the transaction. Claims are therefore one after the
//! other on PostgreSQL as they are on SQLite: no claimer sees another's half-made choice, and none comes back empty while work remains. The
//! order of all locks stands in [`crate::confirm`]. A claim takes about a millisecond; runs take many seconds.
//!
//! `lanes.waiting` is changed only together with the state of a job, by `move_job` here.
//!
//! # Who may not take a job
//! A job that confirms another runner's result avoids that runner, and one that the farm failed at is parked for a while: see
//! [`crate::confirm`]. Neither costs the others anything: parked jobs are in no lane, and a lane whose waiting jobs all avoid a runner is
//! passed over by that runner.

use std::collections::BTreeMap;

use protocol::{Flag, JobId, JobState, Name, Priority, ReleaseId, RunId, Target, Timestamp, Verdict};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, storable};
use crate::{Conn, Error, Result, Tx, confirm, many, results, trends};

mod claim;
mod lanes;
mod requeue;
mod waiting;

pub use claim::{Answer, Claim, Claimed, claim};
pub(crate) use lanes::lock_queue;
pub(crate) use requeue::{Again, begin_anew, put_again, wake};
pub use requeue::{Requeue, releases_waiting, reprioritize, requeue, withdraw};
pub use waiting::{Waiting, waiting, waiting_of_dist};

/// A job as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The release to test.
    pub release_id: ReleaseId,
    /// The target to test it on.
    pub target: Target,
    /// How urgent it is.
    pub priority: Priority,
    /// The key of the user whose turn it takes.
    pub owner_key: String,
    /// Where it stands.
    pub state: JobState,
    /// How often it was claimed since it was queued.
    pub attempts: u32,
    /// How often it may be claimed.
    pub max_attempts: u32,
    /// When it came into the queue.
    pub queued_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
    /// The run that holds its lease, while it is running.
    pub run_id: Option<RunId>,
    /// The result that stands.
    pub result_id: Option<RunId>,
    /// Whether others put that in doubt: UNCONFIRMED, FLAKY, or not.
    pub doubt: Option<Flag>,
    /// The run that agreed with it.
    pub confirmed_by: Option<RunId>,
    /// Which wish for a verdict this is, from 0: see [`crate::confirm`].
    pub round: u32,
    /// How many results the round had when the job last came into the queue.
    pub reported: u32,
    /// Until when it waits for its time, rather than for a runner.
    pub parked_until: Option<Timestamp>,
    /// By how much its limits of time are multiplied.
    pub time_factor: u32,
}

/// The wish to test a release on a target.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The release.
    pub release_id: ReleaseId,
    /// The target.
    pub target: Target,
    /// How urgent it is.
    pub priority: Priority,
    /// The user whose turn it takes: who uploaded the release.
    pub owner: &'a Name,
    /// How often it may be claimed before the farm gives up.
    pub max_attempts: u32,
}

/// What planning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    /// There was no such job.
    New(JobId),
    /// It had been withdrawn, and is wanted again.
    Requeued(JobId),
    /// It was planned before; nothing changed.
    Known(JobId),
}

/// Plans a job under `id`, unless the release has one for that target.
pub async fn plan(tx: &mut Tx, id: JobId, plan: &Plan<'_>, now: Timestamp) -> Result<Planned> {
    lock_queue(tx).await?;
    match of_cell(tx, plan.release_id, plan.target).await? {
        None => {
            insert(tx, id, plan, now).await?;
            Ok(Planned::New(id))
        }
        Some(job) if job.state == JobState::Withdrawn => {
            begin_anew(tx, &job, plan.priority, now).await?;
            Ok(Planned::Requeued(job.id))
        }
        Some(job) => Ok(Planned::Known(job.id)),
    }
}

/// A verdict that needs no run, such as NA by META's prerequisites.
#[derive(Clone, Copy, Debug)]
pub struct Settlement<'a> {
    /// The id of its result; it names no run.
    pub result_id: RunId,
    /// The verdict.
    pub verdict: &'a Verdict,
}

/// Plans a job and finishes it at once with a verdict that needs no run. A job that is neither new nor withdrawn stays as it is.
pub async fn settle(
    tx: &mut Tx,
    id: JobId,
    plan: &Plan<'_>,
    settlement: &Settlement<'_>,
    now: Timestamp,
) -> Result<Planned> {
    let planned = self::plan(tx, id, plan, now).await?;
    let (Planned::New(id) | Planned::Requeued(id)) = planned else { return Ok(planned) };
    if let Some(job) = get(tx, id).await? {
        results::settle(tx, &job, settlement, now).await?;
    }
    Ok(planned)
}

/// The job with that id.
pub async fn get(conn: &mut Conn, id: JobId) -> Result<Option<Job>> {
    let row = sqlx::query("SELECT * FROM jobs WHERE id = $1").bind(id.to_string()).fetch_optional(conn.raw()).await?;
    row.as_ref().map(read).transpose()
}

/// Jobs by their ids.
pub(crate) async fn by_ids(conn: &mut Conn, ids: impl Iterator<Item = JobId>) -> Result<BTreeMap<JobId, Job>> {
    const JOBS: &str = "SELECT id, release_id, target, rank, owner_key, state, attempts, max_attempts, queued_at, changed_at, run_id, result_id,
             doubt, confirmed_by, round, reported, parked_until, time_factor
         FROM jobs WHERE id IN";
    let rows = many::by_ids(conn, JOBS, &ids.map(|id| id.to_string()).collect::<Vec<_>>()).await?;
    rows.iter().map(|row| read(row).map(|job| (job.id, job))).collect()
}

/// The job of a release on a target.
pub async fn of_cell(conn: &mut Conn, release: ReleaseId, target: Target) -> Result<Option<Job>> {
    let row = sqlx::query("SELECT * FROM jobs WHERE release_id = $1 AND target = $2")
        .bind(release.to_string())
        .bind(target.to_string())
        .fetch_optional(conn.raw())
        .await?;
    row.as_ref().map(read).transpose()
}

/// Every job of a release.
pub async fn of_release(conn: &mut Conn, release: ReleaseId) -> Result<Vec<Job>> {
    let rows = sqlx::query("SELECT * FROM jobs WHERE release_id = $1 ORDER BY target")
        .bind(release.to_string())
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

async fn insert(tx: &mut Tx, id: JobId, plan: &Plan<'_>, now: Timestamp) -> Result<()> {
    let owner_key = storable(&plan.owner.key());
    sqlx::query(
        "INSERT INTO jobs (id, release_id, target, rank, owner_key, state, attempts, max_attempts, queued_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, $7, $7)",
    )
    .bind(id.to_string())
    .bind(plan.release_id.to_string())
    .bind(plan.target.to_string())
    .bind(plan.priority.rank())
    .bind(&owner_key)
    .bind(i64::from(plan.max_attempts))
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    lanes::join(tx, plan.target, plan.priority, &owner_key).await?;
    trends::came(tx, now).await
}

/// Moves a job to a state, and keeps its lane's count right. The caller holds the queue's lock when the job enters or leaves the queue.
pub(crate) async fn move_job(tx: &mut Tx, job: &Job, to: JobState, now: Timestamp) -> Result<()> {
    job.state.move_to(to).map_err(|source| Error::Move { job: job.id, source })?;
    let done = sqlx::query("UPDATE jobs SET state = $3, changed_at = $4, run_id = NULL WHERE id = $1 AND state = $2")
        .bind(job.id.to_string())
        .bind(job.state.as_str())
        .bind(to.as_str())
        .bind(now.as_millis())
        .execute(tx.raw())
        .await?;
    if done.rows_affected() != 1 {
        return Err(Error::Raced { job: job.id, from: job.state });
    }
    if to == JobState::Queued {
        enter_queue(tx, job, now).await?;
        trends::came(tx, now).await?;
    }
    if job.state == JobState::Queued {
        leave_queue(tx, job).await?;
        trends::went(tx, 1, now).await?;
    }
    Ok(())
}

/// Puts a job that waits into its lane, unless it is parked. The caller holds the queue's lock.
async fn enter_queue(tx: &mut Tx, job: &Job, now: Timestamp) -> Result<()> {
    if job.parked_until.is_some() {
        return Ok(());
    }
    lanes::join(tx, job.target, job.priority, &job.owner_key).await?;
    if job.reported > 0 {
        confirm::avoid(tx, job, now).await?;
    }
    Ok(())
}

/// Takes a job out of where it waits. The caller holds the queue's lock.
async fn leave_queue(tx: &mut Tx, job: &Job) -> Result<()> {
    if job.parked_until.is_some() {
        sqlx::query("UPDATE jobs SET parked_until = NULL WHERE id = $1")
            .bind(job.id.to_string())
            .execute(tx.raw())
            .await?;
        return Ok(());
    }
    lanes::leave(tx, job.target, job.priority, &job.owner_key).await?;
    // What was neither reported nor lost avoids nobody; one that was just claimed has counted that attempt.
    if job.reported > 0 || job.attempts > u32::from(job.state == JobState::Running) {
        confirm::forget(tx, job.id).await?;
    }
    Ok(())
}

fn read(row: &AnyRow) -> Result<Job> {
    let row = Fields::of(row, "jobs", "id");
    Ok(Job {
        id: row.parse("id")?,
        release_id: row.parse("release_id")?,
        target: row.parse("target")?,
        priority: row.priority("rank")?,
        owner_key: row.text("owner_key")?,
        state: row.parse("state")?,
        attempts: row.number("attempts")?,
        max_attempts: row.number("max_attempts")?,
        queued_at: row.time("queued_at")?,
        changed_at: row.time("changed_at")?,
        run_id: row.optional_parse("run_id")?,
        result_id: row.optional_parse("result_id")?,
        doubt: row.words("doubt")?.pop(),
        confirmed_by: row.optional_parse("confirmed_by")?,
        round: row.number("round")?,
        reported: row.number("reported")?,
        parked_until: row.optional_time("parked_until")?,
        time_factor: row.number("time_factor")?,
    })
}

#[cfg(test)]
mod tests;
