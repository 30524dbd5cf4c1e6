//! Results that do not count any more, as the word of their runner is not taken: it is quarantined, or was revoked.
//!
//! # How
//! Results are never changed. A *run* is marked (`runs.withdrawn_at`), and whatever reads results leaves out those of marked runs, by
//! `counting!` where it does not go by what stands of a job. Which runs are to be marked follows from `runners.withdrawn_from` alone: those that the runner
//! claimed since then. [`step`] marks some, has what stands of their jobs judged anew, and queues what has to run again, all in one transaction.
//! So a farm that is killed goes on where it stopped, a report that was just being accepted is found by the next step, and an operator who takes a quarantine
//! back ([`crate::confirm::release`]) has the marks taken off in the same way: the results count again.
//!
//! Two indexes hold the runs that are still to be marked, and those that are marked: a step costs the same with a million of either.
//!
//! # What is told
//! Nothing. That verdicts are withdrawn, or count again, says nothing of an extension, so that it turns nothing: what stands is compared anew without
//! a turn ([`crate::history`]). Turns from or to a withdrawn result are no longer in feeds, and what was still to be told of them is not. What was told
//! cannot be taken back; the page that it leads to says that it is withdrawn. The run that takes its place is compared with the nearest verdict that
//! counts, so that nobody hears of a fix or a failure that only the bad runner saw. Where it finds the same turn again, that is the same turn: told to whoever
//! has not heard of it, and to nobody twice ([`crate::turns`]).
//!
//! # Numbers
//! Charts and counts lose what is withdrawn, on the day on which it was accepted. `counters.marks` grows with every mark that is put on or taken off,
//! for whoever keeps something until there are other results.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{JobId, RunId, RunnerId, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::jobs::lock_queue;
use crate::{Conn, Result, Tx, confirm, deliveries, history, trends};

/// The condition under which a result counts.
macro_rules! counting {
    () => {
        "NOT EXISTS (SELECT 1 FROM runs AS marked WHERE marked.id = results.id AND marked.withdrawn_at IS NOT NULL)"
    };
}
pub(crate) use counting;

/// Runs that are to be marked: by runner, as a cross join has SQLite begin with those, who are few.
pub(crate) const TO_MARK: &str = "SELECT runs.id, runs.job_id FROM runners CROSS JOIN runs
     WHERE runners.withdrawn_from IS NOT NULL AND runs.runner_id = runners.id AND runs.state = 'reported'
         AND runs.claimed_at >= runners.withdrawn_from AND runs.withdrawn_at IS NULL LIMIT $1";
/// Runs whose mark is to be taken off.
pub(crate) const TO_FREE: &str = "SELECT runs.id, runs.job_id FROM runners CROSS JOIN runs
     WHERE runners.withdrawn_from IS NULL AND runs.runner_id = runners.id AND runs.withdrawn_at > 0 LIMIT $1";

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Results that do not count any more.
    pub withdrawn: usize,
    /// Results that count again.
    pub restored: usize,
    /// Jobs that run again.
    pub queued: usize,
}

impl Done {
    /// Whether there was anything to do.
    pub const fn is_any(&self) -> bool {
        self.withdrawn + self.restored > 0
    }
}

/// How far the withdrawal of a runner's results is, or that it is taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// How many are withdrawn now.
    pub withdrawn: u64,
    /// How many are still to be withdrawn, or to count again.
    pub left: u64,
}

/// Why a result does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withdrawn {
    /// Since when.
    pub at: Timestamp,
    /// Whether its runner was revoked, and is not merely quarantined.
    pub is_revoked: bool,
    /// Why its runner is quarantined; may be empty.
    pub reason: String,
}

/// Asks for the withdrawal of what a runner claimed since then; false where that was asked for before. What is still marked from before stays so.
pub async fn want(tx: &mut Tx, runner: RunnerId, from: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE runners SET withdrawn_from = (SELECT COALESCE(MIN(CASE WHEN runs.claimed_at < $2 THEN runs.claimed_at END), $2)
             FROM runs WHERE runs.runner_id = $1 AND runs.withdrawn_at > 0)
         WHERE id = $1 AND (withdrawn_from IS NULL OR withdrawn_from > $2)",
    )
    .bind(runner.to_string())
    .bind(from.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether there is anything to do; a reader may ask.
pub async fn is_due(conn: &mut Conn) -> Result<bool> {
    Ok(!runs(conn, TO_MARK, 1).await?.is_empty() || !runs(conn, TO_FREE, 1).await?.is_empty())
}

/// Marks at most `limit` runs, or takes their marks off, and does all that follows.
pub async fn step(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Done> {
    lock_queue(tx).await?;
    let marked = runs(tx, TO_MARK, limit).await?;
    let room = limit.saturating_sub(u32::try_from(marked.len()).unwrap_or(u32::MAX));
    let freed = runs(tx, TO_FREE, room).await?;
    for (run, _) in &marked {
        mark(tx, *run, Some(now)).await?;
    }
    for (run, _) in &freed {
        mark(tx, *run, None).await?;
    }
    let mut queued = 0;
    for (job, runs) in of_jobs(&marked) {
        queued += usize::from(confirm::rejudge(tx, job, &runs, now).await?);
    }
    for (job, _) in of_jobs(&freed) {
        confirm::rejudge(tx, job, &[], now).await?;
    }
    let all: Vec<RunId> = marked.iter().chain(&freed).map(|(run, _)| *run).collect();
    compare_others(tx, &all).await?;
    for (runs, by) in [(&marked, -1), (&freed, 1)] {
        count(tx, runs, by).await?;
    }
    for (run, _) in &marked {
        deliveries::drop_of(tx, *run).await?;
    }
    Ok(Done { withdrawn: marked.len(), restored: freed.len(), queued })
}

fn of_jobs(runs: &[(RunId, JobId)]) -> BTreeMap<JobId, Vec<RunId>> {
    let mut jobs: BTreeMap<JobId, Vec<RunId>> = BTreeMap::new();
    for (run, job) in runs {
        jobs.entry(*job).or_default().push(*run);
    }
    jobs
}

async fn runs(conn: &mut Conn, sql: &'static str, limit: u32) -> Result<Vec<(RunId, JobId)>> {
    let rows = sqlx::query(sql).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "runs", "id");
        Ok((row.parse("id")?, row.parse("job_id")?))
    };
    rows.iter().map(read).collect()
}

/// Marks a run, or takes its mark off. What others made of its job's results by its word is forgotten.
async fn mark(tx: &mut Tx, run: RunId, at: Option<Timestamp>) -> Result<()> {
    sqlx::query("UPDATE runs SET withdrawn_at = $2 WHERE id = $1")
        .bind(run.to_string())
        .bind(at.map(Timestamp::as_millis))
        .execute(tx.raw())
        .await?;
    if at.is_some() {
        sqlx::query(
            "DELETE FROM opinions WHERE run_id IN (SELECT other.id FROM results AS this
                 JOIN results AS other ON other.job_id = this.job_id AND other.round = this.round WHERE this.id = $1)",
        )
        .bind(run.to_string())
        .execute(tx.raw())
        .await?;
    }
    Ok(())
}

/// Compares anew what was compared with these results, or turned by them.
async fn compare_others(tx: &mut Tx, runs: &[RunId]) -> Result<()> {
    let mut jobs: BTreeSet<JobId> = BTreeSet::new();
    for run in runs {
        let rows = sqlx::query(
            "SELECT id FROM jobs WHERE compared_id = $1 UNION SELECT job_id AS id FROM turns WHERE before_id = $1",
        )
        .bind(run.to_string())
        .fetch_all(tx.raw())
        .await?;
        for row in &rows {
            jobs.insert(Fields::of(row, "jobs", "id").parse("id")?);
        }
    }
    for job in jobs {
        history::compare_quietly(tx, job).await?;
    }
    Ok(())
}

async fn count(tx: &mut Tx, runs: &[(RunId, JobId)], by: i64) -> Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    let number = i64::try_from(runs.len()).unwrap_or(i64::MAX);
    sqlx::query("UPDATE counters SET value = value + CASE WHEN name = 'marks' THEN $1 ELSE $2 END WHERE name IN ('marks', 'withdrawn')")
        .bind(number)
        .bind(-by * number)
        .execute(tx.raw())
        .await?;
    for (run, _) in runs {
        trends::recount(tx, *run, by).await?;
    }
    Ok(())
}

/// How far the withdrawal of a runner's results is.
pub async fn progress(conn: &mut Conn, runner: RunnerId) -> Result<Progress> {
    let row = sqlx::query(
        "SELECT runners.id, runners.withdrawn_from,
             (SELECT COUNT(*) FROM runs WHERE runs.runner_id = runners.id AND runs.withdrawn_at > 0) AS withdrawn,
             (SELECT COUNT(*) FROM runs WHERE runs.runner_id = runners.id AND runs.state = 'reported'
                 AND runs.claimed_at >= runners.withdrawn_from AND runs.withdrawn_at IS NULL) AS missing
         FROM runners WHERE runners.id = $1",
    )
    .bind(runner.to_string())
    .fetch_optional(conn.raw())
    .await?;
    let Some(row) = row else { return Ok(Progress::default()) };
    let row = Fields::of(&row, "runners", "id");
    let withdrawn = row.number("withdrawn")?;
    let is_wanted = row.optional_time("withdrawn_from")?.is_some();
    Ok(Progress { withdrawn, left: if is_wanted { row.number("missing")? } else { withdrawn } })
}

/// Why the result of a run does not count; none where it does.
pub async fn of_run(conn: &mut Conn, run: RunId) -> Result<Option<Withdrawn>> {
    let row = sqlx::query(
        "SELECT runs.id, runs.withdrawn_at, runners.revoked_at, runners.quarantine_reason
         FROM runs JOIN runners ON runners.id = runs.runner_id WHERE runs.id = $1 AND runs.withdrawn_at IS NOT NULL",
    )
    .bind(run.to_string())
    .fetch_optional(conn.raw())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Fields::of(&row, "runs", "id");
    Ok(Some(Withdrawn {
        at: row.time("withdrawn_at")?,
        is_revoked: row.optional_time("revoked_at")?.is_some(),
        reason: row.text("quarantine_reason")?,
    }))
}

#[cfg(test)]
mod tests;
