//! Stores reports as the results of their runs. Those that come at the same time are stored together, as one after the other would be: a statement costs a
//! journey, whether it is about one report or fifty.

use std::collections::BTreeSet;

use protocol::{Grade, InvalidReport, JobState, Report, RunId, RunnerId, Seal, Timestamp};

use super::first::{self, First};
use super::rows::{self, NewResult};
use super::{contradiction, digest};
use crate::confirm::{self, Retries, Said};
use crate::fields::Fields;
use crate::jobs::{self, Job, lock_queue};
use crate::lease::{self, LeaseKey, LeasedRun, Lost};
use crate::releases::{self, StoredRelease};
use crate::runs::{self, Told};
use crate::{Conn, Result, Tx, signatures, symptoms};

/// A report as it is handed in.
#[derive(Clone, Copy, Debug)]
pub struct Handed<'a> {
    /// The right to do so.
    pub key: LeaseKey<'a>,
    /// The report.
    pub report: &'a Report,
    /// Its signature, which is verified.
    pub seal: Option<&'a Seal>,
}

/// What became of a report.
#[derive(Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is the result of its run.
    Accepted,
    /// It is the result of its run, and a runner is quarantined by it: the odd one out too often.
    Quarantined(RunnerId),
    /// It was accepted before, word for word.
    Again,
    /// Its lease is lost, or the run has another report.
    Lost(Lost),
    /// It breaks its bounds, or is not about what was claimed.
    Refused(InvalidReport),
}

/// The answer to a report.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// What became of it.
    pub acceptance: Acceptance,
    /// What is told of the result, where it is one now.
    pub told: Option<Told>,
}

impl From<Acceptance> for Answer {
    fn from(acceptance: Acceptance) -> Self {
        Self { acceptance, told: None }
    }
}

/// A report that can be accepted, with what it is about.
struct Due<'a> {
    at: usize,
    handed: &'a Handed<'a>,
    job: &'a Job,
    release: &'a StoredRelease,
}

/// Stores each of some reports as the result of its run. Its job is finished by it, or runs again: see [`crate::confirm`].
pub async fn accept(tx: &mut Tx, handed: &[Handed<'_>], retries: Retries, now: Timestamp) -> Result<Vec<Answer>> {
    accept_by(tx, handed, Rules { retries, short: true }, now).await
}

/// By what results are judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) retries: Retries,
    /// Whether firsts go the short way ([`first::stand`]); tests compare it with the other.
    pub(super) short: bool,
}

pub(super) async fn accept_by(tx: &mut Tx, handed: &[Handed<'_>], rules: Rules, now: Timestamp) -> Result<Vec<Answer>> {
    let mut answers: Vec<Answer> = handed.iter().map(|_| Acceptance::Lost(Lost::Unknown).into()).collect();
    // One that comes twice at once is answered twice, the second time as one that was accepted before.
    let mut left: Vec<usize> = (0..handed.len()).collect();
    while !left.is_empty() {
        let mut seen = BTreeSet::new();
        let (some, again): (Vec<usize>, Vec<usize>) =
            left.into_iter().partition(|at| seen.insert(handed[*at].key.run_id));
        accept_each(tx, (handed, &some), (rules, now), &mut answers).await?;
        left = again;
    }
    Ok(answers)
}

async fn accept_each(
    tx: &mut Tx,
    (handed, some): (&[Handed<'_>], &[usize]),
    (rules, now): (Rules, Timestamp),
    answers: &mut [Answer],
) -> Result<()> {
    let mut open: Vec<(usize, LeasedRun)> = Vec::new();
    let keys: Vec<LeaseKey<'_>> = some.iter().map(|at| handed[*at].key).collect();
    for (at, held) in some.iter().zip(lease::find_each(tx, &keys).await?) {
        let Handed { key, report, .. } = handed[*at];
        match (check(&key, report), held) {
            (Err(refused), _) => answers[*at] = refused.into(),
            (Ok(()), Err(lost)) => answers[*at] = again_or_lost(tx, report, lost).await?.into(),
            (Ok(()), Ok(run)) => open.push((*at, run)),
        }
    }
    let jobs = jobs::by_ids(tx, open.iter().map(|(_, run)| run.job_id)).await?;
    // Where a job may have to run again, the queue is locked before the runs, and before a look whether the releases were replaced.
    let may_go_again = |(at, run): &(usize, LeasedRun)| {
        let grade = handed[*at].report.verdict.grade();
        matches!(grade, Grade::Fail | Grade::Error) || jobs.get(&run.job_id).is_some_and(|job| job.reported > 0)
    };
    if open.iter().any(may_go_again) {
        lock_queue(tx).await?;
    }
    let releases = releases::by_ids(tx, jobs.values().map(|job| job.release_id)).await?;
    let mut due = Vec::new();
    for (at, run) in &open {
        let (handed, job) = (&handed[*at], jobs.get(&run.job_id).ok_or_else(|| run.without_job())?);
        let release = releases::one_of(&releases, job.id, job.release_id)?;
        match contradiction(handed.report, job, release) {
            Some(why) => answers[*at] = refused(why).into(),
            None => due.push(Due { at: *at, handed, job, release }),
        }
    }
    let ids: Vec<RunId> = due.iter().map(|due| due.handed.key.run_id).collect();
    let ended = lease::end_reported(tx, &ids, now).await?;
    let (due, late): (Vec<Due<'_>>, Vec<Due<'_>>) =
        due.into_iter().partition(|due| ended.contains(&due.handed.key.run_id));
    for Due { at, handed, .. } in late {
        // Somebody ended it since it was read above; who, a second look tells.
        let acceptance = match lease::find(tx, &handed.key).await? {
            Ok(_) => Acceptance::Lost(Lost::Expired),
            Err(lost) => again_or_lost(tx, handed.report, lost).await?,
        };
        answers[at] = acceptance.into();
    }
    for (at, answer) in store(tx, &due, rules, now).await? {
        answers[at] = answer;
    }
    Ok(())
}

fn check(key: &LeaseKey<'_>, report: &Report) -> std::result::Result<(), Acceptance> {
    report.check().map_err(Acceptance::Refused)?;
    if report.run_id == key.run_id {
        return Ok(());
    }
    Err(refused(format!("it is about run {}, not {}", report.run_id, key.run_id)))
}

fn refused(why: String) -> Acceptance {
    Acceptance::Refused(InvalidReport { why })
}

/// A report for a run that is over: the same as before, or too late.
async fn again_or_lost(conn: &mut Conn, report: &Report, lost: Lost) -> Result<Acceptance> {
    if lost != Lost::Reported {
        return Ok(Acceptance::Lost(lost));
    }
    let row = sqlx::query("SELECT id, report_sha256 FROM results WHERE id = $1")
        .bind(report.run_id.to_string())
        .fetch_optional(conn.raw())
        .await?;
    let Some(row) = row else { return Ok(Acceptance::Lost(lost)) };
    let same = Fields::of(&row, "results", "id").text("report_sha256")? == digest(report);
    Ok(if same { Acceptance::Again } else { Acceptance::Lost(lost) })
}

/// Writes what is due, whose runs have just ended: in the order of locks that [`crate::confirm`] gives.
async fn store(tx: &mut Tx, due: &[Due<'_>], rules: Rules, now: Timestamp) -> Result<Vec<(usize, Answer)>> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let results: Vec<NewResult<'_>> = due.iter().map(|due| NewResult::of_report(due.handed.report, due.job)).collect();
    let reports: Vec<&Report> = due.iter().map(|due| due.handed.report).collect();
    rows::insert(tx, &results, now).await?;
    rows::insert_parts(tx, &reports).await?;
    for Due { handed, release, .. } in due {
        symptoms::sign(tx, release, handed.report, now).await?;
    }
    let seals: Vec<(RunId, &Seal)> = due.iter().filter_map(Due::seal).collect();
    signatures::keep(tx, &seals).await?;

    let (firsts, others): (Vec<&Due<'_>>, Vec<&Due<'_>>) = due.iter().partition(|due| due.is_first(rules));
    let those: Vec<First<'_>> = firsts.iter().map(|due| due.first()).collect();
    first::stand(tx, &those, now).await?;
    let mut rounds = Vec::new();
    for Due { job, release, .. } in &others {
        rounds.push(confirm::conclude(tx, job, release, rules.retries, now).await?);
    }
    let counted: Vec<_> = due.iter().map(Due::counted).collect();
    super::count(tx, &counted, now).await?;

    let at_once =
        |due: &&Due<'_>| (due.at, Answer { acceptance: Acceptance::Accepted, told: Some(due.told_at_once()) });
    let mut answers: Vec<_> = firsts.iter().map(at_once).collect();
    for (due, round) in others.iter().zip(&rounds) {
        let quarantined = confirm::learn(tx, (due.job, due.release), round, now).await?;
        let acceptance = quarantined.map_or(Acceptance::Accepted, Acceptance::Quarantined);
        answers.push((due.at, Answer { acceptance, told: runs::told(tx, due.handed.key.run_id).await? }));
    }
    Ok(answers)
}

impl<'a> Due<'a> {
    fn said(&self) -> Said {
        Said::of(self.handed.report, self.handed.key.runner_id)
    }

    fn seal(&self) -> Option<(RunId, &'a Seal)> {
        self.handed.seal.map(|seal| (self.handed.key.run_id, seal))
    }

    fn counted(&self) -> super::Counted<'a> {
        (self.job.target, self.handed.report.verdict.reason, &self.handed.report.phases)
    }

    /// Whether it is the first that is heard of its job, and stands by itself.
    fn is_first(&self, rules: Rules) -> bool {
        let Job { reported, round, result_id, .. } = self.job;
        let is_new = *reported == 0 && *round == 0 && result_id.is_none() && self.release.superseded_at.is_none();
        rules.short && is_new && confirm::stands_at_once(&self.said(), rules.retries)
    }

    fn first(&self) -> First<'a> {
        First { job: self.job, release: self.release, report: self.handed.report, runner_id: self.handed.key.runner_id }
    }

    /// What is told of one that stands by itself.
    fn told_at_once(&self) -> Told {
        let verdict = &self.handed.report.verdict;
        let release = &self.release.release;
        Told {
            dist: release.dist.clone(),
            version: release.version.clone(),
            target: self.job.target,
            grade: verdict.grade(),
            phase: verdict.phase,
            reason: verdict.reason,
            detail: crate::fields::storable(&verdict.detail),
            doubt: first::unsure(self.handed.report),
            job_state: JobState::Finished,
        }
    }
}
