//! Takes jobs from the queue and opens the runs that test them; why in this order stands in `jobs.rs`.
//!
//! Claims that come at the same time are answered together, as one after the other would be: a statement costs a journey, whether it is about one
//! job or fifty.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::{JobId, Release, ReleaseId, RunId, RunnerId, Target, Timestamp};

use super::lanes;
use crate::fields::to_bigint;
use crate::runs::RunState;
use crate::{Result, TokenHash, Tx, confirm, losses, many, releases, trends};

pub(super) mod before;
pub(super) mod next;

use next::{Taken, fitting, next_jobs};

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
