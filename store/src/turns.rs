//! What turned red or green, as it happened: the source of the feeds of transitions, and of whatever is told to subscribers.
//!
//! A turn is recorded in the transaction that changes what stands of a job, and so is what is to be delivered of it ([`crate::deliveries`]): a farm
//! that is killed has either both or neither. Only the release that is the latest then counts, so that tests of older ones, which a new farm makes
//! by the thousand, tell nobody anything. What compares as NEW-FAIL or FIXED is neither ERROR, ENV, BLOCKED nor in doubt, see
//! [`protocol::compare`]. The same turn is recorded once, whatever a further run of the same round says.
//!
//! Places are given under the lock of a counter's row, so that they are committed in their order.

use protocol::{Comparison, JobId, Name, PgMajor, RunId, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::history::{Turn, read_turn};
use crate::releases::StoredRelease;
use crate::{Conn, Result, Tx, deliveries};

/// A turn with its place among all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Its place: of two, the later one has the higher.
    pub place: i64,
    /// What turned.
    #[serde(flatten)]
    pub turn: Turn,
}

/// How what stands now of a job compares with what stood before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turned {
    pub(crate) job: JobId,
    /// The run that it is compared with.
    pub(crate) before: RunId,
    /// The run that stands.
    pub(crate) after: RunId,
    pub(crate) comparison: Comparison,
}

/// Records how what stands now of a job compares with what stood before, if that is news, and what is to be delivered of it.
pub(crate) async fn record(tx: &mut Tx, stored: &StoredRelease, turned: Turned, now: Timestamp) -> Result<()> {
    if !turned.comparison.is_news() || !is_latest(tx, stored).await? {
        return Ok(());
    }
    if let Some(place) = found_again(tx, turned).await? {
        return deliveries::owe(tx, &stored.release.dist, place, now).await;
    }
    let place = next_place(tx).await?;
    let done = sqlx::query(
        "INSERT INTO turns (place, job_id, run_id, before_id, comparison, dist_key, user_key, major, turned_at)
         SELECT $1, jobs.id, $3, $4, $5, $6, $7, CAST(replace(replace(replace(jobs.target, 'pg', ''), '-amd64', ''), '-arm64', '') AS BIGINT), $8
         FROM jobs WHERE jobs.id = $2
         ON CONFLICT DO NOTHING",
    )
    .bind(place)
    .bind(turned.job.to_string())
    .bind(turned.after.to_string())
    .bind(turned.before.to_string())
    .bind(turned.comparison.as_str())
    .bind(stored.release.dist.key())
    .bind(stored.release.user.key())
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    match done.rows_affected() {
        0 => Ok(()),
        _ => deliveries::owe(tx, &stored.release.dist, place, now).await,
    }
}

/// The same turn that a run had found which is withdrawn now: it has another witness, and keeps its place, so that nobody is told of it twice.
async fn found_again(tx: &mut Tx, turned: Turned) -> Result<Option<i64>> {
    let row = sqlx::query(
        "UPDATE turns SET run_id = $4 WHERE job_id = $1 AND before_id = $2 AND comparison = $3
             AND EXISTS (SELECT 1 FROM runs WHERE runs.id = turns.run_id AND runs.withdrawn_at IS NOT NULL)
         RETURNING job_id, place",
    )
    .bind(turned.job.to_string())
    .bind(turned.before.to_string())
    .bind(turned.comparison.as_str())
    .bind(turned.after.to_string())
    .fetch_optional(tx.raw())
    .await?;
    row.map(|row| Fields::of(&row, "turns", "job_id").number("place")).transpose()
}

async fn is_latest(conn: &mut Conn, stored: &StoredRelease) -> Result<bool> {
    let row = sqlx::query("SELECT key FROM dists WHERE key = $1 AND latest_id = $2")
        .bind(stored.release.dist.key())
        .bind(stored.id.to_string())
        .fetch_optional(conn.raw())
        .await?;
    Ok(row.is_some() && stored.superseded_at.is_none())
}

async fn next_place(tx: &mut Tx) -> Result<i64> {
    let row = sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'turns' RETURNING name, value")
        .fetch_one(tx.raw())
        .await?;
    Fields::of(&row, "counters", "name").number("value")
}

/// That both results of a turn count: neither is withdrawn.
macro_rules! witnessed {
    () => {
        "NOT EXISTS (SELECT 1 FROM runs AS marked WHERE marked.id IN (turns.run_id, turns.before_id) AND marked.withdrawn_at IS NOT NULL)"
    };
}

/// What every query for turns selects; a condition follows.
macro_rules! recorded {
    ($($condition:expr),+) => {
        concat!(
            "SELECT results.*, releases.dist, releases.version, runners.name AS runner_name, CAST('' AS TEXT) AS doubt,
                 turns.place AS turn_place, turns.comparison, turns.before_id AS compared_id, turns.turned_at AS compared_at
             FROM turns JOIN results ON results.id = turns.run_id JOIN releases ON releases.id = results.release_id
                 LEFT JOIN runs ON runs.id = results.id LEFT JOIN runners ON runners.id = runs.runner_id
             WHERE ",
            $($condition),+
        )
    };
}
pub(crate) use recorded;

/// Turns of a distribution, in whatever case.
pub(crate) const OF_DIST: &str =
    recorded!("turns.dist_key = $1 AND ", witnessed!(), " ORDER BY turns.place DESC LIMIT $2");
/// Turns in what a user released.
pub(crate) const OF_USER: &str =
    recorded!("turns.user_key = $1 AND ", witnessed!(), " ORDER BY turns.place DESC LIMIT $2");
/// Turns on a PostgreSQL major.
pub(crate) const OF_MAJOR: &str =
    recorded!("turns.major = $1 AND ", witnessed!(), " ORDER BY turns.place DESC LIMIT $2");

/// What turned in a distribution, the latest first.
pub async fn of_dist(conn: &mut Conn, dist: &Name, limit: u32) -> Result<Vec<Recorded>> {
    let rows = sqlx::query(OF_DIST).bind(dist.key()).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    rows.iter().map(read).collect()
}

/// What turned in the releases of a user, the latest first.
pub async fn of_user(conn: &mut Conn, user: &Name, limit: u32) -> Result<Vec<Recorded>> {
    let rows = sqlx::query(OF_USER).bind(user.key()).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    rows.iter().map(read).collect()
}

/// What turned on a PostgreSQL major, the latest first.
pub async fn of_major(conn: &mut Conn, major: PgMajor, limit: u32) -> Result<Vec<Recorded>> {
    let number = i64::from(major.number());
    let rows = sqlx::query(OF_MAJOR).bind(number).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    rows.iter().map(read).collect()
}

/// A row of [`recorded`].
pub(crate) fn read(row: &AnyRow) -> Result<Recorded> {
    let place = Fields::of(row, "turns", "turn_place").number("turn_place")?;
    Ok(Recorded { place, turn: read_turn(row)? })
}

impl Recorded {
    /// Whether it turned red.
    pub fn is_red(&self) -> bool {
        self.turn.comparison == Comparison::NewFail
    }
}

#[cfg(test)]
mod tests;
