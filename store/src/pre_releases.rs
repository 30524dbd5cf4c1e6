//! What maintainers' own CI told of trees that are not released. It stands apart: no other table refers to it, and no other module reads it.
//!
//! A workflow has a job for each target, and each sends what it found: what has the same distribution, version, commit and digest is one pre-release,
//! with the latest result on each target. The number and the age of what is kept are bounded ([`KEPT`], [`DAYS`]).

use std::time::Duration;

use protocol::{Name, PreRelease, PreReleaseId, PreReleaseResult, Timestamp, UploadTokenId, Version};
use sqlx::any::AnyRow;

use crate::fields::{Fields, storable, to_json};
use crate::{Conn, Result, Tx};

/// So many are kept of a distribution, those that something came of last,
pub const KEPT: u32 = 20;
/// and each for so many days after that.
pub const DAYS: u32 = 90;

/// A pre-release as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: PreReleaseId,
    /// The distribution, as the tree calls it.
    pub dist: Name,
    /// The version that the tree states.
    pub version: Version,
    /// The commit; empty where none was told.
    pub commit: String,
    /// What the commit was found by, when something last came; empty where that was not told.
    pub git_ref: String,
    /// The digest of the source.
    pub source_sha256: String,
    /// When something last came.
    pub updated_at: Timestamp,
    /// What was found, by target.
    pub results: Vec<PreReleaseResult>,
}

/// The pre-release that has all of this already, just so.
pub async fn known(conn: &mut Conn, sent: &PreRelease) -> Result<Option<PreReleaseId>> {
    let row = sqlx::query(
        "SELECT id FROM pre_releases WHERE dist_key = $1 AND version = $2 AND commit_hash = $3 AND source_sha256 = $4",
    )
    .bind(sent.dist.key())
    .bind(sent.version.as_str())
    .bind(sent.commit.as_deref().unwrap_or_default())
    .bind(&sent.source_sha256)
    .fetch_optional(conn.raw())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = Fields::of(&row, "pre_releases", "id").parse("id")?;
    let has = results(conn, id).await?;
    Ok(sent.results.iter().all(|result| has.contains(result)).then_some(id))
}

/// Keeps what was sent by a token, under `id` where it is the first of its tree. Of its distribution, what is too much then is removed.
pub async fn put(
    tx: &mut Tx,
    id: PreReleaseId,
    (token, sent): (UploadTokenId, &PreRelease),
    now: Timestamp,
) -> Result<PreReleaseId> {
    let row = sqlx::query(
        "INSERT INTO pre_releases (id, dist, dist_key, version, commit_hash, git_ref, source_sha256, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         ON CONFLICT (dist_key, version, commit_hash, source_sha256)
         DO UPDATE SET dist = excluded.dist, git_ref = excluded.git_ref, updated_at = excluded.updated_at
         RETURNING id",
    )
    .bind(id.to_string())
    .bind(storable(sent.dist.as_str()))
    .bind(storable(&sent.dist.key()))
    .bind(storable(sent.version.as_str()))
    .bind(sent.commit.as_deref().unwrap_or_default())
    .bind(storable(sent.git_ref.as_deref().unwrap_or_default()))
    .bind(&sent.source_sha256)
    .bind(now.as_millis())
    .fetch_one(tx.raw())
    .await?;
    let id = Fields::of(&row, "pre_releases", "id").parse("id")?;
    for result in &sent.results {
        put_result(tx, id, (token, result), now).await?;
    }
    sqlx::query(
        "DELETE FROM pre_releases WHERE dist_key = $1 AND id NOT IN
         (SELECT id FROM pre_releases WHERE dist_key = $1 ORDER BY updated_at DESC, id DESC LIMIT $2)",
    )
    .bind(sent.dist.key())
    .bind(i64::from(KEPT))
    .execute(tx.raw())
    .await?;
    Ok(id)
}

async fn put_result(
    tx: &mut Tx,
    id: PreReleaseId,
    (token, result): (UploadTokenId, &PreReleaseResult),
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO pre_release_results (pre_release_id, target, token_id, result, received_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (pre_release_id, target)
         DO UPDATE SET token_id = excluded.token_id, result = excluded.result, received_at = excluded.received_at",
    )
    .bind(id.to_string())
    .bind(result.target.to_string())
    .bind(token.to_string())
    .bind(storable(&to_json(result)))
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Whether anything is older than it may become.
pub async fn is_any_past(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let row = sqlx::query("SELECT id FROM pre_releases WHERE updated_at <= $1 LIMIT 1")
        .bind(oldest(now).as_millis())
        .fetch_optional(conn.raw())
        .await?;
    Ok(row.is_some())
}

/// Removes what is older than it may become.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let done = sqlx::query("DELETE FROM pre_releases WHERE updated_at <= $1")
        .bind(oldest(now).as_millis())
        .execute(tx.raw())
        .await?;
    Ok(done.rows_affected())
}

/// Removes all that came by a token; how many results that were.
pub async fn forget(tx: &mut Tx, token: UploadTokenId) -> Result<u64> {
    let done = sqlx::query("DELETE FROM pre_release_results WHERE token_id = $1")
        .bind(token.to_string())
        .execute(tx.raw())
        .await?;
    sqlx::query(
        "DELETE FROM pre_releases WHERE NOT EXISTS
         (SELECT 1 FROM pre_release_results WHERE pre_release_results.pre_release_id = pre_releases.id)",
    )
    .execute(tx.raw())
    .await?;
    Ok(done.rows_affected())
}

/// How many there are of a distribution.
pub async fn count(conn: &mut Conn, dist: &Name, now: Timestamp) -> Result<u64> {
    let row = sqlx::query("SELECT COUNT(*) AS number FROM pre_releases WHERE dist_key = $1 AND updated_at > $2")
        .bind(dist.key())
        .bind(oldest(now).as_millis())
        .fetch_one(conn.raw())
        .await?;
    Fields::of(&row, "pre_releases", "number").number("number")
}

/// Those of a distribution, the one that something came of last first.
pub async fn of_dist(conn: &mut Conn, dist: &Name, now: Timestamp) -> Result<Vec<Kept>> {
    let rows = sqlx::query(
        "SELECT * FROM pre_releases WHERE dist_key = $1 AND updated_at > $2 ORDER BY updated_at DESC, id DESC",
    )
    .bind(dist.key())
    .bind(oldest(now).as_millis())
    .fetch_all(conn.raw())
    .await?;
    let mut all = Vec::new();
    for row in &rows {
        let mut kept = read(row)?;
        kept.results = results(conn, kept.id).await?;
        all.push(kept);
    }
    Ok(all)
}

async fn results(conn: &mut Conn, id: PreReleaseId) -> Result<Vec<PreReleaseResult>> {
    let rows = sqlx::query("SELECT * FROM pre_release_results WHERE pre_release_id = $1 ORDER BY target DESC")
        .bind(id.to_string())
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(|row| Fields::of(row, "pre_release_results", "pre_release_id").json("result")).collect()
}

fn read(row: &AnyRow) -> Result<Kept> {
    let row = Fields::of(row, "pre_releases", "id");
    Ok(Kept {
        id: row.parse("id")?,
        dist: row.parse("dist")?,
        version: row.parse("version")?,
        commit: row.text("commit_hash")?,
        git_ref: row.text("git_ref")?,
        source_sha256: row.text("source_sha256")?,
        updated_at: row.time("updated_at")?,
        results: Vec::new(),
    })
}

/// What came before is too old.
fn oldest(now: Timestamp) -> Timestamp {
    now.minus(Duration::from_hours(24 * u64::from(DAYS)))
}

#[cfg(test)]
mod tests;
