//! How far the registry is with a PostgreSQL major: the latest release of every distribution on it, and why those fail that do.

use protocol::{Name, PgMajor, Phase, Platform, Reason, ReleaseId, RunId, Signature, Target, Version};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::standing::{Narrow, Standing};
use crate::{Conn, Error, Result};

/// More distributions are not read; the registry has some hundred.
const MOST: i64 = 20_000;

/// A distribution's latest release on every target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// The distribution.
    pub dist: Name,
    /// Its latest release.
    pub release_id: ReleaseId,
    /// The version.
    pub version: Version,
    /// Its cells, by target.
    pub cells: Vec<Narrow>,
}

/// A row per distribution, read from an index: everything that is counted and compared on these pages.
pub(crate) const OUTLINE: &str = "SELECT dists.key, dists.name, dists.latest_id, releases.version,
         COALESCE((SELECT string_agg(jobs.target || ':' || jobs.state || ':' || jobs.standing || ':' || jobs.unsure, ' ')
             FROM jobs WHERE jobs.release_id = dists.latest_id), '') AS cells
     FROM dists JOIN releases ON releases.id = dists.latest_id ORDER BY dists.key LIMIT $1";

/// Every distribution's latest release, by name.
pub async fn outline(conn: &mut Conn) -> Result<Vec<Outline>> {
    let rows = sqlx::query(OUTLINE).bind(MOST).fetch_all(conn.raw()).await?;
    rows.iter().map(read_outline).collect()
}

fn read_outline(row: &AnyRow) -> Result<Outline> {
    let dist = Fields::of(row, "dists", "key");
    let release = Fields::of(row, "releases", "latest_id");
    let mut cells: Vec<Narrow> =
        dist.text("cells")?.split_whitespace().map(|text| read_narrow(&dist, text)).collect::<Result<_>>()?;
    cells.sort_by_key(|cell| cell.target);
    Ok(Outline {
        dist: dist.parse("name")?,
        release_id: dist.parse("latest_id")?,
        version: release.parse("version")?,
        cells,
    })
}

/// `pg17-amd64:finished:FAIL:UNCONFIRMED`.
fn read_narrow(row: &Fields<'_>, text: &str) -> Result<Narrow> {
    let corrupt = |why: String| Error::Corrupt { table: "jobs", column: "standing", row: row.shown_id(), why };
    let parts: Vec<&str> = text.split(':').collect();
    let [target, state, grade, unsure] = parts[..] else { return Err(corrupt(format!("`{text}` is no cell"))) };
    let grade = if grade.is_empty() { None } else { Some(grade.parse().map_err(corrupt)?) };
    let unsure = if unsure.is_empty() { None } else { Some(unsure.parse().map_err(corrupt)?) };
    Ok(Narrow {
        target: target.parse().map_err(|error: protocol::InvalidTarget| corrupt(error.to_string()))?,
        state: state.parse().map_err(corrupt)?,
        standing: grade.map(|grade| Standing { grade, unsure }),
    })
}

/// A symptom that latest releases show on a major.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// What tells it from others.
    pub signature: Signature,
    /// The phase that it ends.
    pub phase: Phase,
    /// The reason that it gives.
    pub reason: Reason,
    /// The error without what differs from place to place; may be empty.
    pub text: String,
    /// How many distributions' latest releases show it on the major.
    pub dists: u64,
    /// One of them,
    pub example: Name,
    /// and the run that shows it.
    pub run: RunId,
}

pub(crate) const CLUSTERS: &str = "SELECT symptoms.*, shared.sharing, releases.dist, jobs.result_id
     FROM (SELECT symptom_cells.signature, COUNT(DISTINCT dists.key) AS sharing, MIN(jobs.id) AS example
         FROM dists JOIN jobs ON jobs.release_id = dists.latest_id AND jobs.target IN ($1, $2)
             JOIN symptom_cells ON symptom_cells.job_id = jobs.id
         GROUP BY symptom_cells.signature ORDER BY sharing DESC, symptom_cells.signature LIMIT $3) AS shared
         JOIN symptoms ON symptoms.signature = shared.signature JOIN jobs ON jobs.id = shared.example
         JOIN releases ON releases.id = jobs.release_id
     ORDER BY shared.sharing DESC, shared.signature";

/// What latest releases show on a major, by how many do.
pub async fn clusters(conn: &mut Conn, major: PgMajor, limit: u32) -> Result<Vec<Cluster>> {
    let [first, second] = targets(major);
    let rows = sqlx::query(CLUSTERS).bind(first).bind(second).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    let read = |row: &AnyRow| {
        let symptom = Fields::of(row, "symptoms", "signature");
        Ok(Cluster {
            signature: symptom.parse("signature")?,
            phase: symptom.parse("phase")?,
            reason: symptom.parse("reason")?,
            text: symptom.text("text")?,
            dists: symptom.number("sharing")?,
            example: symptom.parse("dist")?,
            run: symptom.parse("result_id")?,
        })
    };
    rows.iter().map(read).collect()
}

/// With which exact versions of a major what stands of the latest releases was found, and how many distributions were tested with each;
/// the most used first.
pub async fn servers(conn: &mut Conn, major: PgMajor, limit: u32) -> Result<Vec<(String, u64)>> {
    let [first, second] = targets(major);
    let rows = sqlx::query(
        "SELECT jobs.found_on, COUNT(DISTINCT dists.key) AS tested
         FROM dists JOIN jobs ON jobs.release_id = dists.latest_id AND jobs.target IN ($1, $2)
         WHERE jobs.found_on <> '' GROUP BY jobs.found_on ORDER BY tested DESC, jobs.found_on LIMIT $3",
    )
    .bind(first)
    .bind(second)
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    let rows = rows.iter().map(|row| Fields::of(row, "jobs", "found_on"));
    rows.map(|row| Ok((row.text("found_on")?, row.number("tested")?))).collect()
}

/// The releases that were tested with an exact version of a major: the latest ones of their distributions.
pub async fn tested_with(conn: &mut Conn, major: PgMajor, server: &str) -> Result<Vec<ReleaseId>> {
    let [first, second] = targets(major);
    let rows = sqlx::query(
        "SELECT DISTINCT dists.latest_id FROM dists JOIN jobs ON jobs.release_id = dists.latest_id AND jobs.target IN ($1, $2)
         WHERE jobs.found_on = $3 LIMIT $4",
    )
    .bind(first)
    .bind(second)
    .bind(crate::fields::storable(server))
    .bind(MOST)
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(|row| Fields::of(row, "dists", "latest_id").parse("latest_id")).collect()
}

/// The releases that show a symptom on a major: the latest ones of their distributions.
pub async fn showing(conn: &mut Conn, major: PgMajor, signature: &Signature) -> Result<Vec<ReleaseId>> {
    let rows = sqlx::query(
        "SELECT DISTINCT dists.latest_id FROM symptom_cells JOIN jobs ON jobs.id = symptom_cells.job_id
             JOIN dists ON dists.key = symptom_cells.dist_key AND dists.latest_id = jobs.release_id
         WHERE symptom_cells.signature = $1 AND symptom_cells.major = $2 LIMIT $3",
    )
    .bind(signature.as_str())
    .bind(i64::from(major.number()))
    .bind(MOST)
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(|row| Fields::of(row, "dists", "latest_id").parse("latest_id")).collect()
}

/// A major on every platform.
fn targets(major: PgMajor) -> [String; 2] {
    Platform::ALL.map(|platform| Target { major, platform }.to_string())
}

#[cfg(test)]
mod tests;
