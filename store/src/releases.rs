//! Releases: the first stage of the way. What is inserted here is planned by `jobs` and never deleted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use protocol::{Flag, JobId, JobState, Name, Priority, Release, ReleaseId, Status, Timestamp, Version};
use serde::Serialize;

use crate::fields::{Fields, storable, to_json};
use crate::jobs::Job;
use crate::{Conn, Error, Result, Tx, broken, dists, jobs, many, trends};

/// The columns of a release that [`read`] reads. Its META.json, which may have a mebibyte, is not one of them: see [`meta`].
macro_rules! columns {
    () => {
        "releases.id, releases.dist, releases.version, releases.status, releases.username, releases.sha1, releases.released_at,
             releases.abstract, releases.seen_at, releases.superseded_at"
    };
}
pub(crate) use columns;

/// What every query for releases selects; a condition follows.
macro_rules! release {
    ($condition:literal) => {
        concat!("SELECT ", columns!(), " FROM releases WHERE ", $condition)
    };
}

/// A release as the registry gave it.
#[derive(Clone, Copy, Debug)]
pub struct NewRelease<'a> {
    /// The release.
    pub release: &'a Release,
    /// Its one-line description.
    pub summary: &'a str,
    /// Its whole META.json.
    pub meta: &'a serde_json::Value,
}

/// What an insertion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The release was not known; plan its jobs.
    New(ReleaseId),
    /// It was known, and another archive had taken its place, which it now has back; plan its jobs again.
    Restored(ReleaseId),
    /// It was known.
    Known(ReleaseId),
}

impl Inserted {
    /// The id under which the release is stored.
    pub const fn id(self) -> ReleaseId {
        match self {
            Self::New(id) | Self::Restored(id) | Self::Known(id) => id,
        }
    }
}

/// A release with what the farm knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredRelease {
    /// Its id.
    pub id: ReleaseId,
    /// The release.
    pub release: Release,
    /// Its one-line description.
    pub summary: String,
    /// When the farm saw it first.
    pub seen_at: Timestamp,
    /// When another archive of the same version took its place.
    pub superseded_at: Option<Timestamp>,
}

/// Stores a release under `id` unless its (dist, version, sha1) is known already.
///
/// Another archive of the same version is superseded, and what waits for it is withdrawn. The release is no longer broken. One that has its
/// place back has its unconfirmed failures run again.
pub async fn insert(tx: &mut Tx, id: ReleaseId, new: &NewRelease<'_>, now: Timestamp) -> Result<Inserted> {
    let release = new.release;
    // Of two coordinators that see the same release, the second one then finds it known.
    jobs::lock_queue(tx).await?;
    let known = with_sha1(tx, release).await?;
    let inserted = match known {
        Some(known) if known.superseded_at.is_none() => return Ok(Inserted::Known(known.id)),
        Some(known) => {
            supersede_others(tx, release, now).await?;
            sqlx::query("UPDATE releases SET superseded_at = NULL WHERE id = $1")
                .bind(known.id.to_string())
                .execute(tx.raw())
                .await?;
            doubt_again(tx, known.id, now).await?;
            Inserted::Restored(known.id)
        }
        None => {
            supersede_others(tx, release, now).await?;
            trends::uploaded(tx, release).await?;
            insert_row(tx, id, new, now).await?;
            Inserted::New(id)
        }
    };
    broken::mend(tx, release.dist.as_str(), release.version.as_str()).await?;
    dists::refresh(tx, &release.dist).await?;
    Ok(inserted)
}

async fn insert_row(tx: &mut Tx, id: ReleaseId, new: &NewRelease<'_>, now: Timestamp) -> Result<()> {
    let release = new.release;
    sqlx::query(
        "INSERT INTO releases (id, dist, dist_key, version, status, username, user_key, sha1, released_at, abstract, meta, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(id.to_string())
    .bind(release.dist.as_str())
    .bind(release.dist.key())
    .bind(release.version.as_str())
    .bind(release.status.as_str())
    .bind(release.user.as_str())
    .bind(release.user.key())
    .bind(storable(&release.sha1))
    .bind(release.released_at.as_millis())
    .bind(storable(new.summary))
    .bind(to_json(new.meta))
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(())
}

async fn supersede_others(tx: &mut Tx, release: &Release, now: Timestamp) -> Result<()> {
    let rows = sqlx::query(
        "UPDATE releases SET superseded_at = $3 WHERE dist_key = $1 AND version = $2 AND superseded_at IS NULL RETURNING id",
    )
    .bind(release.dist.key())
    .bind(release.version.as_str())
    .bind(now.as_millis())
    .fetch_all(tx.raw())
    .await?;
    for row in &rows {
        let id = Fields::of(row, "releases", "id").parse("id")?;
        for job in jobs::of_release(tx, id).await? {
            if job.state == JobState::Queued {
                jobs::withdraw(tx, job.id, now).await?;
            }
        }
    }
    Ok(())
}

/// Begins anew what was left unconfirmed, as it needed no confirmation while another archive had the release's place.
async fn doubt_again(tx: &mut Tx, id: ReleaseId, now: Timestamp) -> Result<()> {
    for job in jobs::of_release(tx, id).await? {
        if job.state == JobState::Finished && job.doubt == Some(Flag::Unconfirmed) {
            jobs::begin_anew(tx, &job, Priority::Confirmation, now).await?;
        }
    }
    Ok(())
}

/// The release with that id.
pub async fn by_id(conn: &mut Conn, id: ReleaseId) -> Result<Option<StoredRelease>> {
    let row = sqlx::query(release!("id = $1")).bind(id.to_string()).fetch_optional(conn.raw()).await?;
    row.as_ref().map(|row| read(&Fields::of(row, "releases", "id"))).transpose()
}

/// The release that a job tests.
pub(crate) async fn of_job(conn: &mut Conn, job: &Job) -> Result<StoredRelease> {
    by_id(conn, job.release_id).await?.ok_or_else(|| missing(job.id, job.release_id))
}

/// Releases by their ids.
pub(crate) async fn by_ids(
    conn: &mut Conn,
    ids: impl Iterator<Item = ReleaseId>,
) -> Result<BTreeMap<ReleaseId, StoredRelease>> {
    let ids: BTreeSet<String> = ids.map(|id| id.to_string()).collect();
    let rows = many::by_ids(conn, release!("id IN"), &ids.into_iter().collect::<Vec<_>>()).await?;
    let stored = rows.iter().map(|row| read(&Fields::of(row, "releases", "id")));
    stored.map(|stored| stored.map(|stored| (stored.id, stored))).collect()
}

/// The release that a job tests, of those that were read.
pub(crate) fn one_of(read: &BTreeMap<ReleaseId, StoredRelease>, job: JobId, id: ReleaseId) -> Result<&StoredRelease> {
    read.get(&id).ok_or_else(|| missing(job, id))
}

fn missing(job: JobId, release: ReleaseId) -> Error {
    Error::Corrupt {
        table: "jobs",
        column: "release_id",
        row: job.to_string(),
        why: format!("there is no release {release}"),
    }
}

async fn with_sha1(conn: &mut Conn, release: &Release) -> Result<Option<StoredRelease>> {
    let row = sqlx::query(release!("dist_key = $1 AND version = $2 AND sha1 = $3"))
        .bind(release.dist.key())
        .bind(release.version.as_str())
        .bind(storable(&release.sha1))
        .fetch_optional(conn.raw())
        .await?;
    row.as_ref().map(|row| read(&Fields::of(row, "releases", "id"))).transpose()
}

/// The current release of a version: the one that is not superseded.
pub async fn find(conn: &mut Conn, dist: &Name, version: &Version) -> Result<Option<StoredRelease>> {
    let row = sqlx::query(release!("dist_key = $1 AND version = $2 AND superseded_at IS NULL"))
        .bind(dist.key())
        .bind(version.as_str())
        .fetch_optional(conn.raw())
        .await?;
    row.as_ref().map(|row| read(&Fields::of(row, "releases", "id"))).transpose()
}

/// The current releases of a distribution, the highest version first.
pub async fn of_dist(conn: &mut Conn, dist: &Name) -> Result<Vec<StoredRelease>> {
    let rows =
        sqlx::query(release!("dist_key = $1 AND superseded_at IS NULL")).bind(dist.key()).fetch_all(conn.raw()).await?;
    let mut releases = rows.iter().map(|row| read(&Fields::of(row, "releases", "id"))).collect::<Result<Vec<_>>>()?;
    releases.sort_by(|left, right| Reverse(&left.release.version).cmp(&Reverse(&right.release.version)));
    Ok(releases)
}

/// The releases that the registry got last, newest first.
pub async fn latest(conn: &mut Conn, limit: u32) -> Result<Vec<StoredRelease>> {
    let rows = sqlx::query(release!("superseded_at IS NULL ORDER BY released_at DESC, id DESC LIMIT $1"))
        .bind(crate::fields::to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(|row| read(&Fields::of(row, "releases", "id"))).collect()
}

/// The uploaders of a letter, by an index of it.
pub(crate) const UPLOADERS: &str = "SELECT user_key, MAX(username) AS username FROM releases
     WHERE superseded_at IS NULL AND substr(user_key, 1, 1) = $1 GROUP BY user_key ORDER BY user_key LIMIT $2";

/// Who uploaded current releases, of those whose key begins with `letter`, by key.
pub async fn uploaders(conn: &mut Conn, letter: char, limit: u32) -> Result<Vec<Name>> {
    let rows = sqlx::query(UPLOADERS)
        .bind(letter.to_string())
        .bind(crate::fields::to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(|row| Fields::of(row, "releases", "user_key").parse("username")).collect()
}

/// The META.json of a release.
pub async fn meta(conn: &mut Conn, id: ReleaseId) -> Result<Option<serde_json::Value>> {
    let row = sqlx::query("SELECT id, meta FROM releases WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn.raw())
        .await?;
    row.map(|row| Fields::of(&row, "releases", "id").json("meta")).transpose()
}

/// Every current release by name, version and id, for the comparison with the whole registry and for planning anew.
pub async fn all(conn: &mut Conn) -> Result<Vec<(Name, Version, ReleaseId)>> {
    let rows =
        sqlx::query("SELECT id, dist, version FROM releases WHERE superseded_at IS NULL").fetch_all(conn.raw()).await?;
    rows.iter()
        .map(|row| Fields::of(row, "releases", "id"))
        .map(|row| Ok((row.parse("dist")?, row.parse("version")?, row.parse("id")?)))
        .collect()
}

pub(crate) fn read(row: &Fields<'_>) -> Result<StoredRelease> {
    Ok(StoredRelease {
        id: row.parse(row.id_column())?,
        release: read_release(row)?,
        summary: row.text("abstract")?,
        seen_at: row.time("seen_at")?,
        superseded_at: row.optional_time("superseded_at")?,
    })
}

pub(crate) fn read_release(row: &Fields<'_>) -> Result<Release> {
    Ok(Release {
        dist: row.parse("dist")?,
        version: row.parse("version")?,
        status: row.parse::<Status>("status")?,
        user: row.parse("username")?,
        sha1: row.text("sha1")?,
        released_at: row.time("released_at")?,
    })
}

#[cfg(test)]
mod tests;
