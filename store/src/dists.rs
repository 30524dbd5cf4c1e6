//! Distributions: one row each, kept beside the releases, so that lists need not sort versions.

use protocol::{Name, Status};
use serde::Serialize;

use crate::fields::{Fields, to_bigint, to_limit};
use crate::releases::{self, StoredRelease};
use crate::{Conn, Result, Tx};

/// What every query for distributions selects; a condition follows.
macro_rules! dist {
    ($condition:literal) => {
        concat!(
            "SELECT dists.key, dists.name, dists.releases, ",
            releases::columns!(),
            " FROM dists JOIN releases ON releases.id = dists.latest_id WHERE ",
            $condition
        )
    };
}

/// A distribution in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dist {
    /// Its name, as its latest release writes it.
    pub name: Name,
    /// How many current releases it has.
    pub releases: u64,
    /// Its highest stable version; where there is none, its highest version.
    pub latest: StoredRelease,
}

/// Computes a distribution's row anew from its releases.
pub(crate) async fn refresh(tx: &mut Tx, dist: &Name) -> Result<()> {
    let releases = releases::of_dist(tx, dist).await?;
    let stable = releases.iter().find(|stored| stored.release.status == Status::Stable);
    let Some(latest) = stable.or(releases.first()) else { return Ok(()) };
    sqlx::query(
        "INSERT INTO dists (key, name, releases, latest_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (key) DO UPDATE SET name = excluded.name, releases = excluded.releases, latest_id = excluded.latest_id",
    )
    .bind(dist.key())
    .bind(latest.release.dist.as_str())
    .bind(to_bigint(releases.len() as u64))
    .bind(latest.id.to_string())
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// The distribution of that name, in whatever case.
pub async fn get(conn: &mut Conn, name: &Name) -> Result<Option<Dist>> {
    let row = sqlx::query(dist!("dists.key = $1")).bind(name.key()).fetch_optional(conn.raw()).await?;
    row.as_ref().map(read).transpose()
}

/// As many distributions as are asked for at once.
const AT_ONCE: usize = 50;
pub(crate) const OF_NAMES: &str = dist!(
    "dists.key IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
         $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50)"
);

/// Those of the distributions that there are, in no order: one query for as many as a page shows.
pub async fn of_names(conn: &mut Conn, names: &[&Name]) -> Result<Vec<Dist>> {
    let mut dists = Vec::new();
    for some in names.chunks(AT_ONCE) {
        let mut query = sqlx::query(OF_NAMES);
        for at in 0..AT_ONCE {
            query = query.bind(some.get(at).map(|name| name.key()).unwrap_or_default());
        }
        let rows = query.fetch_all(conn.raw()).await?;
        for row in &rows {
            dists.push(read(row)?);
        }
    }
    Ok(dists)
}

/// Distributions whose name begins with `prefix` (in whatever case), by name; `after` is the last name of the page before.
pub async fn list(conn: &mut Conn, prefix: &str, after: Option<&Name>, limit: u32) -> Result<Vec<Dist>> {
    let prefix = crate::fields::storable(&prefix.to_lowercase());
    let rows =
        sqlx::query(dist!("substr(dists.key, 1, length($1)) = $1 AND dists.key > $2 ORDER BY dists.key LIMIT $3"))
            .bind(prefix)
            .bind(after.map(Name::key).unwrap_or_default())
            .bind(to_limit(limit))
            .fetch_all(conn.raw())
            .await?;
    rows.iter().map(read).collect()
}

/// Distributions whose name holds `part` anywhere (in whatever case), by name. It reads every name, so it is for people, not for loops.
pub async fn holding(conn: &mut Conn, part: &str, limit: u32) -> Result<Vec<Dist>> {
    let part = crate::fields::storable(&part.to_lowercase());
    let rows = sqlx::query(dist!("replace(dists.key, $1, '') <> dists.key ORDER BY dists.key LIMIT $2"))
        .bind(part)
        .bind(to_limit(limit))
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

/// How many distributions there are.
pub async fn count(conn: &mut Conn) -> Result<u64> {
    let row = sqlx::query("SELECT COUNT(*) AS dists FROM dists").fetch_one(conn.raw()).await?;
    Fields::of(&row, "dists", "dists").number("dists")
}

pub(crate) fn read(row: &sqlx::any::AnyRow) -> Result<Dist> {
    let dist = Fields::of(row, "dists", "key");
    Ok(Dist {
        name: dist.parse("name")?,
        releases: dist.number("releases")?,
        latest: releases::read(&Fields::of(row, "releases", "id"))?,
    })
}

#[cfg(test)]
mod tests;
