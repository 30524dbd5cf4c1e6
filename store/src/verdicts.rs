//! Verdicts for the pages: what was found when, the latest first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use protocol::{JobId, Name, PgMajor, Reason, ReleaseId, RunId, Signature, Target, Timestamp, Version};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::matrix::{Summary, read_summary};
use crate::{Conn, Result, confirm};

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
    " WHERE (results.grade <> 'ERROR' OR jobs.result_id = results.id) AND runs.withdrawn_at IS NULL ORDER BY results.accepted_at DESC, results.id DESC"
);

/// However many failures of the farm, or withdrawn results, come one after the other, so many pages are looked at.
const MOST_PAGES: usize = 20;

/// The latest verdicts, newest first; `before` is the time and id of the last one on the page before. Failures of the farm that were tried
/// again are left out, and so is what is withdrawn.
pub async fn latest(conn: &mut Conn, before: Option<(Timestamp, RunId)>, limit: u32) -> Result<Vec<VerdictLine>> {
    let (mut at, mut id) = before.map_or((i64::MAX, String::new()), |(at, id)| (at.as_millis(), id.to_string()));
    let wanted = usize::try_from(to_limit(limit)).unwrap_or(0);
    let (mut found, mut size) = (Vec::new(), to_limit(limit));
    for _ in 0..MOST_PAGES {
        let page = sqlx::query(PAGE).bind(at).bind(&id).bind(size).fetch_all(conn.raw()).await?;
        let rows = sqlx::query(LATEST).bind(at).bind(&id).bind(size).fetch_all(conn.raw()).await?;
        found.extend(read_verdicts(conn, &rows).await?);
        let is_full = i64::try_from(page.len()).is_ok_and(|len| len >= size);
        let Some(last) = page.last().filter(|_| found.len() < wanted && is_full) else { break };
        let last = Fields::of(last, "results", "id");
        (at, id) = (last.time("accepted_at")?.as_millis(), last.text("id")?);
        // Where much is left out, it may be as much as a runner ever found.
        size = to_limit(u32::MAX);
    }
    found.truncate(wanted);
    Ok(found)
}

/// By an index that begins with the reason.
pub(crate) const OF_REASON: &str =
    verdicts!("results.reason = $1 AND runs.withdrawn_at IS NULL ORDER BY results.accepted_at DESC LIMIT 1");

/// The latest result that a reason was given for, whether or not it stands.
pub async fn latest_of_reason(conn: &mut Conn, reason: Reason) -> Result<Option<VerdictLine>> {
    let rows = sqlx::query(OF_REASON).bind(reason.as_str()).fetch_all(conn.raw()).await?;
    Ok(read_verdicts(conn, &rows).await?.pop())
}

/// The latest verdicts on a job, the latest first.
pub async fn of_job(conn: &mut Conn, job: JobId, limit: u32) -> Result<Vec<VerdictLine>> {
    let rows = sqlx::query(verdicts!(
        "results.job_id = $1 AND runs.withdrawn_at IS NULL ORDER BY results.accepted_at DESC, results.id DESC LIMIT $2"
    ))
    .bind(job.to_string())
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    read_verdicts(conn, &rows).await
}

/// The verdicts of the round to which a result belongs, the latest first; see [`crate::confirm`].
pub async fn of_round(conn: &mut Conn, run: RunId) -> Result<Vec<VerdictLine>> {
    let rows = sqlx::query(concat!(verdicts!(FROM "(SELECT job_id, round FROM results WHERE id = $1) AS this
             JOIN results ON results.job_id = this.job_id AND results.round = this.round JOIN jobs ON jobs.id = results.job_id"), " WHERE runs.withdrawn_at IS NULL"))
        .bind(run.to_string())
        .fetch_all(conn.raw())
        .await?;
    let mut lines = read_verdicts(conn, &rows).await?;
    lines.sort_by_key(|line| Reverse((line.summary.accepted_at, line.summary.run_id)));
    Ok(lines)
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
