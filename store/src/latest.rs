//! What stands of every distribution's latest release, a few columns of it: what lists are narrowed down by.

use protocol::{Flag, Grade, Name, ReleaseId, Target, Timestamp};

use crate::fields::{Fields, to_limit};
use crate::{Conn, Result, matrix};

/// A verdict that stands on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The distribution.
    pub dist: Name,
    /// Its latest release.
    pub release_id: ReleaseId,
    /// The target.
    pub target: Target,
    /// The grade.
    pub grade: Grade,
    /// Remarks beside it, with those that put it in doubt.
    pub flags: Vec<Flag>,
    /// How many tests ran.
    pub tests: u64,
    /// When the farm accepted it.
    pub accepted_at: Timestamp,
}

/// A page of distributions, by their keys; then what stands of each.
pub(crate) const VERDICTS: &str =
    "SELECT page.name, page.latest_id, jobs.id AS job_id, jobs.target, jobs.doubt, results.id, results.grade, results.reason,
         results.flags, results.tests, results.accepted_at
     FROM (SELECT key, name, latest_id FROM dists WHERE key > $1 ORDER BY key LIMIT $2) AS page
         JOIN jobs ON jobs.release_id = page.latest_id JOIN results ON results.id = jobs.result_id
     ORDER BY page.key, jobs.target";

/// What stands of the latest releases of the `limit` distributions that follow `after` by name, by distribution and target.
pub async fn verdicts(conn: &mut Conn, after: Option<&Name>, limit: u32) -> Result<Vec<Verdict>> {
    let rows = sqlx::query(VERDICTS)
        .bind(after.map(Name::key).unwrap_or_default())
        .bind(to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

/// How many results were ever accepted, withdrawn or taken back: what stands changes with it alone, but for what an operator does.
pub async fn results(conn: &mut Conn) -> Result<u64> {
    let row = sqlx::query("SELECT MIN(name) AS name, CAST(SUM(value) AS BIGINT) AS value FROM counters WHERE name IN ('results', 'marks')").fetch_one(conn.raw()).await?;
    Fields::of(&row, "counters", "name").number("value")
}

fn read(row: &sqlx::any::AnyRow) -> Result<Verdict> {
    let (dist, job) = (Fields::of(row, "dists", "name"), Fields::of(row, "jobs", "job_id"));
    let result = Fields::of(row, "results", "id");
    Ok(Verdict {
        dist: dist.parse("name")?,
        release_id: dist.parse("latest_id")?,
        target: job.parse("target")?,
        grade: result.parse("grade")?,
        flags: matrix::flags(&result)?,
        tests: result.number("tests")?,
        accepted_at: result.time("accepted_at")?,
    })
}

#[cfg(test)]
mod tests;
