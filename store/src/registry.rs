//! Where the watch of a registry stands: cursor, validators, and how far the farm lags behind.

use protocol::{Name, Timestamp, Version};
use serde::Serialize;
use url::Url;

use crate::fields::{Fields, storable};
use crate::{Conn, Result, Tx};

/// The state of the watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Watch {
    /// The registry.
    pub url: String,
    /// How far the feed was read, in the watcher's own words.
    pub cursor: String,
    /// What makes the next request conditional (entity tags and the like), in the watcher's own JSON.
    pub validators: String,
    /// When the registry last answered as it should.
    pub polled_at: Option<Timestamp>,
    /// When it last did not.
    pub failed_at: Option<Timestamp>,
    /// What was wrong then; empty since the registry answered again.
    pub error: String,
    /// The newest release in its feed.
    pub newest: Option<Newest>,
    /// When the whole registry was last compared with the store.
    pub reconciled_at: Option<Timestamp>,
}

/// The newest release in a feed, whether or not the farm could read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Newest {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// When the registry got it.
    pub released_at: Timestamp,
}

/// What a good answer of the feed brought. Write it in the transaction that inserts the releases that the cursor passes.
#[derive(Clone, Copy, Debug)]
pub struct Poll<'a> {
    /// How far the feed is read now.
    pub cursor: &'a str,
    /// What makes the next request conditional.
    pub validators: &'a str,
    /// The newest release in the feed; none leaves the last one known.
    pub newest: Option<&'a Newest>,
}

/// Stores what a good answer brought.
pub async fn polled(tx: &mut Tx, url: &Url, poll: &Poll<'_>, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO registries (url, cursor, validators, polled_at, newest_dist, newest_version, newest_released_at, touched_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $4)
         ON CONFLICT (url) DO UPDATE SET cursor = excluded.cursor, validators = excluded.validators,
             polled_at = excluded.polled_at, error = '', touched_at = excluded.touched_at,
             newest_dist = COALESCE(excluded.newest_dist, registries.newest_dist),
             newest_version = COALESCE(excluded.newest_version, registries.newest_version),
             newest_released_at = COALESCE(excluded.newest_released_at, registries.newest_released_at)",
    )
    .bind(url.as_str())
    .bind(storable(poll.cursor))
    .bind(storable(poll.validators))
    .bind(now.as_millis())
    .bind(poll.newest.map(|newest| newest.dist.to_string()))
    .bind(poll.newest.map(|newest| newest.version.to_string()))
    .bind(poll.newest.map(|newest| newest.released_at.as_millis()))
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Stores that the registry did not answer as it should.
pub async fn failed(tx: &mut Tx, url: &Url, error: &str, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO registries (url, failed_at, error, touched_at) VALUES ($1, $2, $3, $2)
         ON CONFLICT (url) DO UPDATE SET failed_at = excluded.failed_at, error = excluded.error, touched_at = excluded.touched_at",
    )
    .bind(url.as_str())
    .bind(now.as_millis())
    .bind(storable(&error.chars().take(1_000).collect::<String>()))
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Stores that the whole registry was compared with the store.
pub async fn reconciled(tx: &mut Tx, url: &Url, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO registries (url, reconciled_at, touched_at) VALUES ($1, $2, $2)
         ON CONFLICT (url) DO UPDATE SET reconciled_at = excluded.reconciled_at, touched_at = excluded.touched_at",
    )
    .bind(url.as_str())
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Where the watch of a registry stands; none before its first poll.
pub async fn get(conn: &mut Conn, url: &Url) -> Result<Option<Watch>> {
    let row =
        sqlx::query("SELECT * FROM registries WHERE url = $1").bind(url.as_str()).fetch_optional(conn.raw()).await?;
    row.as_ref().map(read).transpose()
}

/// Where the watch of the farm's registry stands: the one touched last, as a farm watches one at a time.
pub async fn current(conn: &mut Conn) -> Result<Option<Watch>> {
    let row = sqlx::query("SELECT * FROM registries ORDER BY touched_at DESC, url LIMIT 1")
        .fetch_optional(conn.raw())
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &sqlx::any::AnyRow) -> Result<Watch> {
    let row = Fields::of(row, "registries", "url");
    let newest = match row.optional_parse("newest_dist")? {
        Some(dist) => {
            Some(Newest { dist, version: row.parse("newest_version")?, released_at: row.time("newest_released_at")? })
        }
        None => None,
    };
    Ok(Watch {
        url: row.text("url")?,
        cursor: row.text("cursor")?,
        validators: row.text("validators")?,
        polled_at: row.optional_time("polled_at")?,
        failed_at: row.optional_time("failed_at")?,
        error: row.text("error")?,
        newest,
        reconciled_at: row.optional_time("reconciled_at")?,
    })
}

#[cfg(test)]
mod tests;
