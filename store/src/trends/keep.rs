//! Keeps the rows by day: one statement each, beside the write that they count.

use protocol::{Reason, Release, RunId, Target, Timestamp, Version};

use super::day;
use crate::fields::Fields;
use crate::{Conn, Result, Tx};

/// A result is accepted, and its phases are written. The caller holds the row of the counter of results.
pub(crate) async fn reported(tx: &mut Tx, id: RunId, target: Target, reason: Reason, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO daily_results (day, major, reason, grade, results) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (day, major, reason) DO UPDATE SET results = daily_results.results + 1",
    )
    .bind(day(now))
    .bind(i64::from(target.major.number()))
    .bind(reason.as_str())
    .bind(reason.grade().as_str())
    .execute(tx.raw())
    .await?;
    sqlx::query(
        "INSERT INTO daily_phases (day, phase, runs, duration_ms)
         SELECT $2, phase, COUNT(*), CAST(SUM(duration_ms) AS BIGINT) FROM phases WHERE run_id = $1 AND outcome <> 'skipped' GROUP BY phase
         ON CONFLICT (day, phase) DO UPDATE SET runs = daily_phases.runs + excluded.runs,
             duration_ms = daily_phases.duration_ms + excluded.duration_ms",
    )
    .bind(id.to_string())
    .bind(day(now))
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// A result does not count any more (`by` is -1), or counts again (1). The caller holds the row of the counter of results that are withdrawn.
pub(crate) async fn recount(tx: &mut Tx, id: RunId, by: i64) -> Result<()> {
    sqlx::query(
        "UPDATE daily_results SET results = daily_results.results + $2 FROM results
         WHERE results.id = $1 AND daily_results.day = results.accepted_at / 86400000 AND daily_results.reason = results.reason
             AND daily_results.major = CAST(SUBSTR(results.target, 3, 2) AS BIGINT)",
    )
    .bind(id.to_string())
    .bind(by)
    .execute(tx.raw())
    .await?;
    sqlx::query(
        "UPDATE daily_phases SET runs = daily_phases.runs + $2 * spent.runs, duration_ms = daily_phases.duration_ms + $2 * spent.duration_ms
         FROM (SELECT results.accepted_at / 86400000 AS day, phases.phase, COUNT(*) AS runs, CAST(SUM(phases.duration_ms) AS BIGINT) AS duration_ms
               FROM phases JOIN results ON results.id = phases.run_id WHERE phases.run_id = $1 AND phases.outcome <> 'skipped' GROUP BY 1, 2) AS spent
         WHERE daily_phases.day = spent.day AND daily_phases.phase = spent.phase",
    )
    .bind(id.to_string())
    .bind(by)
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// One more job waits. The caller holds the queue's lock.
pub(crate) async fn came(tx: &mut Tx, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO daily_queue (day, came, went) VALUES ($1, 1, 0) ON CONFLICT (day) DO UPDATE SET came = daily_queue.came + 1",
    )
    .bind(day(now))
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// One job less waits. The caller holds the queue's lock.
pub(crate) async fn went(tx: &mut Tx, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO daily_queue (day, came, went) VALUES ($1, 0, 1) ON CONFLICT (day) DO UPDATE SET went = daily_queue.went + 1",
    )
    .bind(day(now))
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// A release is about to be stored. Another archive of a version that is known is no further release; and one that is older than all that
/// are known moves the day on which the distribution, or the version, came. The caller holds the queue's lock.
pub(crate) async fn uploaded(tx: &mut Tx, release: &Release) -> Result<()> {
    let (dist, version) = firsts(tx, &release.dist.key(), &release.version).await?;
    for (earliest, what) in [(version, Counted::Release), (dist, Counted::Dist)] {
        match earliest {
            Some(known) if known <= release.released_at => {}
            Some(known) => {
                count(tx, known, what, -1).await?;
                count(tx, release.released_at, what, 1).await?;
            }
            None => count(tx, release.released_at, what, 1).await?,
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Release,
    Dist,
}

/// When the registry got the first release of a distribution, and the first archive of one of its versions.
async fn firsts(conn: &mut Conn, dist_key: &str, version: &Version) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
    let row = sqlx::query(
        "SELECT 'first' AS id, MIN(released_at) AS of_dist, MIN(CASE WHEN version = $2 THEN released_at END) AS of_version
         FROM releases WHERE dist_key = $1",
    )
    .bind(dist_key)
    .bind(version.as_str())
    .fetch_one(conn.raw())
    .await?;
    let row = Fields::of(&row, "releases", "id");
    Ok((row.optional_time("of_dist")?, row.optional_time("of_version")?))
}

async fn count(tx: &mut Tx, at: Timestamp, what: Counted, by: i64) -> Result<()> {
    let of = |counted| if what == counted { by } else { 0 };
    sqlx::query(
        "INSERT INTO daily_releases (day, releases, dists) VALUES ($1, $2, $3)
         ON CONFLICT (day) DO UPDATE SET releases = daily_releases.releases + excluded.releases,
             dists = daily_releases.dists + excluded.dists",
    )
    .bind(day(at))
    .bind(of(Counted::Release))
    .bind(of(Counted::Dist))
    .execute(tx.raw())
    .await?;
    Ok(())
}
