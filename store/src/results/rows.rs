//! Writes a result's rows: the result itself, its phases, tests and files.

use protocol::{Flag, JobId, Overhead, Reason, ReleaseId, Report, RunId, Target, TestOutcome, Timestamp, Verdict};
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

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

    /// Why it is what it is.
    pub(super) const fn reason(&self) -> Reason {
        self.verdict.reason
    }

    fn bind(&self, query: Query<'static, Any, AnyArguments>, now: Timestamp) -> Query<'static, Any, AnyArguments> {
        let (verdict, decisive) = (self.verdict, self.verdict.decisive.as_ref());
        let archive = self.report.and_then(|report| report.archive.as_ref());
        let image = self.report.and_then(|report| report.image.as_ref());
        let tests = self.report.map(|report| report.tests.as_slice()).unwrap_or_default();
        let failed = tests.iter().filter(|test| test.outcome == TestOutcome::Failed).count();
        query
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
    }
}

/// Writes results.
pub(crate) async fn insert(tx: &mut Tx, results: &[NewResult<'_>], now: Timestamp) -> Result<()> {
    const INTO: &str = "results (id, job_id, release_id, target, grade, phase, reason, flags, detail,
         decisive_file, decisive_line, decisive_text, archive_sha1, archive_sha256, archive_bytes,
         image, image_digest, suite, postgresql, runner, overhead, notes, tests, tests_failed,
         started_at, finished_at, accepted_at, report_sha256, circumstances, round, place)";
    many::insert(tx, (INTO, 31), results, |query, result| result.bind(query, now)).await
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
pub(crate) async fn insert_parts(tx: &mut Tx, reports: &[&Report]) -> Result<()> {
    insert_phases(tx, reports).await?;
    insert_tests(tx, reports).await?;
    insert_files(tx, reports).await
}

/// Each part of each report, with its run and its place in it.
fn placed<'a, T>(reports: &[&'a Report], parts: impl Fn(&'a Report) -> &'a [T]) -> Vec<(RunId, i64, &'a T)> {
    let of = |report: &&'a Report| {
        let run = report.run_id;
        (0_i64..).zip(parts(report)).map(move |(place, part)| (run, place, part))
    };
    reports.iter().flat_map(of).collect()
}

async fn insert_phases(tx: &mut Tx, reports: &[&Report]) -> Result<()> {
    const INTO: &str = "phases (run_id, place, phase, outcome, reason, exit_code, signal, duration_ms, cpu_ms, peak_memory_bytes, command, log)";
    let rows = placed(reports, |report| &report.phases);
    many::insert(tx, (INTO, 12), &rows, |query, (run, place, phase)| {
        query
            .bind(run.to_string())
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

async fn insert_tests(tx: &mut Tx, reports: &[&Report]) -> Result<()> {
    let rows = placed(reports, |report| &report.tests);
    many::insert(
        tx,
        ("tests (run_id, place, suite, name, outcome, duration_ms)", 6),
        &rows,
        |query, (run, place, test)| {
            query
                .bind(run.to_string())
                .bind(*place)
                .bind(test.suite.as_str())
                .bind(storable(&test.name))
                .bind(test.outcome.as_str())
                .bind(test.duration_ms.map(to_bigint))
        },
    )
    .await
}

async fn insert_files(tx: &mut Tx, reports: &[&Report]) -> Result<()> {
    let rows = placed(reports, |report| &report.files);
    let into = "files (run_id, place, name, kind, sha256, bytes, omitted_bytes)";
    many::insert(tx, (into, 7), &rows, |query, (run, place, file)| {
        query
            .bind(run.to_string())
            .bind(*place)
            .bind(file.name.clone())
            .bind(file.kind.as_str())
            .bind(storable(&file.sha256))
            .bind(to_bigint(file.bytes))
            .bind(to_bigint(file.omitted_bytes))
    })
    .await
}
