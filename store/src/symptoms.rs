//! Symptoms: which failures share one, and how many do.
//!
//! A signature is computed here from the stored verdict when a result is accepted; a runner cannot choose it. `symptom_cells` has a row
//! per job whose standing verdict shows a symptom, and is changed only together with `jobs.result_id`, so that counting reads one index.

use protocol::{Failure, PgMajor, Phase, Reason, Report, Signature, Symptom, Timestamp, Verdict};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, storable, to_limit};
use crate::jobs::Job;
use crate::releases::{self, StoredRelease};
use crate::{Conn, Result, Tx};

/// A symptom, and how many share it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shared {
    /// What tells it from others.
    pub signature: Signature,
    /// The phase that it ends.
    pub phase: Phase,
    /// The reason that it gives.
    pub reason: Reason,
    /// The error without what differs from place to place; may be empty.
    pub text: String,
    /// When it was seen first.
    pub seen_at: Timestamp,
    /// How many distributions show it now, in any of their releases.
    pub dists: u64,
    /// How many releases on targets show it now.
    pub cells: u64,
    /// The PostgreSQL majors on which it is seen now, the lowest first.
    pub majors: Vec<PgMajor>,
}

/// Which symptoms to list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Only those on this major, counted there alone.
    pub major: Option<PgMajor>,
    /// How many to leave out at the beginning.
    pub offset: u32,
    /// How many to list.
    pub limit: u32,
}

/// Symptoms by how many distributions share them, the most shared first.
pub async fn list(conn: &mut Conn, page: Page) -> Result<Vec<Shared>> {
    let rows = sqlx::query(
        "SELECT symptoms.*, shared.dists, shared.cells FROM
             (SELECT signature, COUNT(DISTINCT dist_key) AS dists, COUNT(*) AS cells FROM symptom_cells
              WHERE $1 = 0 OR major = $1 GROUP BY signature ORDER BY dists DESC, cells DESC, signature LIMIT $2 OFFSET $3) AS shared
             JOIN symptoms ON symptoms.signature = shared.signature
         ORDER BY shared.dists DESC, shared.cells DESC, shared.signature",
    )
    .bind(page.major.map_or(0, |major| i64::from(major.number())))
    .bind(to_limit(page.limit))
    .bind(i64::from(page.offset.min(100_000)))
    .fetch_all(conn.raw())
    .await?;
    let mut found = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    for shared in &mut found {
        shared.majors = majors(conn, &shared.signature).await?;
    }
    Ok(found)
}

/// A symptom; none where it was never seen.
pub async fn get(conn: &mut Conn, signature: &Signature) -> Result<Option<Shared>> {
    let row = sqlx::query(
        "SELECT symptoms.*, (SELECT COUNT(*) FROM symptom_cells WHERE signature = $1) AS cells,
             (SELECT COUNT(DISTINCT dist_key) FROM symptom_cells WHERE signature = $1) AS dists
         FROM symptoms WHERE signature = $1",
    )
    .bind(signature.as_str())
    .fetch_optional(conn.raw())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Shared { majors: majors(conn, signature).await?, ..read(&row)? }))
}

async fn majors(conn: &mut Conn, signature: &Signature) -> Result<Vec<PgMajor>> {
    let rows = sqlx::query("SELECT DISTINCT signature, major FROM symptom_cells WHERE signature = $1 ORDER BY major")
        .bind(signature.as_str())
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(|row| Fields::of(row, "symptom_cells", "signature")).map(|row| row.major("major")).collect()
}

fn read(row: &AnyRow) -> Result<Shared> {
    let row = Fields::of(row, "symptoms", "signature");
    Ok(Shared {
        signature: row.parse("signature")?,
        phase: row.parse("phase")?,
        reason: row.parse("reason")?,
        text: row.text("text")?,
        seen_at: row.time("seen_at")?,
        dists: row.number("dists")?,
        cells: row.number("cells")?,
        majors: Vec::new(),
    })
}

/// Gives a result that was just stored its signature, where it has a symptom.
pub(crate) async fn sign(tx: &mut Tx, stored: &StoredRelease, report: &Report, now: Timestamp) -> Result<()> {
    if report.verdict.blame().is_none() {
        return Ok(());
    }
    let extensions = extensions(&releases::meta(tx, stored.id).await?.unwrap_or_default());
    let (dist, version) = (&stored.release.dist, &stored.release.version);
    let (verdict, crashes) = (&report.verdict, report.circumstances.crashes.as_slice());
    let failure = Failure { verdict, crashes, dist, version, extensions: &extensions };
    let Some(symptom) = failure.symptom() else { return Ok(()) };
    see(tx, &symptom, verdict, now).await?;
    sqlx::query("UPDATE results SET signature = $2 WHERE id = $1")
        .bind(report.run_id.to_string())
        .bind(symptom.signature.as_str())
        .execute(tx.raw())
        .await?;
    Ok(())
}

/// Counts what stands of a job now, where it has a symptom.
pub(crate) async fn count(tx: &mut Tx, job: &Job) -> Result<()> {
    sqlx::query("DELETE FROM symptom_cells WHERE job_id = $1").bind(job.id.to_string()).execute(tx.raw()).await?;
    sqlx::query(
        "INSERT INTO symptom_cells (job_id, signature, major, dist_key, target)
         SELECT jobs.id, results.signature, $2, releases.dist_key, jobs.target
         FROM jobs JOIN results ON results.id = jobs.result_id JOIN releases ON releases.id = jobs.release_id
         WHERE jobs.id = $1 AND results.signature IS NOT NULL",
    )
    .bind(job.id.to_string())
    .bind(i64::from(job.target.major.number()))
    .execute(tx.raw())
    .await?;
    Ok(())
}

async fn see(tx: &mut Tx, symptom: &Symptom, verdict: &Verdict, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO symptoms (signature, phase, reason, text, seen_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (signature) DO NOTHING",
    )
    .bind(symptom.signature.as_str())
    .bind(verdict.phase.as_str())
    .bind(verdict.reason.as_str())
    .bind(storable(&symptom.text))
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// The names of the extensions that a META.json provides, in version 1 or 2 of its specification.
fn extensions(meta: &serde_json::Value) -> Vec<String> {
    let provided = [meta.pointer("/provides"), meta.pointer("/contents/extensions")];
    let names = provided.into_iter().flatten().filter_map(serde_json::Value::as_object);
    names.flat_map(|all| all.keys().cloned()).collect()
}

#[cfg(test)]
mod tests;
