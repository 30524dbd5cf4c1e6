//! Everything that is known of one run, for its page.

use protocol::{
    ArchiveFacts, Circumstances, Decisive, FileRecord, Flag, Grade, ImageFacts, JobId, Overhead, Phase, PhaseRecord,
    Reason, RunId, RunnerFacts, Signature, Target, TestRecord, Timestamp, Verdict,
};
use serde::Serialize;
use sqlx::any::AnyRow;

use super::Run;
use crate::fields::Fields;
use crate::releases::{self, StoredRelease};
use crate::{Conn, Error, Result, confirm};

/// A run, or a verdict that needed none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunDetail {
    /// Its id.
    pub id: RunId,
    /// Its job.
    pub job_id: JobId,
    /// The release.
    pub release: StoredRelease,
    /// The target.
    pub target: Target,
    /// The run; none for a verdict that needed none.
    pub run: Option<Run>,
    /// What it found; none while it goes on, or where its lease was lost.
    pub result: Option<FullResult>,
}

/// A result with all its parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FullResult {
    /// The grade.
    pub grade: Grade,
    /// The verdict.
    pub verdict: Verdict,
    /// The signature of its symptom; none where nothing failed.
    pub signature: Option<Signature>,
    /// The phases, in order.
    pub phases: Vec<PhaseRecord>,
    /// The tests, in the order in which they ran.
    pub tests: Vec<TestRecord>,
    /// The files.
    pub files: Vec<FileRecord>,
    /// The archive.
    pub archive: Option<ArchiveFacts>,
    /// The image.
    pub image: Option<ImageFacts>,
    /// The runner; none for a verdict that no runner reported.
    pub runner: Option<RunnerFacts>,
    /// What was done beside the plain commands.
    pub notes: Vec<String>,
    /// What it found beside the verdict, and under which conditions it ran.
    pub circumstances: Circumstances,
    /// What the farm's own steps cost.
    pub overhead: Overhead,
    /// When the run started, by the runner's clock.
    pub started_at: Timestamp,
    /// When it ended, by the runner's clock.
    pub finished_at: Timestamp,
    /// When the farm accepted it.
    pub accepted_at: Timestamp,
}

/// Everything that is known of a run or of a verdict that needed none.
pub async fn detail(conn: &mut Conn, id: RunId) -> Result<Option<RunDetail>> {
    let run = super::get(conn, id).await?;
    let row =
        sqlx::query("SELECT * FROM results WHERE id = $1").bind(id.to_string()).fetch_optional(conn.raw()).await?;
    let (job_id, release_id, target) = match (&run, &row) {
        (Some(run), _) => (run.job_id, run.release_id, run.target),
        (None, Some(row)) => {
            let row = Fields::of(row, "results", "id");
            (row.parse("job_id")?, row.parse("release_id")?, row.parse("target")?)
        }
        (None, None) => return Ok(None),
    };
    let missing = || {
        let why = format!("there is no release {release_id}");
        Error::Corrupt { table: "jobs", column: "release_id", row: job_id.to_string(), why }
    };
    let release = releases::by_id(conn, release_id).await?.ok_or_else(missing)?;
    let result = match row {
        Some(row) => Some(full(conn, id, &row).await?.in_doubt(conn, job_id, &row).await?),
        None => None,
    };
    Ok(Some(RunDetail { id, job_id, release, target, run, result }))
}

impl FullResult {
    /// The same with the flag that its round gave it.
    async fn in_doubt(mut self, conn: &mut Conn, job: JobId, row: &AnyRow) -> Result<Self> {
        let row = Fields::of(row, "results", "id");
        let doubt = confirm::doubt_of(conn, job, row.number("round")?, row.parse("id")?).await?;
        self.verdict.flags = confirm::with_doubt(self.verdict.flags, doubt);
        Ok(self)
    }
}

async fn full(conn: &mut Conn, id: RunId, row: &AnyRow) -> Result<FullResult> {
    let result = Fields::of(row, "results", "id");
    Ok(FullResult {
        grade: result.parse("grade")?,
        verdict: read_verdict(&result)?,
        signature: result.optional_parse("signature")?,
        phases: phases(conn, id).await?,
        tests: tests(conn, id).await?,
        files: files(conn, id).await?,
        archive: read_archive(&result)?,
        image: result.optional_json("image")?,
        runner: result.optional_json("runner")?,
        notes: result.json("notes")?,
        circumstances: result.json("circumstances")?,
        overhead: result.json("overhead")?,
        started_at: result.time("started_at")?,
        finished_at: result.time("finished_at")?,
        accepted_at: result.time("accepted_at")?,
    })
}

fn read_verdict(row: &Fields<'_>) -> Result<Verdict> {
    let decisive = match row.optional_text("decisive_file")? {
        Some(file) => Some(Decisive { file, line: row.number("decisive_line")?, text: row.text("decisive_text")? }),
        None => None,
    };
    Ok(Verdict {
        phase: row.parse::<Phase>("phase")?,
        reason: row.parse::<Reason>("reason")?,
        flags: row.words::<Flag>("flags")?,
        detail: row.text("detail")?,
        decisive,
    })
}

fn read_archive(row: &Fields<'_>) -> Result<Option<ArchiveFacts>> {
    let Some(sha1) = row.optional_text("archive_sha1")? else { return Ok(None) };
    Ok(Some(ArchiveFacts { sha1, sha256: row.text("archive_sha256")?, bytes: row.number("archive_bytes")? }))
}

async fn phases(conn: &mut Conn, id: RunId) -> Result<Vec<PhaseRecord>> {
    let rows = sqlx::query("SELECT * FROM phases WHERE run_id = $1 ORDER BY place")
        .bind(id.to_string())
        .fetch_all(conn.raw())
        .await?;
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "phases", "run_id");
        Ok(PhaseRecord {
            phase: row.parse("phase")?,
            outcome: row.parse("outcome")?,
            reason: row.optional_parse("reason")?,
            exit: row.optional_number("exit_code")?,
            signal: row.optional_number("signal")?,
            duration_ms: row.number("duration_ms")?,
            cpu_ms: row.optional_number("cpu_ms")?,
            peak_memory_bytes: row.optional_number("peak_memory_bytes")?,
            command: row.text("command")?,
            log: row.optional_text("log")?,
        })
    };
    rows.iter().map(read).collect()
}

async fn tests(conn: &mut Conn, id: RunId) -> Result<Vec<TestRecord>> {
    let rows = sqlx::query("SELECT * FROM tests WHERE run_id = $1 ORDER BY place")
        .bind(id.to_string())
        .fetch_all(conn.raw())
        .await?;
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "tests", "run_id");
        Ok(TestRecord {
            suite: row.parse("suite")?,
            name: row.text("name")?,
            outcome: row.parse("outcome")?,
            duration_ms: row.optional_number("duration_ms")?,
        })
    };
    rows.iter().map(read).collect()
}

async fn files(conn: &mut Conn, id: RunId) -> Result<Vec<FileRecord>> {
    let rows = sqlx::query("SELECT * FROM files WHERE run_id = $1 ORDER BY place")
        .bind(id.to_string())
        .fetch_all(conn.raw())
        .await?;
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "files", "run_id");
        Ok(FileRecord {
            name: row.text("name")?,
            kind: row.parse("kind")?,
            sha256: row.text("sha256")?,
            bytes: row.number("bytes")?,
            omitted_bytes: row.number("omitted_bytes")?,
        })
    };
    rows.iter().map(read).collect()
}
