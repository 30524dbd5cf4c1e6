//! What stands: a result for each release on each target, with everything that a report has, by what writes reports.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use protocol::{
    Comparison, Failure, FileRecord, Flag, Grade, JobId, JobState, Name, Priority, RunId, RunnerId, Symptom, Target,
    Timestamp, Version,
};
use sha2::{Digest, Sha256};

use super::story::{Story, tell as tell_story};
use super::{Dice, FIRST, Plan, Progress, Subject, id};
use crate::fields::{Fields, storable, to_bigint};
use crate::jobs::{self, Job};
use crate::releases::columns;
use crate::results::rows::{self, NewResult};
use crate::runners::{self, NewRunner};
use crate::{Blobs, Conn, Result, Store, TokenHash, Tx};

/// So many runners made all of it.
pub(super) const RUNNERS: u64 = 12;
/// So many jobs are one transaction.
const JOBS: usize = 2_000;
/// On so many targets the newest release of a distribution has its logs.
const WITH_LOGS: usize = 2;
/// So many jobs wait to run again.
const WAITING: u64 = 200;

/// Every current release, those of a distribution together, the newest first.
pub(super) async fn subjects(conn: &mut Conn) -> Result<Vec<Subject>> {
    let rows = sqlx::query(concat!("SELECT ", columns!(), " FROM releases WHERE superseded_at IS NULL ORDER BY id"))
        .fetch_all(conn.raw())
        .await?;
    let mut of_dist: BTreeMap<String, Vec<(Version, Subject)>> = BTreeMap::new();
    for row in &rows {
        let stored = crate::releases::read(&Fields::of(row, "releases", "id"))?;
        let release = stored.release;
        let subject = Subject {
            id: stored.id,
            dist: release.dist.clone(),
            version: release.version.clone(),
            owner: release.user,
            sha1: release.sha1,
            age: 0,
        };
        of_dist.entry(release.dist.key()).or_default().push((release.version, subject));
    }
    let mut subjects = Vec::new();
    for mut releases in of_dist.into_values() {
        releases.sort_by(|left, right| Reverse(&left.0).cmp(&Reverse(&right.0)));
        subjects.extend(releases.into_iter().enumerate().map(|(age, (_, subject))| Subject { age, ..subject }));
    }
    Ok(subjects)
}

/// Writes the runners, the jobs, and what stands of each.
pub(super) async fn write(
    store: &Store,
    blobs: &Blobs,
    plan: &Plan<'_>,
    subjects: &[Subject],
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<()> {
    let mut tx = store.begin().await?;
    for number in 0..RUNNERS {
        let (name, token) = (format!("runner-{number}"), TokenHash::of(&format!("runner {number} of a fill")));
        let new = NewRunner { id: runner(number), name: &name, token: &token };
        runners::add(&mut tx, &new, plan.accepted_at(0, 0)).await?;
    }
    tx.commit().await?;
    let targets = plan.scale.targets;
    let cells: Vec<(&Subject, usize)> =
        subjects.iter().flat_map(|subject| (0..targets.len()).map(move |on| (subject, on))).collect();
    let mut number = 0;
    for some in cells.chunks(JOBS) {
        let mut tx = store.begin().await?;
        for (subject, on) in some {
            let has_logs = subject.age == 0 && *on < WITH_LOGS;
            let logs = Cell { plan, subject, target: targets[*on], number }.write(&mut tx, has_logs).await?;
            for (run, name, text) in logs {
                let packed = zstd::bulk::compress(text.as_bytes(), 3).unwrap_or_default();
                blobs.put(run, &name, packed.into()).await?;
            }
            number += 1;
        }
        tx.commit().await?;
        tell(Progress::Present(number, plan.jobs));
    }
    Ok(())
}

pub(super) fn runner(number: u64) -> RunnerId {
    id("01KD", FIRST + number)
}

/// A release on a target.
struct Cell<'a> {
    plan: &'a Plan<'a>,
    subject: &'a Subject,
    target: Target,
    number: u64,
}

impl Cell<'_> {
    /// Writes the job and its results; returns the logs that there are to keep.
    async fn write(&self, tx: &mut Tx, has_logs: bool) -> Result<Vec<(RunId, String, String)>> {
        let (plan, subject) = (self.plan, self.subject);
        let (run, accepted_at) = (plan.result(plan.rounds, self.number), plan.accepted_at(plan.rounds, self.number));
        let mut story = tell_story(plan.scale.seed, subject, self.target, run, accepted_at);
        let mut logs = Vec::new();
        if has_logs {
            for (name, kind, text) in story.logs.drain(..) {
                let (sha256, bytes) = (hex::encode(Sha256::digest(&text)), text.len() as u64);
                story.report.files.push(FileRecord { name: name.clone(), kind, sha256, bytes, omitted_bytes: 0 });
                logs.push((run, name, text));
            }
        } else {
            story.report.phases.iter_mut().for_each(|phase| phase.log = None);
        }
        let job = self.job(run);
        self.insert_job(tx, &job).await?;
        self.insert_result(tx, &job, &story, accepted_at).await?;
        let symptom = self.symptom(&story);
        if let Some(symptom) = &symptom {
            self.count(tx, &job, &story, symptom).await?;
        }
        self.compare(tx, &job, &story, accepted_at).await?;
        Ok(logs)
    }

    fn job(&self, run: RunId) -> Job {
        Job {
            id: Plan::job(self.number),
            release_id: self.subject.id,
            target: self.target,
            priority: Priority::NewRelease,
            owner_key: self.subject.owner.key(),
            state: JobState::Finished,
            attempts: 1,
            max_attempts: 3,
            queued_at: self.plan.accepted_at(0, self.number),
            changed_at: self.plan.accepted_at(self.plan.rounds, self.number),
            run_id: None,
            result_id: Some(run),
            doubt: None,
            confirmed_by: None,
            round: u32::try_from(self.plan.rounds).unwrap_or(u32::MAX),
            reported: 0,
            parked_until: None,
            time_factor: 1,
        }
    }

    async fn insert_job(&self, tx: &mut Tx, job: &Job) -> Result<()> {
        sqlx::query(
            "INSERT INTO jobs (id, release_id, target, rank, owner_key, state, attempts, max_attempts, queued_at, changed_at, result_id, round,
                 reported) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1)",
        )
        .bind(job.id.to_string())
        .bind(job.release_id.to_string())
        .bind(job.target.to_string())
        .bind(job.priority.rank())
        .bind(&job.owner_key)
        .bind(job.state.as_str())
        .bind(i64::from(job.attempts))
        .bind(i64::from(job.max_attempts))
        .bind(job.queued_at.as_millis())
        .bind(job.changed_at.as_millis())
        .bind(job.result_id.map(|run| run.to_string()))
        .bind(i64::from(job.round))
        .execute(tx.raw())
        .await?;
        Ok(())
    }

    /// The result, and where it is a failure the second opinion that makes it count.
    async fn insert_result(&self, tx: &mut Tx, job: &Job, story: &Story, accepted_at: Timestamp) -> Result<()> {
        let report = &story.report;
        rows::insert(tx, &[NewResult::of_report(report, job)], accepted_at).await?;
        rows::insert_parts(tx, &[report]).await?;
        if report.verdict.grade() != Grade::Na {
            self.insert_run(tx, job, report.run_id, (0, accepted_at)).await?;
        }
        if report.verdict.grade() == Grade::Fail {
            let second = id("01KC", FIRST + 2 * (self.plan.rounds * self.plan.jobs + self.number) + 1);
            let again = protocol::Report { run_id: second, files: Vec::new(), ..report.clone() };
            let later = Job { reported: 1, ..job.clone() };
            rows::insert(tx, &[NewResult::of_report(&again, &later)], accepted_at).await?;
            self.insert_run(tx, job, second, (1, accepted_at)).await?;
            sqlx::query("UPDATE jobs SET confirmed_by = $2, reported = 2 WHERE id = $1")
                .bind(job.id.to_string())
                .bind(second.to_string())
                .execute(tx.raw())
                .await?;
        }
        Ok(())
    }

    async fn insert_run(&self, tx: &mut Tx, job: &Job, run: RunId, (place, at): (u64, Timestamp)) -> Result<()> {
        sqlx::query(
            "INSERT INTO runs (id, job_id, runner_id, target, token_hash, attempt, state, claimed_at, renewed_at, expires_at, ended_at)
             VALUES ($1, $2, $3, $4, '', $5, 'reported', $6, $7, $7, $7)",
        )
        .bind(run.to_string())
        .bind(job.id.to_string())
        .bind(runner((self.number + place) % RUNNERS).to_string())
        .bind(job.target.to_string())
        .bind(to_bigint(place + 1))
        .bind(at.as_millis() - 90_000)
        .bind(at.as_millis())
        .execute(tx.raw())
        .await?;
        Ok(())
    }

    fn symptom(&self, story: &Story) -> Option<Symptom> {
        let (dist, version): (&Name, &Version) = (&self.subject.dist, &self.subject.version);
        Failure { verdict: &story.report.verdict, crashes: &[], dist, version, extensions: &[] }.symptom()
    }

    async fn count(&self, tx: &mut Tx, job: &Job, story: &Story, symptom: &Symptom) -> Result<()> {
        let verdict = &story.report.verdict;
        sqlx::query(
            "INSERT INTO symptoms (signature, phase, reason, text, seen_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (signature) DO NOTHING",
        )
        .bind(symptom.signature.as_str())
        .bind(verdict.phase.as_str())
        .bind(verdict.reason.as_str())
        .bind(storable(&symptom.text))
        .bind(job.queued_at.as_millis())
        .execute(tx.raw())
        .await?;
        sqlx::query("UPDATE results SET signature = $2 WHERE id = $1")
            .bind(story.report.run_id.to_string())
            .bind(symptom.signature.as_str())
            .execute(tx.raw())
            .await?;
        sqlx::query(
            "INSERT INTO symptom_cells (job_id, signature, major, dist_key, target) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(job.id.to_string())
        .bind(symptom.signature.as_str())
        .bind(i64::from(self.target.major.number()))
        .bind(self.subject.dist.key())
        .bind(self.target.to_string())
        .execute(tx.raw())
        .await?;
        Ok(())
    }

    /// How it compares with the round before; a few turned in the last months, of those some in the last day.
    async fn compare(&self, tx: &mut Tx, job: &Job, story: &Story, accepted_at: Timestamp) -> Result<()> {
        let mut dice = Dice::of(self.plan.scale.seed, &format!("turned {}", self.number));
        let turned = dice.percent(3);
        let comparison = match story.report.verdict.grade() {
            Grade::Fail if turned => Comparison::NewFail,
            Grade::Pass if turned => Comparison::Fixed,
            Grade::Fail => Comparison::StillFailing,
            Grade::Pass | Grade::Untested => Comparison::StillPassing,
            Grade::Na | Grade::Blocked | Grade::Env | Grade::Error => Comparison::NotComparable,
        };
        let days = dice.below(60);
        let at = if comparison.is_news() {
            self.plan.now.as_millis() - to_bigint(days * 86_400_000 + 3_600_000)
        } else {
            accepted_at.as_millis()
        };
        let before = self.plan.rounds.checked_sub(1).map(|round| self.plan.result(round, self.number));
        sqlx::query("UPDATE jobs SET comparison = $2, compared_id = $3, compared_at = $4 WHERE id = $1")
            .bind(job.id.to_string())
            .bind(before.map(|_| comparison.as_str()))
            .bind(before.map(|before| before.to_string()))
            .bind(at)
            .execute(tx.raw())
            .await?;
        Ok(())
    }
}

/// Puts some jobs back into the queue, as an operator's wish does.
pub(super) async fn queue_some(store: &Store, plan: &Plan<'_>) -> Result<()> {
    let mut tx = store.begin().await?;
    jobs::lock_queue(&mut tx).await?;
    let apart = (plan.jobs / WAITING).max(1);
    for number in
        (0..plan.jobs).step_by(usize::try_from(apart).unwrap_or(1)).take(usize::try_from(WAITING).unwrap_or(0))
    {
        let job: JobId = Plan::job(number);
        if let Some(job) = jobs::get(&mut tx, job).await? {
            jobs::begin_anew(&mut tx, &job, Priority::Backfill, plan.now).await?;
        }
    }
    tx.commit().await
}

/// The flag of a runner that sees the same thing end differently.
pub(super) const FLAKY: [Flag; 1] = [Flag::Flaky];
