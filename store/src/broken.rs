//! Releases that the registry announces and the farm cannot read yet: kept with the reason, tried again, and shown.

use std::collections::HashSet;

use protocol::{Name, Timestamp, Version};
use serde::Serialize;

use crate::fields::{Fields, storable, to_limit};
use crate::{Conn, Result, Tx};

/// A name from the registry that may be of any length is cut to this many characters.
const MAX_NAME: usize = 200;
const MAX_REASON: usize = 1_000;

/// A release that cannot be read. Its names are as the registry wrote them: they may be no [`protocol::Name`] at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenRelease {
    /// The distribution.
    pub dist: String,
    /// The version.
    pub version: String,
    /// What is wrong, a sentence.
    pub reason: String,
    /// When it was found first.
    pub first_seen_at: Timestamp,
    /// When it was tried last.
    pub tried_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it will be tried again.
    pub next_try_at: Timestamp,
}

/// A failure to read a release.
#[derive(Clone, Copy, Debug)]
pub struct Breakage<'a> {
    /// The distribution, as announced.
    pub dist: &'a str,
    /// The version, as announced.
    pub version: &'a str,
    /// What is wrong, a sentence.
    pub reason: &'a str,
    /// When to try again.
    pub next_try_at: Timestamp,
}

/// Stores that a release could not be read, and counts the attempt, which it returns.
pub async fn record(tx: &mut Tx, breakage: &Breakage<'_>, now: Timestamp) -> Result<u32> {
    let (dist, version) = (cut(breakage.dist, MAX_NAME), cut(breakage.version, MAX_NAME));
    let is_askable = breakage.dist.parse::<Name>().is_ok() && breakage.version.parse::<Version>().is_ok();
    let row = sqlx::query(
        "INSERT INTO broken_releases (dist, version, dist_key, reason, first_seen_at, tried_at, attempts, next_try_at, askable)
         VALUES ($1, $2, $3, $4, $5, $5, 1, $6, $7)
         ON CONFLICT (dist_key, version) DO UPDATE SET reason = excluded.reason, tried_at = excluded.tried_at,
             attempts = broken_releases.attempts + 1, next_try_at = excluded.next_try_at, askable = excluded.askable
         RETURNING dist_key, attempts",
    )
    .bind(&dist)
    .bind(version)
    .bind(dist.to_lowercase())
    .bind(cut(breakage.reason, MAX_REASON))
    .bind(now.as_millis())
    .bind(breakage.next_try_at.as_millis())
    .bind(i64::from(is_askable))
    .fetch_one(tx.raw())
    .await?;
    Fields::of(&row, "broken_releases", "dist_key").number("attempts")
}

/// Forgets that a release was broken; `releases::insert` does it by itself. Says whether it was.
pub async fn mend(tx: &mut Tx, dist: &str, version: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM broken_releases WHERE dist_key = $1 AND version = $2")
        .bind(cut(dist, MAX_NAME).to_lowercase())
        .bind(cut(version, MAX_NAME))
        .execute(tx.raw())
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Broken releases that should be tried again, the longest due first.
pub async fn due(conn: &mut Conn, now: Timestamp, limit: u32) -> Result<Vec<BrokenRelease>> {
    due_of(conn, true, now, limit).await
}

/// Broken releases that are due and cannot be asked for, as their name or version is none, the longest due first.
pub async fn nameless(conn: &mut Conn, now: Timestamp, limit: u32) -> Result<Vec<BrokenRelease>> {
    due_of(conn, false, now, limit).await
}

async fn due_of(conn: &mut Conn, is_askable: bool, now: Timestamp, limit: u32) -> Result<Vec<BrokenRelease>> {
    let rows = sqlx::query(
        "SELECT * FROM broken_releases WHERE askable = $1 AND next_try_at <= $2 ORDER BY next_try_at LIMIT $3",
    )
    .bind(i64::from(is_askable))
    .bind(now.as_millis())
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(read).collect()
}

/// The key of the distribution and the version of every broken release that is not due yet.
pub async fn put_off(conn: &mut Conn, now: Timestamp) -> Result<HashSet<(String, String)>> {
    let rows = sqlx::query("SELECT dist_key, version FROM broken_releases WHERE next_try_at > $1")
        .bind(now.as_millis())
        .fetch_all(conn.raw())
        .await?;
    let key = |row| {
        let row = Fields::of(row, "broken_releases", "dist_key");
        Ok((row.text("dist_key")?, row.text("version")?))
    };
    rows.iter().map(key).collect()
}

/// Broken releases, the latest found first.
pub async fn list(conn: &mut Conn, limit: u32) -> Result<Vec<BrokenRelease>> {
    let rows = sqlx::query("SELECT * FROM broken_releases ORDER BY first_seen_at DESC, dist_key LIMIT $1")
        .bind(to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

/// The broken releases of a distribution.
pub async fn of_dist(conn: &mut Conn, dist: &protocol::Name) -> Result<Vec<BrokenRelease>> {
    let rows = sqlx::query("SELECT * FROM broken_releases WHERE dist_key = $1 ORDER BY first_seen_at DESC")
        .bind(dist.key())
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &sqlx::any::AnyRow) -> Result<BrokenRelease> {
    let row = Fields::of(row, "broken_releases", "dist_key");
    Ok(BrokenRelease {
        dist: row.text("dist")?,
        version: row.text("version")?,
        reason: row.text("reason")?,
        first_seen_at: row.time("first_seen_at")?,
        tried_at: row.time("tried_at")?,
        attempts: row.number("attempts")?,
        next_try_at: row.time("next_try_at")?,
    })
}

fn cut(text: &str, most: usize) -> String {
    storable(&text.chars().take(most).collect::<String>())
}

#[cfg(test)]
mod tests;
