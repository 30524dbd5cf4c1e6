//! Takes jobs from the queue and opens the runs that test them; why in this order stands in `jobs.rs`.
//!
//! Claims that come at the same time are answered together, as one after the other would be: a statement costs a journey, whether it is about one
//! job or fifty.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::{JobId, Priority, Release, ReleaseId, RunId, RunnerId, Target, Timestamp};

use super::lanes::{self, Turn};
use crate::fields::{Fields, to_bigint};
use crate::runs::RunState;
use crate::{Conn, Result, TokenHash, Tx, confirm, losses, many, releases, trends};

pub(super) mod before;

/// When the oldest job of a lane came, and its id, in one word that sorts as they do; the lane is given by its three columns, and what avoids the runner $1
/// is not for it. Nearly always the first entry of an index.
pub(super) fn oldest([target, rank, owner]: [&str; 3]) -> String {
    format!(
        "SELECT CAST(queued_at + 1000000000000000 AS TEXT) || id FROM jobs WHERE target = {target} AND rank = {rank} AND owner_key = {owner}
             AND state = 'queued' AND parked_until IS NULL
             AND NOT EXISTS (SELECT 1 FROM avoidances WHERE avoidances.job_id = jobs.id AND avoidances.runner_id = $1)
             ORDER BY queued_at, id LIMIT 1"
    )
}

/// The jobs that are next over so many targets, at most as many as the last place says: of the most urgent lanes, by the owners' turns, the oldest of each owner.
///
/// Of each target so many lanes are looked at, which hold so many owners, or all there are.
pub(super) fn next(targets: usize) -> String {
    format!(
        "WITH heads AS MATERIALIZED ({heads}),
             urgent AS MATERIALIZED (SELECT owner_key, MIN(served_turn) AS served_turn FROM heads WHERE rank = (SELECT MIN(rank) FROM heads)
                 GROUP BY owner_key),
             due AS MATERIALIZED (SELECT MAX(served_turn) AS served_turn
                 FROM (SELECT served_turn FROM urgent ORDER BY served_turn LIMIT ${most}) AS those),
             oldest AS MATERIALIZED (SELECT heads.owner_key, heads.served_turn, MIN(({oldest})) AS word
                 FROM heads JOIN urgent ON urgent.owner_key = heads.owner_key AND urgent.served_turn = heads.served_turn
                 WHERE heads.rank = (SELECT MIN(rank) FROM heads) AND heads.served_turn <= (SELECT served_turn FROM due)
                 GROUP BY heads.owner_key, heads.served_turn)
         SELECT jobs.id, jobs.release_id, jobs.target, jobs.rank, jobs.owner_key, jobs.attempts, jobs.reported, jobs.time_factor
         FROM (SELECT served_turn, word FROM oldest ORDER BY served_turn, word LIMIT ${most}) AS first
             JOIN jobs ON jobs.id = substr(first.word, 17)
         ORDER BY first.served_turn, first.word",
        heads = lanes::heads(targets),
        oldest = oldest(["heads.target", "heads.rank", "heads.owner_key"]),
        most = targets + 2,
    )
}

/// Jobs run from here on: each by its run, since some time.
pub(super) const START: many::Listed = (
    "UPDATE jobs SET state = 'running', attempts = attempts + 1, run_id = v.column2, changed_at = v.column3 FROM",
    3,
    "WHERE jobs.id = v.column1 AND jobs.state = 'queued'",
);

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
    /// Whether the runner chose it, so that it can say the claim again.
    pub chosen: bool,
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

/// What comes of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: nothing waits for its targets, or the runner is quarantined or revoked, or has as many leases as it may have: see [`crate::losses`].
    Nothing,
    /// A job.
    Job(Claimed),
    /// What was claimed with the same token before, where the runner did not get the answer.
    Before(Claimed),
    /// Nothing, as what was claimed with the same token before is over.
    Over,
}

/// A job that is taken, as far as its claim is concerned.
struct Taken {
    id: JobId,
    release_id: ReleaseId,
    target: Target,
    priority: Priority,
    owner_key: String,
    /// With this one.
    attempts: u32,
    reported: u32,
    time_factor: u32,
}

impl Taken {
    /// Whether there may be runners that it is not for: what was neither reported nor lost avoids nobody.
    const fn may_avoid(&self) -> bool {
        self.reported > 0 || self.attempts > 1
    }

    fn turn(&self, number: i64) -> Turn {
        Turn { target: self.target, priority: self.priority, owner_key: self.owner_key.clone(), number }
    }
}

/// Claims the next job for each of some runners and opens its run, as if one came after the other.
///
/// The attempt is counted here, so that a job that kills its runners comes to an end. A claim that was made before with the same token claims nothing more: the
/// queue's lock lets only one of two be the first.
pub async fn claim(tx: &mut Tx, claims: &[Claim<'_>], now: Timestamp) -> Result<Vec<Answer>> {
    let mut answers = vec![Answer::Nothing; claims.len()];
    // One that comes twice at once is answered twice, the second time with what it got the first time.
    let mut left: Vec<usize> = (0..claims.len()).collect();
    while !left.is_empty() {
        let mut seen = BTreeSet::new();
        let mut is_first =
            |claim: &Claim<'_>| !claim.chosen || seen.insert((claim.runner_id, claim.token.as_str().to_owned()));
        let (some, again): (Vec<usize>, Vec<usize>) = left.into_iter().partition(|at| is_first(&claims[*at]));
        claim_each(tx, (claims, &some), &mut answers, now).await?;
        left = again;
    }
    Ok(answers)
}

/// The same of those that no other one of is the same.
async fn claim_each(
    tx: &mut Tx,
    (claims, some): (&[Claim<'_>], &[usize]),
    answers: &mut [Answer],
    now: Timestamp,
) -> Result<()> {
    let targets: BTreeSet<Target> = some.iter().flat_map(|at| claims[*at].targets).copied().collect();
    let targets: Vec<Target> = targets.into_iter().collect();
    // A look without the lock: runners ask far more often than there is work.
    let is_any = lanes::is_any_waiting(tx, &targets).await?;
    let turn = if is_any { Some(lanes::take_turns(tx, some.len()).await?) } else { None };
    let chosen: Vec<usize> = some.iter().copied().filter(|at| claims[*at].chosen).collect();
    let those: Vec<&Claim<'_>> = chosen.iter().map(|at| &claims[*at]).collect();
    for (at, answer) in chosen.into_iter().zip(before::of(tx, &those, now).await?) {
        answers[at] = answer;
    }
    let Some(turn) = turn else { return Ok(()) };
    let open: Vec<usize> = some.iter().copied().filter(|at| answers[*at] == Answer::Nothing).collect();
    let mut allowed = losses::allowed(tx, open.iter().map(|at| claims[*at].runner_id)).await?;
    let open = open.into_iter().filter(|at| take_lease(&mut allowed, claims[*at].runner_id)).collect();
    let taken = take(tx, (claims, open), (turn, now)).await?;
    open_runs(tx, claims, &taken, now).await?;
    let releases = releases::by_ids(tx, taken.iter().map(|(_, job)| job.release_id)).await?;
    for (at, job) in taken {
        let release = releases::one_of(&releases, job.id, job.release_id)?.release.clone();
        answers[at] = Answer::Job(claims[at].got(&job, release, now));
    }
    Ok(())
}

impl Claim<'_> {
    fn got(&self, job: &Taken, release: Release, now: Timestamp) -> Claimed {
        Claimed {
            job_id: job.id,
            run_id: self.run_id,
            release_id: job.release_id,
            release,
            target: job.target,
            attempt: job.attempts,
            expires_at: now.plus(self.lease),
            time_factor: job.time_factor,
        }
    }
}

/// Whether a runner may have another lease, which is counted.
fn take_lease(allowed: &mut BTreeMap<RunnerId, u32>, runner: RunnerId) -> bool {
    let Some(leases) = allowed.get_mut(&runner).filter(|leases| **leases > 0) else { return false };
    *leases -= 1;
    true
}

/// Takes the next job for each of some claims, by their places, until nothing waits for them. The caller holds the queue's lock.
async fn take(
    tx: &mut Tx,
    (claims, mut open): (&[Claim<'_>], Vec<usize>),
    (mut turn, now): (i64, Timestamp),
) -> Result<Vec<(usize, Taken)>> {
    let mut all = Vec::new();
    while let Some(first) = open.first().copied() {
        // Those that ask for the same go together, up to one whose job is not for it.
        let targets = claims[first].targets;
        let alike = open.iter().take_while(|at| claims[**at].targets == targets).count();
        let mut jobs = next_jobs(tx, (targets, None), alike).await?;
        let is_none = jobs.is_empty();
        let fit = fitting(tx, open.iter().map(|at| claims[*at].runner_id), &jobs).await?;
        jobs.truncate(fit);
        if fit == 0 && !is_none {
            jobs = next_jobs(tx, (targets, Some(claims[first].runner_id)), 1).await?;
        }
        if jobs.is_empty() {
            // Nothing waits for those targets, or nothing that is for the first of them.
            open.drain(..if is_none { alike } else { 1 });
            continue;
        }
        let got: Vec<(usize, Taken)> = open.drain(..jobs.len()).zip(jobs).collect();
        start(tx, claims, &got, now).await?;
        let turn_of = |(number, (_, job)): (i64, &(usize, Taken))| job.turn(number);
        lanes::serve(tx, &(turn..).zip(&got).map(turn_of).collect::<Vec<_>>()).await?;
        turn += to_bigint(got.len() as u64);
        all.extend(got);
    }
    if !all.is_empty() {
        trends::went(tx, all.len(), now).await?;
    }
    Ok(all)
}

/// How many of some jobs, from the first one on, are for the runner in the same place.
async fn fitting(conn: &mut Conn, runners: impl Iterator<Item = RunnerId>, jobs: &[Taken]) -> Result<usize> {
    let avoiding: Vec<String> = jobs.iter().filter(|job| job.may_avoid()).map(|job| job.id.to_string()).collect();
    if avoiding.is_empty() {
        return Ok(jobs.len());
    }
    let rows = many::by_ids(conn, "SELECT job_id, runner_id FROM avoidances WHERE job_id IN", &avoiding).await?;
    let read = |row| {
        let row = Fields::of(row, "avoidances", "job_id");
        Ok((row.parse("job_id")?, row.parse("runner_id")?))
    };
    let avoided = rows.iter().map(read).collect::<Result<BTreeSet<(JobId, RunnerId)>>>()?;
    Ok(jobs.iter().zip(runners).take_while(|(job, runner)| !avoided.contains(&(job.id, *runner))).count())
}

/// The next jobs for some targets, each of another owner.
async fn next_jobs(
    conn: &mut Conn,
    (targets, runner): (&[Target], Option<RunnerId>),
    count: usize,
) -> Result<Vec<Taken>> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let runner = runner.map(|id| id.to_string()).unwrap_or_default();
    let sql = many::text(("the next jobs", "", targets.len(), true), || next(targets.len()));
    let query = sqlx::query(sql).bind(runner);
    let query = targets.iter().fold(query, |query, target| query.bind(target.to_string()));
    let rows = query.bind(to_bigint(count as u64)).fetch_all(conn.raw()).await?;
    let read = |row| {
        let row = Fields::of(row, "jobs", "id");
        Ok(Taken {
            id: row.parse("id")?,
            release_id: row.parse("release_id")?,
            target: row.parse("target")?,
            priority: row.priority("rank")?,
            owner_key: row.text("owner_key")?,
            attempts: row.number::<u32>("attempts")? + 1,
            reported: row.number("reported")?,
            time_factor: row.number("time_factor")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The jobs run from here on.
async fn start(tx: &mut Tx, claims: &[Claim<'_>], jobs: &[(usize, Taken)], now: Timestamp) -> Result<()> {
    many::update(tx, START, jobs, |query, (at, job)| {
        query.bind(job.id.to_string()).bind(claims[*at].run_id.to_string()).bind(now.as_millis())
    })
    .await?;
    for (_, job) in jobs.iter().filter(|(_, job)| job.may_avoid()) {
        confirm::forget(tx, job.id).await?;
    }
    Ok(())
}

async fn open_runs(tx: &mut Tx, claims: &[Claim<'_>], jobs: &[(usize, Taken)], now: Timestamp) -> Result<()> {
    const INTO: &str =
        "runs (id, job_id, runner_id, target, token_hash, attempt, state, claimed_at, renewed_at, expires_at)";
    many::insert(tx, (INTO, 10), jobs, |query, (at, job)| {
        let claim = &claims[*at];
        query
            .bind(claim.run_id.to_string())
            .bind(job.id.to_string())
            .bind(claim.runner_id.to_string())
            .bind(job.target.to_string())
            .bind(claim.token.as_str().to_owned())
            .bind(i64::from(job.attempts))
            .bind(RunState::Open.as_str())
            .bind(now.as_millis())
            .bind(now.as_millis())
            .bind(now.plus(claim.lease).as_millis())
    })
    .await
}

#[cfg(test)]
mod tests;
