//! Takes the next job from the queue and opens the run that tests it; why in this order stands in `jobs.rs`.

use std::time::Duration;

use protocol::{JobId, JobState, Release, ReleaseId, RunId, RunnerId, Target, Timestamp};
use sqlx::AssertSqlSafe;

use super::lanes::{self, Lane};
use super::{Job, leave_queue, read};
use crate::fields::Fields;
use crate::runs::RunState;
use crate::{Conn, Result, TokenHash, Tx, losses, releases, trends};

/// The oldest job of a lane, given by its three columns, that does not avoid the runner $1: nearly always the first entry of an index.
pub(super) fn oldest([target, rank, owner]: [&str; 3]) -> String {
    format!(
        "SELECT id FROM jobs WHERE target = {target} AND rank = {rank} AND owner_key = {owner} AND state = 'queued'
             AND parked_until IS NULL
             AND NOT EXISTS (SELECT 1 FROM avoidances WHERE avoidances.job_id = jobs.id AND avoidances.runner_id = $1)
             ORDER BY queued_at, id LIMIT 1"
    )
}

/// The job that is next over so many targets: of the lanes that are served next, those that are the most urgent, and of their oldest jobs the oldest.
pub(super) fn next(targets: usize) -> String {
    format!(
        "WITH heads AS MATERIALIZED ({heads}),
             first AS (SELECT rank, served_turn FROM heads ORDER BY rank, served_turn LIMIT 1),
             tied AS MATERIALIZED (SELECT heads.rank, heads.owner_key, ({oldest}) AS job_id
                 FROM heads JOIN first ON first.rank = heads.rank AND first.served_turn = heads.served_turn)
         SELECT tied.rank, tied.owner_key, jobs.id FROM tied JOIN jobs ON jobs.id = tied.job_id
         ORDER BY jobs.queued_at, jobs.id LIMIT 1",
        heads = lanes::heads(targets),
        oldest = oldest(["heads.target", "heads.rank", "heads.owner_key"]),
    )
}

/// The latest run of a runner with a token, of those that it began since some time.
pub(super) const BEFORE: &str = "SELECT id, job_id, attempt, state, expires_at FROM runs
     WHERE runner_id = $1 AND claimed_at > $2 AND token_hash = $3 AND id <> $4 ORDER BY claimed_at DESC LIMIT 1";

/// What a runner offers, and what its lease will be.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The runner.
    pub runner_id: RunnerId,
    /// The targets that it can test.
    pub targets: &'a [Target],
    /// The id of the run that a claim opens.
    pub run_id: RunId,
    /// The digest of the token that fences the run.
    pub token: &'a TokenHash,
    /// How long the lease lasts.
    pub lease: Duration,
}

/// A claimed job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The job.
    pub job_id: JobId,
    /// The run that this claim opened.
    pub run_id: RunId,
    /// The release to test.
    pub release_id: ReleaseId,
    /// The release to test.
    pub release: Release,
    /// The target to test it on.
    pub target: Target,
    /// Which attempt at the job this is, from 1.
    pub attempt: u32,
    /// When the lease expires.
    pub expires_at: Timestamp,
    /// By how much the runner's limits of time are multiplied.
    pub time_factor: u32,
}

/// Claims the next job for a runner and opens its run; none when nothing waits for its targets, or the runner is quarantined or
/// revoked, or has as many leases as it may have: see [`crate::losses`].
///
/// The attempt is counted here, so that a job that kills its runners comes to an end.
pub async fn claim(tx: &mut Tx, claim: &Claim<'_>, now: Timestamp) -> Result<Option<Claimed>> {
    // A look without the lock: runners ask far more often than there is work.
    if !lanes::is_any_waiting(tx, claim.targets).await? {
        return Ok(None);
    }
    let turn = lanes::lock_queue(tx).await?;
    // Both may have happened while the claim waited.
    if !losses::may_claim(tx, claim.runner_id).await? {
        return Ok(None);
    }
    let Some((lane, job_id)) = best(tx, claim).await? else { return Ok(None) };
    let job = take(tx, job_id, claim.run_id, now).await?;
    leave_queue(tx, &job).await?;
    trends::went(tx, now).await?;
    lanes::serve(tx, lane.priority, &lane.owner_key, turn).await?;
    open_run(tx, claim, &job, now).await?;
    claimed(tx, &job, (claim.run_id, job.attempts, now.plus(claim.lease))).await.map(Some)
}

/// What was claimed with the same token before, where the runner did not get the answer; the inner one is none where the run is over.
///
/// A claim that was so long ago that nobody renewed its lease since has expired, and is not looked for. Asked after [`claim`] in the same
/// transaction, which the caller gives up where there is one: the queue's lock lets only one of two claims with one token be the first.
pub async fn claimed_before(conn: &mut Conn, claim: &Claim<'_>, now: Timestamp) -> Result<Option<Option<Claimed>>> {
    let row = sqlx::query(BEFORE)
        .bind(claim.runner_id.to_string())
        .bind(now.minus(claim.lease).as_millis())
        .bind(claim.token.as_str())
        .bind(claim.run_id.to_string())
        .fetch_optional(conn.raw())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Fields::of(&row, "runs", "id");
    if row.parse::<RunState>("state")? != RunState::Open {
        return Ok(Some(None));
    }
    let Some(job) = super::get(conn, row.parse("job_id")?).await? else { return Ok(Some(None)) };
    let lease = (row.parse("id")?, row.number("attempt")?, row.time("expires_at")?);
    claimed(conn, &job, lease).await.map(Some).map(Some)
}

/// What a runner is told of a job that it has claimed: by run, attempt and expiry.
async fn claimed(
    conn: &mut Conn,
    job: &Job,
    (run_id, attempt, expires_at): (RunId, u32, Timestamp),
) -> Result<Claimed> {
    let stored = releases::of_job(conn, job).await?;
    Ok(Claimed {
        job_id: job.id,
        run_id,
        release_id: job.release_id,
        release: stored.release,
        target: job.target,
        attempt,
        expires_at,
        time_factor: job.time_factor,
    })
}

/// The lane that is served next over all targets, and its oldest job. Between targets that are as urgent, the older job decides.
async fn best(conn: &mut Conn, claim: &Claim<'_>) -> Result<Option<(Lane, JobId)>> {
    if claim.targets.is_empty() {
        return Ok(None);
    }
    let query = sqlx::query(AssertSqlSafe(next(claim.targets.len()))).bind(claim.runner_id.to_string());
    let query = claim.targets.iter().fold(query, |query, target| query.bind(target.to_string()));
    let Some(row) = query.fetch_optional(conn.raw()).await? else { return Ok(None) };
    let row = Fields::of(&row, "jobs", "id");
    Ok(Some((lanes::read(&row)?, row.parse("id")?)))
}

async fn take(tx: &mut Tx, id: JobId, run_id: RunId, now: Timestamp) -> Result<Job> {
    let row = sqlx::query(
        "UPDATE jobs SET state = $2, attempts = attempts + 1, run_id = $3, changed_at = $4
         WHERE id = $1 AND state = 'queued' RETURNING *",
    )
    .bind(id.to_string())
    .bind(JobState::Running.as_str())
    .bind(run_id.to_string())
    .bind(now.as_millis())
    .fetch_one(tx.raw())
    .await?;
    read(&row)
}

async fn open_run(tx: &mut Tx, claim: &Claim<'_>, job: &Job, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO runs (id, job_id, runner_id, target, token_hash, attempt, state, claimed_at, renewed_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $7, $8)",
    )
    .bind(claim.run_id.to_string())
    .bind(job.id.to_string())
    .bind(claim.runner_id.to_string())
    .bind(job.target.to_string())
    .bind(claim.token.as_str())
    .bind(i64::from(job.attempts))
    .bind(now.as_millis())
    .bind(now.plus(claim.lease).as_millis())
    .execute(tx.raw())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
