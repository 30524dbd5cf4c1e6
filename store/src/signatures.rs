//! The keys with which runners sign, and by which key each result was signed.
//!
//! Both are insert-only: a key ends by the next one, so that what it signed before can be verified for ever. The first key of a runner is whichever
//! comes first with its token; any other has to be signed by the one before. A result is stored with its signature in the transaction that accepts
//! it; what was signed is made again from what is stored ([`protocol::Statement`]).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::{KeyProof, PublicKey, Report, RunId, RunnerId, Seal, SignedReport, Subject, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::Fields;
use crate::lease::{self, LeaseKey, LeasedRun, Lost};
use crate::runs::RunDetail;
use crate::{Conn, Result, Tx, many};

/// How long a key that has another one after it may still sign: a run that had begun with it is not lost.
pub const BOTH_KEYS: Duration = Duration::from_hours(1);

/// A key of a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RunnerKey {
    /// Its public half.
    pub key: PublicKey,
    /// Since when the runner has it.
    pub from: Timestamp,
    /// When the next one came.
    pub until: Option<Timestamp>,
}

impl RunnerKey {
    /// Whether a report that comes now may be signed by it.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now.since(until) < BOTH_KEYS)
    }
}

/// What became of a key that a runner wants to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It signs with it from now on.
    New,
    /// It did before.
    Known,
    /// It has another one, and this one is not signed by that.
    Other(RunnerKey),
}

/// The keys of a runner, the latest first.
pub async fn keys(conn: &mut Conn, runner: RunnerId) -> Result<Vec<RunnerKey>> {
    Ok(keys_of(conn, [runner].into_iter()).await?.remove(&runner).unwrap_or_default())
}

/// The keys of each of some runners, the latest first.
async fn keys_of(
    conn: &mut Conn,
    runners: impl Iterator<Item = RunnerId>,
) -> Result<BTreeMap<RunnerId, Vec<RunnerKey>>> {
    const KEYS: &str = "SELECT runner_id, place, public_key, registered_at FROM runner_keys WHERE runner_id IN";
    let ids: BTreeSet<String> = runners.map(|id| id.to_string()).collect();
    let rows = many::by_ids(conn, KEYS, &ids.into_iter().collect::<Vec<_>>()).await?;
    let mut places: BTreeMap<RunnerId, BTreeMap<u32, (PublicKey, Timestamp)>> = BTreeMap::new();
    for row in &rows {
        let row = Fields::of(row, "runner_keys", "runner_id");
        let key = (row.parse("public_key")?, row.time("registered_at")?);
        places.entry(row.parse("runner_id")?).or_default().insert(row.number("place")?, key);
    }
    let latest_first = |places: BTreeMap<u32, (PublicKey, Timestamp)>| {
        let mut until = None;
        let ends = |(key, from)| RunnerKey { key, from, until: until.replace(from) };
        places.into_values().rev().map(ends).collect()
    };
    Ok(places.into_iter().map(|(runner, places)| (runner, latest_first(places))).collect())
}

/// The key that each runner signs with now.
pub async fn current(conn: &mut Conn) -> Result<BTreeMap<RunnerId, PublicKey>> {
    let rows = sqlx::query("SELECT runner_id, public_key FROM runner_keys ORDER BY runner_id, place")
        .fetch_all(conn.raw())
        .await?;
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "runner_keys", "runner_id");
        Ok((row.parse("runner_id")?, row.parse("public_key")?))
    };
    rows.iter().map(read).collect()
}

/// Has a runner sign with a key: its first one, or one that the one before has signed.
pub async fn register(
    tx: &mut Tx,
    runner: RunnerId,
    (key, proof): (&PublicKey, Option<&KeyProof>),
    now: Timestamp,
) -> Result<Registered> {
    let known = keys(tx, runner).await?;
    let proof = match known.first() {
        Some(latest) if latest.key == *key => return Ok(Registered::Known),
        Some(latest) => match proof {
            Some(proof) if latest.key.verifies(&protocol::rotation(&latest.key, key), proof) => Some(proof),
            _ => return Ok(Registered::Other(*latest)),
        },
        None => None,
    };
    let done = sqlx::query(
        "INSERT INTO runner_keys (runner_id, place, public_key, proof, registered_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(runner.to_string())
    .bind(i64::try_from(known.len()).unwrap_or(i64::MAX))
    .bind(key.to_string())
    .bind(proof.map(ToString::to_string).unwrap_or_default())
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    if done.rows_affected() == 1 {
        return Ok(Registered::New);
    }
    // Another call was first, or the key is an old one of this runner.
    let known = keys(tx, runner).await?;
    Ok(match known.first() {
        Some(latest) if latest.key != *key => Registered::Other(*latest),
        _ => Registered::Known,
    })
}

/// What a run was claimed for, whose lease a runner holds, and the keys of that runner, the latest first.
pub type Claimed = (Subject, Vec<RunnerKey>);

/// What each of some runs was claimed for, and by which keys its report may be signed; or why the lease is not held.
pub async fn claimed(conn: &mut Conn, leases: &[LeaseKey<'_>]) -> Result<Vec<std::result::Result<Claimed, Lost>>> {
    const RUNS: &str = "SELECT runs.id, runs.runner_id, runs.state, runs.job_id, runs.token_hash, runs.expires_at, runs.claimed_at, runs.target,
             jobs.release_id, releases.dist, releases.version, releases.sha1
         FROM runs JOIN jobs ON jobs.id = runs.job_id JOIN releases ON releases.id = jobs.release_id WHERE runs.id IN";
    let ids: Vec<String> = leases.iter().map(|lease| lease.run_id.to_string()).collect();
    let mut subjects: BTreeMap<RunId, (LeasedRun, Subject)> = BTreeMap::new();
    for row in &many::by_ids(conn, RUNS, &ids).await? {
        let (run, release) = (Fields::of(row, "runs", "id"), Fields::of(row, "releases", "release_id"));
        let subject = Subject {
            dist: release.parse("dist")?,
            version: release.parse("version")?,
            sha1: release.text("sha1")?,
            target: run.parse("target")?,
        };
        subjects.insert(run.parse("id")?, (lease::read(row)?, subject));
    }
    let keys = keys_of(conn, leases.iter().map(|lease| lease.runner_id)).await?;
    let claimed = |lease: &LeaseKey<'_>| {
        let (run, subject) = subjects.get(&lease.run_id).ok_or(Lost::Unknown)?;
        lease::held(Some(run), lease)?;
        Ok((subject.clone(), keys.get(&lease.runner_id).cloned().unwrap_or_default()))
    };
    Ok(leases.iter().map(claimed).collect())
}

/// Stores by which keys results were signed. To be called in the transaction that accepts them, once they are verified.
pub(crate) async fn keep(tx: &mut Tx, seals: &[(RunId, &Seal)]) -> Result<()> {
    many::insert(tx, ("signatures (run_id, public_key, signature)", 3), seals, |query, (run, seal)| {
        query.bind(run.to_string()).bind(seal.key.to_string()).bind(seal.signature.to_string())
    })
    .await
}

/// The signed report of a run, made of what is stored; none where no runner reported, or before there were signatures.
pub async fn signed(conn: &mut Conn, detail: &RunDetail) -> Result<Option<SignedReport>> {
    let row = sqlx::query(
        "SELECT signatures.run_id, signatures.public_key, signatures.signature, results.flags
         FROM signatures JOIN results ON results.id = signatures.run_id WHERE signatures.run_id = $1",
    )
    .bind(detail.id.to_string())
    .fetch_optional(conn.raw())
    .await?;
    let (Some(row), Some(result)) = (row, detail.result.clone()) else { return Ok(None) };
    let Some(runner) = result.runner else { return Ok(None) };
    let row = Fields::of(&row, "signatures", "run_id");
    let mut verdict = result.verdict;
    // Without what others made of it since.
    verdict.flags = row.words("flags")?;
    let report = Report {
        run_id: detail.id,
        verdict,
        phases: result.phases,
        tests: result.tests,
        files: result.files,
        archive: result.archive,
        image: result.image,
        runner,
        notes: result.notes,
        circumstances: result.circumstances,
        overhead: result.overhead,
        started_at: result.started_at,
        finished_at: result.finished_at,
    };
    let seal = Seal { key: row.parse("public_key")?, signature: row.parse("signature")? };
    Ok(Some(SignedReport::new(&report, &Subject::of(&detail.release.release, detail.target), seal)))
}

#[cfg(test)]
mod tests;
