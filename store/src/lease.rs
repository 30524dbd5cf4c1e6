//! Leases: a claim is a lease on a job, which its runner renews, and which ends by a report, by being given back, or by expiry.
//!
//! Whoever speaks for a run shows its token; the database knows the digest. A lease is held exactly as long as its run is `open`. What
//! ends it is always one statement, `UPDATE runs … WHERE id = … AND state = 'open'`, so that of two that want to end it one wins, and
//! the other finds it lost.
//!
//! # Races that are accepted
//! - *A lease past its time that nobody has taken yet is still held.* `expires_at` is when the farm may take the job away, not when it
//!   does: between two sweeps, and after a coordinator was down for an hour, a runner that still works may renew and report. Its work is
//!   good, and nobody else has begun the same.
//! - *A renewal, upload or report that meets the sweep* loses or wins by who updates the run first. The loser gets 409 and drops the
//!   run: at most one lease's worth of work is done twice, never stored twice.
//! - *Files uploaded under a lease that expires before the report* are removed once it has. Where the coordinator ends in that moment, or an
//!   upload is under way in it, they stay as objects that no result names.
//! - *Clocks*: only the coordinator's clock is read. A step backwards lengthens leases, a step forwards may take jobs from live runners,
//!   which costs an attempt.
//! - *A runner that is revoked* is refused by its bearer token before it gets here; its open runs expire.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::{JobState, Phase, Reason, RunId, RunnerId, Timestamp, Verdict};
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::jobs::{Job, get, lock_queue, move_job};
use crate::results;
use crate::runs::RunState;
use crate::{Conn, Error, Result, TokenHash, Tx, confirm, losses, many, releases};

/// What a runner shows when it speaks for a run.
#[derive(Clone, Copy, Debug)]
pub struct LeaseKey<'a> {
    /// The run.
    pub run_id: RunId,
    /// The runner that its bearer token names.
    pub runner_id: RunnerId,
    /// The digest of the lease's token.
    pub token: &'a TokenHash,
}

/// Whether a runner may still speak for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// It may.
    Held {
        /// When the farm may take the job away.
        expires_at: Timestamp,
    },
    /// It may not.
    Lost(Lost),
}

/// Why a lease is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// There is no such run, or the token is not its token; which of them is not said.
    #[error("there is no such run, or its lease is not yours")]
    Unknown,
    /// It was reported.
    #[error("the run was already reported")]
    Reported,
    /// It expired.
    #[error("the lease expired, and the job was taken back")]
    Expired,
    /// It was given back, its job withdrawn, or its runner quarantined.
    #[error("the lease was given back, the job withdrawn, or the runner quarantined")]
    Released,
}

/// An expired lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The run that lost it.
    pub run_id: RunId,
    /// The runner that stopped answering.
    pub runner_id: RunnerId,
    /// What became of the job: queued again, finished with an ERROR after its last attempt, or withdrawn with its release.
    pub job_state: JobState,
}

/// A run as leases see it.
#[derive(Clone, Debug)]
pub(crate) struct LeasedRun {
    pub(crate) id: RunId,
    pub(crate) runner_id: RunnerId,
    pub(crate) state: RunState,
    pub(crate) job_id: protocol::JobId,
    token_hash: String,
    expires_at: Timestamp,
    claimed_at: Timestamp,
}

impl LeasedRun {
    /// Its job is not there.
    pub(crate) fn without_job(&self) -> Error {
        Error::Corrupt {
            table: "runs",
            column: "job_id",
            row: self.id.to_string(),
            why: format!("there is no job {}", self.job_id),
        }
    }
}

/// Whether a runner holds the lease of a run, for uploads.
pub async fn check_lease(conn: &mut Conn, key: &LeaseKey<'_>) -> Result<LeaseState> {
    Ok(match find(conn, key).await? {
        Ok(run) => LeaseState::Held { expires_at: run.expires_at },
        Err(lost) => LeaseState::Lost(lost),
    })
}

/// No lease is lengthened beyond so long after its claim: longer than any run takes, emulated and with twice the time.
pub(crate) const LONGEST: Duration = Duration::from_hours(48);

/// Lengthens a lease to `lease` from now, and stores the phase for the pages.
pub async fn renew(
    tx: &mut Tx,
    key: &LeaseKey<'_>,
    phase: Option<Phase>,
    lease: Duration,
    now: Timestamp,
) -> Result<LeaseState> {
    let run = match find(tx, key).await? {
        Ok(run) => run,
        Err(lost) => return Ok(LeaseState::Lost(lost)),
    };
    let expires_at = now.plus(lease).min(run.claimed_at.plus(LONGEST));
    let done = sqlx::query(
        "UPDATE runs SET renewed_at = $2, expires_at = $3, phase = COALESCE($4, phase) WHERE id = $1 AND state = 'open'",
    )
    .bind(run.id.to_string())
    .bind(now.as_millis())
    .bind(expires_at.as_millis())
    .bind(phase.map(Phase::as_str))
    .execute(tx.raw())
    .await?;
    Ok(if done.rows_affected() == 1 { LeaseState::Held { expires_at } } else { LeaseState::Lost(Lost::Expired) })
}

/// Gives a lease back, such as by a runner that is stopped: the job is queued again, unless its release was replaced, and the attempt does
/// not count.
pub async fn release(tx: &mut Tx, key: &LeaseKey<'_>, now: Timestamp) -> Result<LeaseState> {
    lock_queue(tx).await?;
    let run = match find(tx, key).await? {
        Ok(run) => run,
        Err(lost) => return Ok(LeaseState::Lost(lost)),
    };
    let given = give_back(tx, &run, now).await?;
    Ok(if given { LeaseState::Held { expires_at: now } } else { LeaseState::Lost(Lost::Expired) })
}

/// Takes a run from its runner and gives its job to another; says whether it was open. The caller holds the queue's lock.
pub(crate) async fn take_back(tx: &mut Tx, id: RunId, now: Timestamp) -> Result<bool> {
    let row = sqlx::query("SELECT * FROM runs WHERE id = $1").bind(id.to_string()).fetch_optional(tx.raw()).await?;
    let Some(row) = row else { return Ok(false) };
    give_back(tx, &read(&row)?, now).await
}

async fn give_back(tx: &mut Tx, run: &LeasedRun, now: Timestamp) -> Result<bool> {
    if !end(tx, run.id, RunState::Released, now).await? {
        return Ok(false);
    }
    sqlx::query("UPDATE jobs SET attempts = attempts - 1 WHERE id = $1 AND attempts > 0")
        .bind(run.job_id.to_string())
        .execute(tx.raw())
        .await?;
    let job = job_of(tx, run).await?;
    leave(tx, &job, now).await?;
    Ok(true)
}

/// Lets a job that was running wait again, or withdraws it where another archive has taken the place of its release meanwhile.
async fn leave(tx: &mut Tx, job: &Job, now: Timestamp) -> Result<JobState> {
    let is_replaced = releases::of_job(tx, job).await?.superseded_at.is_some();
    let to = if is_replaced { JobState::Withdrawn } else { JobState::Queued };
    move_job(tx, job, to, now).await?;
    Ok(to)
}

/// Makes every lease of a runner that is known to be dead end at the next [`expire`]; how many there are.
pub async fn forfeit(tx: &mut Tx, runner: RunnerId, now: Timestamp) -> Result<u64> {
    let done =
        sqlx::query("UPDATE runs SET expires_at = $2 WHERE runner_id = $1 AND state = 'open' AND expires_at > $2")
            .bind(runner.to_string())
            .bind(now.as_millis())
            .execute(tx.raw())
            .await?;
    Ok(done.rows_affected())
}

/// Whether any lease is past its time.
pub async fn is_any_past(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let row = sqlx::query("SELECT id FROM runs WHERE state = 'open' AND expires_at <= $1 LIMIT 1")
        .bind(now.as_millis())
        .fetch_optional(conn.raw())
        .await?;
    Ok(row.is_some())
}

/// Ends leases past their time, the longest past first, at most `limit`. Their jobs go back to the queue, or, after the last attempt,
/// end with an ERROR; where the release was replaced they are withdrawn.
pub async fn expire(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<Expired>> {
    if !is_any_past(tx, now).await? {
        return Ok(Vec::new());
    }
    lock_queue(tx).await?;
    let past = "SELECT * FROM runs WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2";
    let rows = sqlx::query(past).bind(now.as_millis()).bind(to_limit(limit)).fetch_all(tx.raw()).await?;
    let (mut expired, mut losses) = (Vec::new(), BTreeMap::new());
    for row in &rows {
        let run = read(row)?;
        if end(tx, run.id, RunState::Expired, now).await? {
            let job_state = bury(tx, &run, now).await?;
            expired.push(Expired { run_id: run.id, runner_id: run.runner_id, job_state });
            losses.insert(
                run.runner_id,
                run.claimed_at.max(losses.get(&run.runner_id).copied().unwrap_or(run.claimed_at)),
            );
        }
    }
    // Last, as every transaction that locks a run comes to runners last.
    for (runner, claimed_at) in losses {
        losses::count(tx, runner, claimed_at, now).await?;
    }
    Ok(expired)
}

/// Decides what becomes of the job of a run that was lost.
async fn bury(tx: &mut Tx, run: &LeasedRun, now: Timestamp) -> Result<JobState> {
    let job = job_of(tx, run).await?;
    if job.attempts < job.max_attempts {
        let to = leave(tx, &job, now).await?;
        if to == JobState::Queued {
            confirm::pass_on(tx, &job, run.runner_id, now).await?;
        }
        return Ok(to);
    }
    let phase = current_phase(tx, run.id).await?.unwrap_or(Phase::Fetch);
    let verdict = Verdict::new(phase, Reason::RunnerLost).with_detail(format!("after {} attempts", job.attempts));
    let lost = results::LostRun { run_id: run.id, claimed_at: run.claimed_at, verdict: &verdict };
    results::bury(tx, &job, &lost, now).await?;
    Ok(JobState::Finished)
}

/// Ends an open run; says whether it was open. Of several that want to end it, one wins.
pub(crate) async fn end(tx: &mut Tx, id: RunId, state: RunState, now: Timestamp) -> Result<bool> {
    let done = sqlx::query("UPDATE runs SET state = $2, ended_at = $3 WHERE id = $1 AND state = 'open'")
        .bind(id.to_string())
        .bind(state.as_str())
        .bind(now.as_millis())
        .execute(tx.raw())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Runs that are reported, of those that are open: each since some time.
pub(crate) const REPORTED: many::Listed = (
    "UPDATE runs SET state = 'reported', ended_at = v.column2 FROM",
    2,
    "WHERE runs.id = v.column1 AND runs.state = 'open' RETURNING runs.id",
);

/// Ends those of some open runs that are reported, and returns them: of several that want to end one, one wins.
pub(crate) async fn end_reported(tx: &mut Tx, ids: &[RunId], now: Timestamp) -> Result<BTreeSet<RunId>> {
    let rows = many::by_list(tx, REPORTED, ids, |query, id| query.bind(id.to_string()).bind(now.as_millis())).await?;
    rows.iter().map(|row| Fields::of(row, "runs", "id").parse("id")).collect()
}

/// The run that a key opens, or why it does not.
pub(crate) async fn find(conn: &mut Conn, key: &LeaseKey<'_>) -> Result<std::result::Result<LeasedRun, Lost>> {
    let mut found = find_each(conn, std::slice::from_ref(key)).await?;
    Ok(found.pop().unwrap_or(Err(Lost::Unknown)))
}

/// The run that each of some keys opens, or why it does not.
pub(crate) async fn find_each(
    conn: &mut Conn,
    keys: &[LeaseKey<'_>],
) -> Result<Vec<std::result::Result<LeasedRun, Lost>>> {
    const RUNS: &str = "SELECT id, runner_id, state, job_id, token_hash, expires_at, claimed_at FROM runs WHERE id IN";
    let ids: Vec<String> = keys.iter().map(|key| key.run_id.to_string()).collect();
    let rows = many::by_ids(conn, RUNS, &ids).await?;
    let runs = rows.iter().map(read).map(|run| run.map(|run| (run.id, run))).collect::<Result<BTreeMap<_, _>>>()?;
    Ok(keys.iter().map(|key| held(runs.get(&key.run_id), key)).collect())
}

/// Whether a key opens a run.
pub(crate) fn held(run: Option<&LeasedRun>, key: &LeaseKey<'_>) -> std::result::Result<LeasedRun, Lost> {
    let is_its = |run: &&LeasedRun| run.token_hash == key.token.as_str() && run.runner_id == key.runner_id;
    let run = run.filter(is_its).ok_or(Lost::Unknown)?;
    match run.state {
        RunState::Open => Ok(run.clone()),
        RunState::Reported => Err(Lost::Reported),
        RunState::Expired => Err(Lost::Expired),
        RunState::Released => Err(Lost::Released),
    }
}

/// The job that a run leased.
pub(crate) async fn job_of(conn: &mut Conn, run: &LeasedRun) -> Result<Job> {
    get(conn, run.job_id).await?.ok_or_else(|| run.without_job())
}

async fn current_phase(conn: &mut Conn, id: RunId) -> Result<Option<Phase>> {
    let row =
        sqlx::query("SELECT id, phase FROM runs WHERE id = $1").bind(id.to_string()).fetch_one(conn.raw()).await?;
    Fields::of(&row, "runs", "id").optional_parse("phase")
}

pub(crate) fn read(row: &AnyRow) -> Result<LeasedRun> {
    let row = Fields::of(row, "runs", "id");
    Ok(LeasedRun {
        id: row.parse("id")?,
        runner_id: row.parse("runner_id")?,
        state: row.parse("state")?,
        job_id: row.parse("job_id")?,
        token_hash: row.text("token_hash")?,
        expires_at: row.time("expires_at")?,
        claimed_at: row.time("claimed_at")?,
    })
}

#[cfg(test)]
mod tests;
