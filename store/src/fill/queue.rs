//! A long queue, and reports of what is claimed from it, so that claims and reports can be measured: `pgxn-testers bench queue`.

use protocol::{Assignment, Priority, ReleaseId, Report, RunId, Target, Timestamp};
use sqlx::Executor;

use super::{Dice, FIRST, Subject, id, story};
use crate::fields::{Fields, to_bigint};
use crate::{Conn, Result, Store, Tx};

/// So many releases a distribution has here,
const OF_A_DIST: u64 = 30;
/// so many owners there are,
const OWNERS: u64 = 97;
/// and so many releases are one transaction.
const BATCH: u64 = 100 * OF_A_DIST;

/// The numbers from $1 up to $2.
macro_rules! numbers {
    ($sql:literal) => {
        concat!(
            "WITH RECURSIVE numbers (n) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $2) ",
            $sql
        )
    };
}

/// Releases: $3 the first number of an id, $4 how many are of a distribution, $5 how many owners there are, $6 the time.
const RELEASES: &str = numbers!(
    "INSERT INTO releases (id, dist, dist_key, version, status, username, user_key, sha1, released_at, meta, seen_at)
     SELECT '01KQ0000' || CAST($3 + n AS TEXT), 'queue_' || CAST(n / $4 AS TEXT), 'queue_' || CAST(n / $4 AS TEXT), CAST(n % $4 AS TEXT) || '.0.0',
         'stable', 'owner' || CAST(n / $4 % $5 AS TEXT), 'owner' || CAST(n / $4 % $5 AS TEXT), '0123456789012345678901234567890123456789', $6 + n, '{}', $6
     FROM numbers"
);

/// The distributions of the releases from $1 on.
const DISTS: &str = "INSERT INTO dists (key, name, releases, latest_id)
     SELECT dist_key, dist, COUNT(*), MAX(id) FROM releases WHERE id >= $1 GROUP BY dist_key, dist";

/// Jobs of releases: $3 to $6 as above, $7 the target, $8 the priority, $9 the first number of a job's id, $10 how far the next one is.
const JOBS: &str = numbers!(
    "INSERT INTO jobs (id, release_id, target, rank, owner_key, state, attempts, max_attempts, queued_at, changed_at)
     SELECT '01KB0000' || CAST($9 + n * $10 AS TEXT), '01KQ0000' || CAST($3 + n AS TEXT), $7, $8, 'owner' || CAST(n / $4 % $5 AS TEXT), 'queued', 0, 3,
         $6 + n, $6 + n FROM numbers"
);

const LANES: &str = "INSERT INTO lanes (target, rank, owner_key, waiting, served_turn)
     SELECT target, rank, owner_key, COUNT(*), 0 FROM jobs WHERE state = 'queued' GROUP BY target, rank, owner_key";

/// Adds releases with a job on each target until at least so many jobs wait, in a store that has nothing else; returns how many there are then.
pub async fn queue(
    store: &Store,
    targets: &[Target],
    jobs: u64,
    now: Timestamp,
    tell: &mut (dyn FnMut(u64) + Send),
) -> Result<u64> {
    let (mut releases, waiting) = counts(&mut store.read().await?).await?;
    let missing = jobs.saturating_sub(waiting).div_ceil(targets.len() as u64).next_multiple_of(OF_A_DIST);
    let end = releases + missing;
    while releases < end {
        let to = end.min(releases + BATCH);
        let mut tx = store.begin().await?;
        write(&mut tx, (releases, to), targets, now).await?;
        tx.commit().await?;
        releases = to;
        tell(waiting + (missing + releases - end) * targets.len() as u64);
    }
    let mut tx = store.begin().await?;
    tx.raw().execute("DELETE FROM lanes").await?;
    tx.raw().execute(LANES).await?;
    tx.raw().execute("ANALYZE").await?;
    tx.commit().await?;
    Ok(counts(&mut store.read().await?).await?.1)
}

/// How many releases there are, and how many jobs wait.
async fn counts(conn: &mut Conn) -> Result<(u64, u64)> {
    let row = sqlx::query(
        "SELECT 'store' AS id, (SELECT COUNT(*) FROM releases) AS releases, (SELECT COUNT(*) FROM jobs WHERE state = 'queued') AS waiting",
    )
    .fetch_one(conn.raw())
    .await?;
    let row = Fields::of(&row, "jobs", "id");
    Ok((row.number("releases")?, row.number("waiting")?))
}

async fn write(tx: &mut Tx, (from, to): (u64, u64), targets: &[Target], now: Timestamp) -> Result<()> {
    let query = |sql: &'static str| {
        sqlx::query(sql)
            .bind(to_bigint(from))
            .bind(to_bigint(to))
            .bind(to_bigint(FIRST))
            .bind(to_bigint(OF_A_DIST))
            .bind(to_bigint(OWNERS))
            .bind(now.as_millis())
    };
    query(RELEASES).execute(tx.raw()).await?;
    let first: ReleaseId = id("01KQ", FIRST + from);
    sqlx::query(DISTS).bind(first.to_string()).execute(tx.raw()).await?;
    for (number, target) in targets.iter().enumerate() {
        query(JOBS)
            .bind(target.to_string())
            .bind(Priority::NewRelease.rank())
            .bind(to_bigint(FIRST + number as u64))
            .bind(to_bigint(targets.len() as u64))
            .execute(tx.raw())
            .await?;
    }
    Ok(())
}

/// What a runner could report of a job, without files: mostly that it passes.
pub fn report(assignment: &Assignment, now: Timestamp) -> Report {
    let release = &assignment.release;
    let subject = Subject {
        id: ReleaseId::new(now),
        dist: release.dist.clone(),
        version: release.version.clone(),
        owner: release.user.clone(),
        sha1: release.sha1.clone(),
        age: 0,
    };
    let run: RunId = assignment.lease.run_id;
    let mut dice = Dice::of(1, &format!("{release} {}", assignment.target));
    let mut report = story::report(1, (&subject, assignment.target, run), now, &mut dice);
    report.verdict.decisive = None;
    for phase in &mut report.phases {
        phase.log = None;
    }
    report
}
