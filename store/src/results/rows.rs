//! Writes a result's rows: the result itself, its phases, tests and files.

use protocol::{Flag, JobId, Overhead, ReleaseId, Report, RunId, Target, TestOutcome, Timestamp, Verdict};

use super::digest;
use crate::fields::{storable, to_bigint, to_json};
use crate::jobs::Job;
use crate::{Result, Tx, many};

/// A row of `results`.
pub(crate) struct NewResult<'a> {
    id: RunId,
    job_id: JobId,
    release_id: ReleaseId,
    target: Target,
    round: u32,
    place: u32,
    verdict: &'a Verdict,
    report: Option<&'a Report>,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl<'a> NewResult<'a> {
    /// The result that a runner reported.
    pub(crate) fn of_report(report: &'a Report, job: &Job) -> Self {
        let bare = Self::bare(report.run_id, job, &report.verdict, report.started_at);
        Self { report: Some(report), finished_at: Some(report.finished_at), ..bare }
    }

    /// A result that the farm itself found.
    pub(super) fn bare(id: RunId, job: &Job, verdict: &'a Verdict, started_at: Timestamp) -> Self {
        let (job_id, release_id, target) = (job.id, job.release_id, job.target);
        let (round, place) = (job.round, job.reported);
        Self { id, job_id, release_id, target, round, place, verdict, report: None, started_at, finished_at: None }
    }

    pub(crate) async fn insert(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let (verdict, decisive) = (self.verdict, self.verdict.decisive.as_ref());
        let archive = self.report.and_then(|report| report.archive.as_ref());
        let image = self.report.and_then(|report| report.image.as_ref());
        let tests = self.report.map(|report| report.tests.as_slice()).unwrap_or_default();
        let failed = tests.iter().filter(|test| test.outcome == TestOutcome::Failed).count();
        sqlx::query(
            "INSERT INTO results (id, job_id, release_id, target, grade, phase, reason, flags, detail,
                 decisive_file, decisive_line, decisive_text, archive_sha1, archive_sha256, archive_bytes,
                 image, image_digest, suite, postgresql, runner, overhead, notes, tests, tests_failed,
                 started_at, finished_at, accepted_at, report_sha256, circumstances, round, place)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24, $25, $26, $27, $28, $29, $30, $31)",
        )
        .bind(self.id.to_string())
        .bind(self.job_id.to_string())
        .bind(self.release_id.to_string())
        .bind(self.target.to_string())
        .bind(verdict.grade().as_str())
        .bind(verdict.phase.as_str())
        .bind(verdict.reason.as_str())
        .bind(flags(&verdict.flags))
        .bind(storable(&verdict.detail))
        .bind(decisive.map(|line| storable(&line.file)))
        .bind(decisive.map(|line| to_bigint(line.line)))
        .bind(decisive.map(|line| storable(&line.text)))
        .bind(archive.map(|archive| storable(&archive.sha1)))
        .bind(archive.map(|archive| storable(&archive.sha256)))
        .bind(archive.map(|archive| to_bigint(archive.bytes)))
        .bind(image.map(to_json))
        .bind(image.map(|image| storable(&image.digest)))
        .bind(image.map(|image| storable(&image.suite)))
        .bind(image.map(|image| storable(&image.postgresql)))
        .bind(self.report.map(|report| to_json(&report.runner)))
        .bind(to_json(&self.report.map_or_else(Overhead::default, |report| report.overhead)))
        .bind(to_json(&self.report.map(|report| report.notes.as_slice()).unwrap_or_default()))
        .bind(to_bigint(tests.len() as u64))
        .bind(to_bigint(failed as u64))
        .bind(self.started_at.as_millis())
        .bind(self.finished_at.unwrap_or(now).as_millis())
        .bind(now.as_millis())
        .bind(self.report.map(digest).unwrap_or_default())
        .bind(self.report.map_or_else(|| "{}".into(), |report| to_json(&report.circumstances)))
        .bind(i64::from(self.round))
        .bind(i64::from(self.place))
        .execute(tx.raw())
        .await?;
        Ok(())
    }
}

/// Flags as they stand in the database: their words, each once, with a space between. What is unconfirmed is not for a runner to say.
fn flags(flags: &[Flag]) -> String {
    let mut sorted = flags.to_vec();
    sorted.retain(|flag| *flag != Flag::Unconfirmed);
    sorted.sort_unstable();
    sorted.dedup();
    sorted.into_iter().map(Flag::as_str).collect::<Vec<_>>().join(" ")
}

/// Writes the phases, tests and files of a report whose result is written.
pub(crate) async fn insert_parts(tx: &mut Tx, report: &Report) -> Result<()> {
    insert_phases(tx, report).await?;
    insert_tests(tx, report).await?;
    insert_files(tx, report).await
}

async fn insert_phases(tx: &mut Tx, report: &Report) -> Result<()> {
    const INTO: &str = "phases (run_id, place, phase, outcome, reason, exit_code, signal, duration_ms, cpu_ms, peak_memory_bytes, command, log)";
    let rows: Vec<_> = (0_i64..).zip(&report.phases).collect();
    many::insert(tx, (INTO, 12), &rows, |query, (place, phase)| {
        query
            .bind(report.run_id.to_string())
            .bind(*place)
            .bind(phase.phase.as_str())
            .bind(phase.outcome.as_str())
            .bind(phase.reason.map(protocol::Reason::as_str))
            .bind(phase.exit.map(i64::from))
            .bind(phase.signal.map(i64::from))
            .bind(to_bigint(phase.duration_ms))
            .bind(phase.cpu_ms.map(to_bigint))
            .bind(phase.peak_memory_bytes.map(to_bigint))
            .bind(storable(&phase.command))
            .bind(phase.log.as_deref().map(storable))
    })
    .await
}

async fn insert_tests(tx: &mut Tx, report: &Report) -> Result<()> {
    let rows: Vec<_> = (0_i64..).zip(&report.tests).collect();
    many::insert(tx, ("tests (run_id, place, suite, name, outcome, duration_ms)", 6), &rows, |query, (place, test)| {
        query
            .bind(report.run_id.to_string())
            .bind(*place)
            .bind(test.suite.as_str())
            .bind(storable(&test.name))
            .bind(test.outcome.as_str())
            .bind(test.duration_ms.map(to_bigint))
    })
    .await
}

async fn insert_files(tx: &mut Tx, report: &Report) -> Result<()> {
    let rows: Vec<_> = (0_i64..).zip(&report.files).collect();
    let into = "files (run_id, place, name, kind, sha256, bytes, omitted_bytes)";
    many::insert(tx, (into, 7), &rows, |query, (place, file)| {
        query
            .bind(report.run_id.to_string())
            .bind(*place)
            .bind(file.name.clone())
            .bind(file.kind.as_str())
            .bind(storable(&file.sha256))
            .bind(to_bigint(file.bytes))
            .bind(to_bigint(file.omitted_bytes))
    })
    .await
}
