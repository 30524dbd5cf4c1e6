//! Keeps the rows by day: one statement each, beside the write that they count.

use std::collections::BTreeMap;

use protocol::{Outcome, PhaseRecord, Reason, Release, RunId, Target, Timestamp, Version};

use super::day;
use crate::fields::{Fields, to_bigint};
use crate::{Conn, Result, Tx, many};

/// Results are accepted: each on a target, for a reason, and with the phases that its report has. The caller holds the row of the counter of results.
pub(crate) async fn reported(tx: &mut Tx, results: &[(Target, Reason, &[PhaseRecord])], now: Timestamp) -> Result<()> {
    const RESULTS: many::Listed = (
        "INSERT INTO daily_results (day, major, reason, grade, results) SELECT DISTINCT column1, column2, column3, column4, column5 FROM",
        5,
        "WHERE TRUE ON CONFLICT (day, major, reason) DO UPDATE SET results = daily_results.results + excluded.results",
    );
    const PHASES: many::Listed = (
        "INSERT INTO daily_phases (day, phase, runs, duration_ms) SELECT DISTINCT column1, column2, column3, column4 FROM",
        4,
        "WHERE TRUE ON CONFLICT (day, phase) DO UPDATE SET runs = daily_phases.runs + excluded.runs,
             duration_ms = daily_phases.duration_ms + excluded.duration_ms",
    );
    let (mut by_reason, mut by_phase) = (BTreeMap::new(), BTreeMap::new());
    for (target, reason, phases) in results {
        let (_, count) = by_reason.entry((target.major.number(), reason.as_str())).or_insert((*reason, 0_i64));
        *count += 1;
        for phase in phases.iter().filter(|phase| phase.outcome != Outcome::Skipped) {
            let (runs, duration): &mut (i64, u64) = by_phase.entry(phase.phase.as_str()).or_default();
            *runs += 1;
            *duration = duration.saturating_add(phase.duration_ms);
        }
    }
    let by_reason: Vec<_> = by_reason.into_iter().collect();
    many::update(tx, RESULTS, &by_reason, |query, ((major, _), (reason, count))| {
        query.bind(day(now)).bind(i64::from(*major)).bind(reason.as_str()).bind(reason.grade().as_str()).bind(*count)
    })
    .await?;
    let by_phase: Vec<_> = by_phase.into_iter().collect();
    many::update(tx, PHASES, &by_phase, |query, (phase, (runs, duration))| {
        query.bind(day(now)).bind(*phase).bind(*runs).bind(to_bigint(*duration))
    })
    .await
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

/// So many jobs less wait. The caller holds the queue's lock.
pub(crate) async fn went(tx: &mut Tx, count: usize, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO daily_queue (day, came, went) VALUES ($1, 0, $2)
         ON CONFLICT (day) DO UPDATE SET went = daily_queue.went + excluded.went",
    )
    .bind(day(now))
    .bind(to_bigint(count as u64))
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
