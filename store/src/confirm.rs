//! Confirmation: what a result is worth, and whether the job has to run again.
//!
//! # Standing
//! Results are insert-only. What pages, badges and statistics read of a job is its *standing*: one of its results (`jobs.result_id`), and
//! whether others put it in doubt (`jobs.doubt`: UNCONFIRMED, FLAKY or nothing). A runner that calls its own result UNCONFIRMED
//! is not heard. A *round* is what one wish brings, a release's or an operator's: runs until the verdict stands. A new round leaves the old
//! standing until its own first result that is not an ERROR.
//!
//! # Rules
//! They are pure functions in `rules.rs`.
//! - PASS, UNTESTED, NA, ENV and BLOCKED stand at once. A first FAIL stands as UNCONFIRMED, and the job goes back into the queue.
//! - A second run that agrees (same grade, phase and kind of cause) confirms it. What was too slow is run again with twice the time.
//! - One that ends within twice the time says nothing against the first, which had half of it: it counts as if it were the first, and what
//!   was too slow stays UNCONFIRMED where it is shown.
//! - One that disagrees otherwise makes both FLAKY: the better one is shown, and it counts neither for nor against anybody. That stays so whatever
//!   a third run says: the same thing did end differently.
//! - ENV and BLOCKED can neither agree nor disagree: they are tried twice more, then the first FAIL stays unconfirmed. Nor can what was too
//!   slow again without more time, on the machine of a volunteer who gives none: it is tried on others, while there are any.
//! - What fails where its platform is emulated is never confirmed by another emulator: a machine has to have it. Where no runner has one, it
//!   stays UNCONFIRMED, and the job is settled; [`tend`] puts it back once one is there. A machine that says otherwise is right, and nobody is
//!   flaky: an emulator lacks instructions, system calls and time.
//! - ERROR is tried again, silently, with a pause that quadruples, and takes no part. After the last it is the standing where nothing else
//!   is, from this round or an older one. A job whose runners were all lost has been tried often enough.
//! - A release that was replaced needs no confirmation. An operator's requeue begins a new round.
//!
//! # Another runner
//! A second opinion is another runner's where one is there: connected, not quarantined, and offering the target. So a waiting job may
//! name runners that it is not for (`avoidances`). A claim stays two looks at the head of an index: a lane is passed over by a runner that
//! all of its waiting jobs avoid, which is a count by index and nearly always zero, and the lane's other jobs are served as ever. When no
//! other runner is left, because it went away or was quarantined, [`tend`] strikes the names, so that a farm of one runner confirms by
//! itself, at once, and no job waits for somebody who does not come.
//!
//! A job that has to wait for its time (`parked_until`) is in no lane and in no index that a claim reads; [`tend`] wakes it.
//!
//! # Trust
//! Two runs that disagree on two runners tell nothing of either. A third one on a third runner, where there is one, tells who was wrong:
//! whoever two others agree against is the *odd one out*. A runner that is so too often (`rules::is_odd`) is quarantined in the transaction
//! that accepts the report. Of each owner the newest opinion counts alone, so that no flaky extension quarantines anybody, nor an author who
//! makes some that fail on one runner. A
//! quarantined runner gets no work; [`tend`] gives its open runs to others, and what it found in its last week is withdrawn and run again
//! ([`crate::withdrawal`]), both from what is stored, so that a coordinator that dies in between loses nothing. An operator can quarantine, for whatever
//! time, and release too; a released runner begins with a clean slate, and what it found counts again.
//!
//! # Locks
//! On PostgreSQL a transaction takes them in one order: turn, runs, results, jobs, counters, subscriptions, runners; rows by day ([`crate::trends`]) come right
//! after the turn's or the results' counter. So the queue is locked first where a
//! report may put its job back, and a runner's own row is written last. Lanes, avoidances and jobs that wait are only written under the turn,
//! and the run that a claim opens is nobody else's yet: their order does not matter. Of reports that are stored together each step is taken for all before the
//! next one; only what turned is written before the jobs of others, which nobody else has, as their runs have just ended here.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::{Circumstances, Flag, Grade, JobId, JobState, Priority, Report, RunId, RunnerId, Timestamp};

use crate::fields::Fields;
use crate::jobs::{Again, Job, move_job, put_again};
use crate::releases::StoredRelease;
use crate::{Conn, Result, Tx, history};

mod again;
mod avoid;
mod rules;
mod tend;
mod trust;

pub(crate) use again::rejudge;
pub(crate) use avoid::{avoid, forget, pass_on};
pub(crate) use rules::{Said, doubt, standing, with_doubt};
pub use tend::{Tended, is_due, tend};
pub(crate) use trust::learn;
pub use trust::{quarantine, quarantine_since, release};

use rules::{Next, Standing};

/// What a query selects so that [`read_said`] knows how much time a late result had, and what was emulated. Texts within cannot look like
/// that: their quotation marks are escaped.
macro_rules! late {
    () => {
        "CASE WHEN results.reason IN ('timed-out', 'silent') OR results.circumstances LIKE '%\"emulated\":true%' THEN results.circumstances END AS circumstances"
    };
}
pub(crate) use late;

/// How the farm's own failures are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often.
    pub most: u32,
    /// The pause before the first; each further one is four times as long.
    pub pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { most: 3, pause: Duration::from_mins(1) }
    }
}

impl Retries {
    fn after(self, failures: u32, now: Timestamp) -> Timestamp {
        now.plus(self.pause.saturating_mul(4_u32.saturating_pow(failures.saturating_sub(1))))
    }
}

/// Decides what a job's newest result comes to, once it is stored. The caller holds the queue's lock if it may have to run again, and has
/// read the release since; it counts the result after that, and learns from it ([`learn`]) last.
///
/// Returns the job's round with it.
pub(crate) async fn conclude(
    tx: &mut Tx,
    job: &Job,
    release: &StoredRelease,
    retries: Retries,
    now: Timestamp,
) -> Result<Vec<Said>> {
    let round = said(tx, job).await?;
    let next = match rules::next(&round, retries.most) {
        Next::Settle => Next::Settle,
        _ if release.superseded_at.is_some() => Next::Settle,
        Next::Elsewhere if !avoid::is_another_there(tx, job, &round, now).await? => Next::Settle,
        Next::Natively if !avoid::is_a_machine_there(tx, job.target, now).await? => Next::Settle,
        next => next,
    };
    if let Some(standing) = standing(&round)
        && (!is_error(&round, standing) || (next == Next::Settle && !is_judged(tx, job).await?))
    {
        stand(tx, job, standing).await?;
        history::stands(tx, job, release, now).await?;
    }
    let time_factor = if round.iter().any(Said::is_late) { 2 } else { 1 };
    let job = Job { reported: job.reported + 1, ..job.clone() };
    match next {
        Next::Settle => move_job(tx, &job, JobState::Finished, now).await?,
        Next::Confirm | Next::Elsewhere | Next::Natively => {
            let again = Again { priority: Priority::Confirmation, parked_until: None, time_factor };
            put_again(tx, &job, again, now).await?;
        }
        Next::Retry(failures) => {
            let parked_until = Some(retries.after(failures, now));
            put_again(tx, &job, Again { priority: job.priority, parked_until, time_factor }, now).await?;
        }
    }
    Ok(round)
}

/// Whether the first result of a job stands by itself, and nothing else has to be thought of: [`conclude`] would only have it stand.
pub(crate) fn stands_at_once(said: &Said, retries: Retries) -> bool {
    let round = std::slice::from_ref(said);
    let stands = standing(round).is_some_and(|standing| standing.doubt.is_none());
    stands && said.reason.grade() != Grade::Error && rules::next(round, retries.most) == Next::Settle
}

/// Whether only the farm's own failure could stand: that does so once it is not tried again, where nothing else stands from before.
fn is_error(round: &[Said], standing: Standing) -> bool {
    round.iter().any(|said| said.run_id == standing.run_id && said.reason.grade() == Grade::Error)
}

/// Whether what stands of a job is anything but a failure of the farm.
async fn is_judged(conn: &mut Conn, job: &Job) -> Result<bool> {
    let Some(standing) = job.result_id else { return Ok(false) };
    let row = sqlx::query("SELECT id FROM results WHERE id = $1 AND grade <> 'ERROR'")
        .bind(standing.to_string())
        .fetch_optional(conn.raw())
        .await?;
    Ok(row.is_some())
}

/// Writes what stands now.
async fn stand(tx: &mut Tx, job: &Job, standing: Standing) -> Result<()> {
    sqlx::query("UPDATE jobs SET result_id = $2, doubt = $3, confirmed_by = $4 WHERE id = $1")
        .bind(job.id.to_string())
        .bind(standing.run_id.to_string())
        .bind(standing.doubt.map(Flag::as_str).unwrap_or_default())
        .bind(standing.confirmed_by.map(|run| run.to_string()))
        .execute(tx.raw())
        .await?;
    crate::standing::keep(tx, job.id).await
}

/// The results of a job's round, in the order in which they came.
async fn said(conn: &mut Conn, job: &Job) -> Result<Vec<Said>> {
    of_round(conn, job.id, job.round).await
}

/// The doubt of one result, by its own round, whether or not that is the job's current one.
pub(crate) async fn doubt_of(conn: &mut Conn, job: JobId, round: u32, run: RunId) -> Result<Option<Flag>> {
    Ok(rules::doubt_of(&of_round(conn, job, round).await?, run))
}

/// The same of many results of a job, whose rounds lie from one to another, by one look.
pub(crate) async fn doubts_of(conn: &mut Conn, job: JobId, between: (u32, u32)) -> Result<BTreeMap<RunId, Flag>> {
    let rounds = rounds(conn, job, between).await?;
    let of_round = |round: &Vec<Said>| -> Vec<_> {
        round.iter().filter_map(|said| Some((said.run_id, rules::doubt_of(round, said.run_id)?))).collect()
    };
    Ok(rounds.values().flat_map(of_round).collect())
}

async fn of_round(conn: &mut Conn, job: JobId, round: u32) -> Result<Vec<Said>> {
    Ok(rounds(conn, job, (round, round)).await?.remove(&round).unwrap_or_default())
}

/// The results of some of a job's rounds, in the order in which they came.
async fn rounds(conn: &mut Conn, job: JobId, (from, to): (u32, u32)) -> Result<BTreeMap<u32, Vec<Said>>> {
    let rows = sqlx::query(concat!(
        "SELECT results.id, results.phase, results.reason, results.round, runs.runner_id, ",
        late!(),
        " FROM results LEFT JOIN runs ON runs.id = results.id
         WHERE results.job_id = $1 AND results.round BETWEEN $2 AND $3 AND runs.withdrawn_at IS NULL
         ORDER BY results.round, results.place, results.accepted_at, results.id LIMIT 5000"
    ))
    .bind(job.to_string())
    .bind(i64::from(from))
    .bind(i64::from(to))
    .fetch_all(conn.raw())
    .await?;
    let mut rounds: BTreeMap<u32, Vec<Said>> = BTreeMap::new();
    for row in &rows {
        let row = Fields::of(row, "results", "id");
        let said = read_said(&row, row.optional_parse("runner_id")?)?;
        rounds.entry(row.number("round")?).or_default().push(said);
    }
    Ok(rounds)
}

/// A result as one of its round. Circumstances are only looked at where it was late or emulated, and need not be there else.
pub(crate) fn read_said(row: &Fields<'_>, runner_id: Option<RunnerId>) -> Result<Said> {
    let circumstances: Option<Circumstances> = row.optional_json("circumstances")?;
    Ok(Said {
        run_id: row.parse("id")?,
        runner_id,
        phase: row.parse("phase")?,
        reason: row.parse("reason")?,
        emulated: circumstances.as_ref().is_some_and(|circumstances| circumstances.emulated),
        limits: circumstances.and_then(|circumstances| circumstances.limits),
    })
}

impl Said {
    /// A report as the first of its round.
    pub(crate) fn of(report: &Report, runner_id: RunnerId) -> Self {
        let circumstances = &report.circumstances;
        Self {
            run_id: report.run_id,
            runner_id: Some(runner_id),
            phase: report.verdict.phase,
            reason: report.verdict.reason,
            emulated: circumstances.emulated,
            limits: circumstances.limits,
        }
    }
}

#[cfg(test)]
mod tests;
