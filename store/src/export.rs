//! Everything, chunk by chunk, for whoever wants it all: releases in the order in which the farm saw them, results in the order in which it
//! accepted them. Each chunk begins by an index where the one before ended, so that the last costs no more than the first.

use protocol::{JobId, ReleaseId, RunId, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::releases::{self, StoredRelease};
use crate::verdicts::{VerdictLine, read_verdict};
use crate::withdrawal::counting;
use crate::{Conn, Result};

/// A result with what tells it from others of its job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResultRow {
    /// The job.
    pub job_id: JobId,
    /// Which wish for a verdict it belongs to, from 0: see [`crate::confirm`].
    pub round: u32,
    /// Whether it is what stands of its job now; only then do its flags say whether others put it in doubt.
    pub stands: bool,
    /// The SHA-1 of the release's archive.
    pub sha1: String,
    /// What was found.
    pub line: VerdictLine,
}

/// The results of a chunk, by nothing but what is in the index; then what belongs to each.
pub(crate) const RESULTS: &str = concat!(
    "SELECT results.id, results.job_id, results.release_id, results.target, results.grade, results.phase,
         results.reason, results.flags, results.detail, results.decisive_text, results.postgresql, results.tests, results.tests_failed,
         results.started_at, results.finished_at, results.accepted_at, results.round, releases.dist, releases.version, releases.sha1,
         runners.name AS runner_name, CASE WHEN jobs.result_id = results.id THEN jobs.doubt ELSE '' END AS doubt,
         CASE WHEN jobs.result_id = results.id THEN 1 ELSE 0 END AS stands
     FROM (SELECT id FROM results WHERE (accepted_at, id) > ($1, $2) AND accepted_at < $3 AND ",
    counting!(),
    " ORDER BY accepted_at, id LIMIT $4) AS page
         JOIN results ON results.id = page.id JOIN jobs ON jobs.id = results.job_id JOIN releases ON releases.id = results.release_id
         LEFT JOIN runs ON runs.id = results.id LEFT JOIN runners ON runners.id = runs.runner_id
     ORDER BY results.accepted_at, results.id"
);

/// Results accepted before `until` that are not withdrawn, the oldest first; `after` is the time and id of the last one of the chunk before.
pub async fn results(
    conn: &mut Conn,
    after: Option<(Timestamp, RunId)>,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<ResultRow>> {
    let (at, id) = after.map_or((i64::MIN, String::new()), |(at, id)| (at.as_millis(), id.to_string()));
    let rows = sqlx::query(RESULTS)
        .bind(at)
        .bind(id)
        .bind(until.as_millis())
        .bind(to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<ResultRow> {
    let result = Fields::of(row, "results", "id");
    Ok(ResultRow {
        job_id: result.parse("job_id")?,
        round: result.number("round")?,
        stands: result.number::<u8>("stands")? == 1,
        sha1: Fields::of(row, "releases", "release_id").text("sha1")?,
        line: read_verdict(row)?,
    })
}

pub(crate) const RELEASES: &str = concat!(
    "SELECT ",
    releases::columns!(),
    " FROM releases WHERE releases.id > $1 AND releases.seen_at < $2 ORDER BY releases.id LIMIT $3"
);

/// Releases seen before `until`, the ones seen first at the beginning, those that were replaced among them; `after` is the last one of the chunk
/// before.
pub async fn releases(
    conn: &mut Conn,
    after: Option<ReleaseId>,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<StoredRelease>> {
    let rows = sqlx::query(RELEASES)
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(until.as_millis())
        .bind(to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(|row| releases::read(&Fields::of(row, "releases", "id"))).collect()
}

#[cfg(test)]
mod tests;
