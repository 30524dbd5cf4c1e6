//! Cells and verdicts for the pages: what stands of each job, and what was found when.

use std::collections::BTreeMap;

use protocol::{
    Comparison, Flag, Grade, JobId, JobState, Name, PgMajor, Phase, Priority, Reason, ReleaseId, RunId, Signature,
    Target, Timestamp, Version,
};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
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

/// A result in the list of the latest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictLine {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// The release.
    pub release_id: ReleaseId,
    /// The target.
    pub target: Target,
    /// What was found.
    pub summary: Summary,
    /// The runner's name; none for a verdict that needed no run.
    pub runner: Option<String>,
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

/// What every query for verdicts selects; a condition follows. Or from where, where it does not begin with the results.
macro_rules! verdicts {
    ($condition:literal) => {
        concat!(verdicts!(FROM "results JOIN jobs ON jobs.id = results.job_id"), " WHERE ", $condition)
    };
    (FROM $from:literal) => {
        concat!(
            "SELECT results.*, releases.dist, releases.version, runners.name AS runner_name,
                 CASE WHEN jobs.result_id = results.id OR jobs.round = results.round THEN jobs.doubt ELSE '' END AS doubt,
                 CASE WHEN jobs.result_id = results.id THEN 0
                     WHEN jobs.round = results.round AND results.reason NOT IN ('timed-out', 'silent') THEN 0 ELSE 1 END AS is_apart
             FROM ",
            $from,
            " JOIN releases ON releases.id = results.release_id LEFT JOIN runs ON runs.id = results.id
                 LEFT JOIN runners ON runners.id = runs.runner_id"
        )
    };
}

/// A page of results by nothing but what is in the index, so that no planner thinks of another way.
pub(crate) const PAGE: &str = "SELECT id, accepted_at FROM results WHERE (accepted_at, id) < ($1, $2) ORDER BY accepted_at DESC, id DESC LIMIT $3";

/// What belongs to the results of a page.
pub(crate) const LATEST: &str = concat!(
    verdicts!(FROM "(SELECT id FROM results WHERE (accepted_at, id) < ($1, $2) ORDER BY accepted_at DESC, id DESC LIMIT $3) AS page
         JOIN results ON results.id = page.id JOIN jobs ON jobs.id = results.job_id"),
    " WHERE results.grade <> 'ERROR' OR jobs.result_id = results.id ORDER BY results.accepted_at DESC, results.id DESC"
);

/// However many failures of the farm come one after the other, so many pages are looked at.
const MOST_PAGES: usize = 20;

/// The latest verdicts, newest first; `before` is the time and id of the last one on the page before. Failures of the farm that were tried
/// again are left out.
pub async fn latest(conn: &mut Conn, before: Option<(Timestamp, RunId)>, limit: u32) -> Result<Vec<VerdictLine>> {
    let (mut at, mut id) = before.map_or((i64::MAX, String::new()), |(at, id)| (at.as_millis(), id.to_string()));
    let most = to_limit(limit);
    let (mut found, wanted) = (Vec::new(), usize::try_from(most).unwrap_or(0));
    for _ in 0..MOST_PAGES {
        let page = sqlx::query(PAGE).bind(at).bind(&id).bind(most).fetch_all(conn.raw()).await?;
        let rows = sqlx::query(LATEST).bind(at).bind(&id).bind(most).fetch_all(conn.raw()).await?;
        found.extend(read_verdicts(conn, &rows).await?);
        let Some(last) = page.last().filter(|_| found.len() < wanted && page.len() >= wanted) else { break };
        let last = Fields::of(last, "results", "id");
        (at, id) = (last.time("accepted_at")?.as_millis(), last.text("id")?);
    }
    found.truncate(wanted);
    Ok(found)
}

/// By an index that begins with the reason.
pub(crate) const OF_REASON: &str = verdicts!("results.reason = $1 ORDER BY results.accepted_at DESC LIMIT 1");

/// The latest result that a reason was given for, whether or not it stands.
pub async fn latest_of_reason(conn: &mut Conn, reason: Reason) -> Result<Option<VerdictLine>> {
    let rows = sqlx::query(OF_REASON).bind(reason.as_str()).fetch_all(conn.raw()).await?;
    Ok(read_verdicts(conn, &rows).await?.pop())
}

/// Every verdict on a job, the latest first.
pub async fn of_job(conn: &mut Conn, job: JobId) -> Result<Vec<VerdictLine>> {
    let rows =
        sqlx::query(verdicts!("results.job_id = $1 ORDER BY results.accepted_at DESC, results.id DESC LIMIT 1000"))
            .bind(job.to_string())
            .fetch_all(conn.raw())
            .await?;
    read_verdicts(conn, &rows).await
}

/// The jobs on one page, by an index; then what stands of each.
pub(crate) const OF_SYMPTOM: &str = concat!(
    verdicts!(FROM "(SELECT job_id, dist_key, target FROM symptom_cells WHERE signature = $1 AND ($2 = 0 OR major = $2)
             ORDER BY dist_key, target DESC, job_id DESC LIMIT $3 OFFSET $4) AS page
         JOIN jobs ON jobs.id = page.job_id JOIN results ON results.id = jobs.result_id"),
    " ORDER BY page.dist_key, page.target DESC, page.job_id DESC"
);

/// The standing verdicts that show a symptom, by distribution and target; `major` keeps those on it.
pub async fn of_symptom(
    conn: &mut Conn,
    signature: &Signature,
    major: Option<PgMajor>,
    offset: u32,
    limit: u32,
) -> Result<Vec<VerdictLine>> {
    let rows = sqlx::query(OF_SYMPTOM)
        .bind(signature.as_str())
        .bind(major.map_or(0, |major| i64::from(major.number())))
        .bind(to_limit(limit))
        .bind(i64::from(offset.min(100_000)))
        .fetch_all(conn.raw())
        .await?;
    read_verdicts(conn, &rows).await
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

fn read_summary(row: &Fields<'_>) -> Result<Summary> {
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

/// Verdicts with the doubt that each has by its own round. The job knows it of most; not of those of an older round, nor of one that had
/// too little time: they are looked up, at once for each job.
async fn read_verdicts(conn: &mut Conn, rows: &[AnyRow]) -> Result<Vec<VerdictLine>> {
    let mut apart: BTreeMap<JobId, (u32, u32)> = BTreeMap::new();
    for row in rows {
        let result = Fields::of(row, "results", "id");
        if result.number::<u8>("is_apart")? == 1 {
            let round = result.number("round")?;
            let rounds = apart.entry(result.parse("job_id")?).or_insert((round, round));
            *rounds = (rounds.0.min(round), rounds.1.max(round));
        }
    }
    let mut doubts = BTreeMap::new();
    for (job, rounds) in apart {
        doubts.extend(confirm::doubts_of(conn, job, rounds).await?);
    }
    let read = |row: &AnyRow| {
        let mut line = read_verdict(row)?;
        if Fields::of(row, "results", "id").number::<u8>("is_apart")? == 1 {
            let doubt = doubts.get(&line.summary.run_id).copied();
            line.summary.flags = confirm::with_doubt(line.summary.flags, doubt);
        }
        Ok(line)
    };
    rows.iter().map(read).collect()
}

/// The flags of a result, with the one that says that it is in doubt.
pub(crate) fn flags(row: &Fields<'_>) -> Result<Vec<Flag>> {
    let doubt = confirm::doubt(row.parse("reason")?, row.words("doubt")?.pop());
    Ok(confirm::with_doubt(row.words("flags")?, doubt))
}

pub(crate) fn read_verdict(row: &AnyRow) -> Result<VerdictLine> {
    let result = Fields::of(row, "results", "id");
    let release = Fields::of(row, "releases", "release_id");
    Ok(VerdictLine {
        dist: release.parse("dist")?,
        version: release.parse("version")?,
        release_id: result.parse("release_id")?,
        target: result.parse("target")?,
        summary: read_summary(&result)?,
        runner: result.optional_text("runner_name")?,
    })
}

#[cfg(test)]
mod tests;
