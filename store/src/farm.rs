//! Numbers about the whole farm, for the home page. Each is cheap however much there is.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::{Target, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::Fields;
use crate::{Conn, Result};

/// A runner counts as connected for so long after it was heard of: a busy one renews its lease, and an idle one asks, far more often.
pub const RUNNER_SEEN: Duration = Duration::from_mins(5);

/// The farm in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Distributions.
    pub dists: u64,
    /// Current releases.
    pub releases: u64,
    /// Announced releases that cannot be read.
    pub broken: u64,
    /// Jobs that wait.
    pub queued: u64,
    /// Runs that go on.
    pub running: u64,
    /// Results ever accepted that are not withdrawn.
    pub results: u64,
    /// Runners that are connected, and take work.
    pub runners: u64,
    /// Runners that are connected, and take none for now: paused, outside their hours, on machines that are in use.
    pub away: u64,
}

/// Distributions whose latest release passes on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Those with a PASS.
    pub passing: u64,
    /// Those with any verdict that counts for or against an author: PASS, UNTESTED or a confirmed FAIL, and not flaky by the word of its runner
    /// or by disagreement.
    pub judged: u64,
}

/// The farm in numbers, as it looks at `now`.
pub async fn counts(conn: &mut Conn, now: Timestamp) -> Result<Counts> {
    let row = sqlx::query(
        "SELECT 'farm' AS id, (SELECT COUNT(*) FROM dists) AS dists,
             (SELECT CAST(COALESCE(SUM(releases), 0) AS BIGINT) FROM dists) AS releases,
             (SELECT COUNT(*) FROM broken_releases) AS broken,
             (SELECT CAST(COALESCE(SUM(waiting), 0) AS BIGINT) FROM lanes WHERE waiting > 0)
                 + (SELECT COUNT(*) FROM jobs WHERE parked_until IS NOT NULL) AS queued,
             (SELECT COUNT(*) FROM runs WHERE state = 'open') AS running,
             (SELECT CAST(SUM(CASE WHEN name = 'results' THEN value ELSE -value END) AS BIGINT) FROM counters
                 WHERE name IN ('results', 'withdrawn')) AS results,
             (SELECT COUNT(*) FROM runners WHERE revoked_at IS NULL AND last_seen_at >= $1 AND away = '') AS runners,
             (SELECT COUNT(*) FROM runners WHERE revoked_at IS NULL AND last_seen_at >= $1 AND away <> '') AS away",
    )
    .bind(now.minus(RUNNER_SEEN).as_millis())
    .fetch_one(conn.raw())
    .await?;
    let row = Fields::of(&row, "counters", "id");
    Ok(Counts {
        dists: row.number("dists")?,
        releases: row.number("releases")?,
        broken: row.number("broken")?,
        queued: row.number("queued")?,
        running: row.number("running")?,
        results: row.number("results")?,
        runners: row.number("runners")?,
        away: row.number("away")?,
    })
}

/// How many distributions' latest releases pass, on each target on which any has a verdict that counts.
pub async fn shares(conn: &mut Conn) -> Result<BTreeMap<Target, Share>> {
    let rows = sqlx::query(
        "SELECT jobs.target, COUNT(*) AS judged, COUNT(CASE WHEN jobs.standing = 'PASS' THEN 1 END) AS passing
         FROM dists JOIN jobs ON jobs.release_id = dists.latest_id
         WHERE jobs.standing IN ('PASS', 'UNTESTED', 'FAIL') AND jobs.unsure = ''
         GROUP BY jobs.target",
    )
    .fetch_all(conn.raw())
    .await?;
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "jobs", "target");
        Ok((row.parse("target")?, Share { passing: row.number("passing")?, judged: row.number("judged")? }))
    };
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests;
