//! Cells for the pages: what stands of each job.

use protocol::{
    Comparison, Flag, Grade, JobId, JobState, Name, Phase, Priority, Reason, ReleaseId, RunId, Target, Timestamp,
};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::Fields;
use crate::{Conn, Result, confirm, many};

/// One release on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The job.
    pub job_id: JobId,
    /// The release.
    pub release_id: ReleaseId,
    /// The target.
    pub target: Target,
    /// Where the job stands.
    pub state: JobState,
    /// How urgent it is or was.
    pub priority: Priority,
    /// When it came into the queue.
    pub queued_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
    /// The run that goes on now.
    pub run_id: Option<RunId>,
    /// The result that stands; a job that was queued again keeps showing it.
    pub result: Option<Summary>,
    /// The runner that found it; none for a verdict that needed no run.
    pub runner: Option<String>,
    /// How it compares with the nearest verdict before it: see [`crate::history`].
    pub comparison: Option<Comparison>,
    /// Since when it stands.
    pub compared_at: Option<Timestamp>,
}

/// A result in a cell or a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The run, or the id of a verdict that needed none.
    pub run_id: RunId,
    /// The grade.
    pub grade: Grade,
    /// The phase that decided.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// Remarks beside the grade.
    pub flags: Vec<Flag>,
    /// What exactly, in a few words.
    pub detail: String,
    /// The line that decided.
    pub decisive: Option<String>,
    /// The server's exact version.
    pub postgresql: Option<String>,
    /// How many tests ran.
    pub tests: u64,
    /// How many of them failed.
    pub tests_failed: u64,
    /// When the run started, by the runner's clock.
    pub started_at: Timestamp,
    /// When it ended, by the runner's clock.
    pub finished_at: Timestamp,
    /// When the farm accepted it.
    pub accepted_at: Timestamp,
}

/// What every query for cells selects; a condition follows.
macro_rules! cells {
    ($($condition:tt)+) => {
        concat!(
            "SELECT jobs.id AS job_id, jobs.release_id, jobs.target, jobs.state, jobs.rank, jobs.queued_at, jobs.changed_at,
                 jobs.run_id, jobs.doubt, jobs.comparison, jobs.compared_at, runners.name AS runner_name, results.id, results.grade, results.phase, results.reason, results.flags, results.detail,
                 results.decisive_text, results.postgresql, results.tests, results.tests_failed, results.started_at,
                 results.finished_at, results.accepted_at
             FROM jobs LEFT JOIN results ON results.id = jobs.result_id LEFT JOIN runners ON runners.id = jobs.found_by
             WHERE ",
            $($condition)+
        )
    };
}

/// Every cell of a distribution's current releases.
pub async fn of_dist(conn: &mut Conn, dist: &Name) -> Result<Vec<Cell>> {
    let rows = sqlx::query(cells!(
        "jobs.release_id IN (SELECT id FROM releases WHERE dist_key = $1 AND superseded_at IS NULL)
         ORDER BY jobs.release_id, jobs.target"
    ))
    .bind(dist.key())
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(read_cell).collect()
}

/// The cells of one release.
pub async fn of_release(conn: &mut Conn, release: ReleaseId) -> Result<Vec<Cell>> {
    let rows = sqlx::query(cells!("jobs.release_id = $1 ORDER BY jobs.target"))
        .bind(release.to_string())
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read_cell).collect()
}

pub(crate) const OF_HUNDRED: &str =
    cells!("jobs.release_id IN (", many::hundred!(), ") ORDER BY jobs.release_id, jobs.target");

/// The cells of many releases, in no order that matters.
pub async fn of_releases(conn: &mut Conn, releases: &[ReleaseId]) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for ids in many::hundreds(releases) {
        let rows = many::bind(sqlx::query(OF_HUNDRED), &ids).fetch_all(conn.raw()).await?;
        cells.extend(rows.iter().map(read_cell).collect::<Result<Vec<_>>>()?);
    }
    Ok(cells)
}

pub(crate) const OF_HUNDRED_ON: &str = cells!(
    "jobs.release_id IN (",
    many::hundred!(),
    ") AND jobs.target IN ($101, $102, $103, $104)
     ORDER BY jobs.release_id, jobs.target"
);

/// The cells of many releases on a few targets: more than four are not looked at.
pub async fn of_releases_on(conn: &mut Conn, releases: &[ReleaseId], targets: &[Target]) -> Result<Vec<Cell>> {
    let mut targets: Vec<String> = targets.iter().map(Target::to_string).collect();
    targets.resize(4, String::new());
    let mut cells = Vec::new();
    for ids in many::hundreds(releases) {
        let query = many::bind(many::bind(sqlx::query(OF_HUNDRED_ON), &ids), &targets);
        cells.extend(query.fetch_all(conn.raw()).await?.iter().map(read_cell).collect::<Result<Vec<_>>>()?);
    }
    Ok(cells)
}

/// One cell.
pub async fn cell(conn: &mut Conn, release: ReleaseId, target: Target) -> Result<Option<Cell>> {
    let row = sqlx::query(cells!("jobs.release_id = $1 AND jobs.target = $2"))
        .bind(release.to_string())
        .bind(target.to_string())
        .fetch_optional(conn.raw())
        .await?;
    row.as_ref().map(read_cell).transpose()
}

fn read_cell(row: &AnyRow) -> Result<Cell> {
    let job = Fields::of(row, "jobs", "job_id");
    let result = match job.optional_text("id")? {
        Some(_) => Some(read_summary(&Fields::of(row, "results", "id"))?),
        None => None,
    };
    Ok(Cell {
        job_id: job.parse("job_id")?,
        release_id: job.parse("release_id")?,
        target: job.parse("target")?,
        state: job.parse("state")?,
        priority: job.priority("rank")?,
        queued_at: job.time("queued_at")?,
        changed_at: job.time("changed_at")?,
        run_id: job.optional_parse("run_id")?,
        result,
        runner: job.optional_text("runner_name")?,
        comparison: job.optional_parse("comparison")?,
        compared_at: job.optional_time("compared_at")?,
    })
}

pub(crate) fn read_summary(row: &Fields<'_>) -> Result<Summary> {
    Ok(Summary {
        run_id: row.parse("id")?,
        grade: row.parse("grade")?,
        phase: row.parse("phase")?,
        reason: row.parse("reason")?,
        flags: flags(row)?,
        detail: row.text("detail")?,
        decisive: row.optional_text("decisive_text")?,
        postgresql: row.optional_text("postgresql")?,
        tests: row.number("tests")?,
        tests_failed: row.number("tests_failed")?,
        started_at: row.time("started_at")?,
        finished_at: row.time("finished_at")?,
        accepted_at: row.time("accepted_at")?,
    })
}

/// The flags of a result, with the one that says that it is in doubt.
pub(crate) fn flags(row: &Fields<'_>) -> Result<Vec<Flag>> {
    let doubt = confirm::doubt(row.parse("reason")?, row.words("doubt")?.pop());
    Ok(confirm::with_doubt(row.words("flags")?, doubt))
}

#[cfg(test)]
mod tests;
