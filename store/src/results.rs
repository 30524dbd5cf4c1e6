//! Results: a report is compared with its lease, stored once, and never changed.
//!
//! A report that was accepted and whose answer was lost is sent again: the digest of its JSON tells that it is the same, and it is
//! accepted again. Any other report for a run that is over is late, and refused.

use protocol::{Grade, Phase, PhaseRecord, Reason, Report, RunId, Target, Timestamp, Verdict};
use sha2::{Digest, Sha256};

use crate::confirm::{self, Retries};
use crate::fields::{to_bigint, to_json};
use crate::jobs::{Job, Settlement};
use crate::releases::{self, StoredRelease};
use crate::{Result, Tx, trends};

mod accept;
pub(crate) mod first;
pub(crate) mod rows;

pub use accept::{Acceptance, Answer, Handed, accept};
use rows::NewResult;

/// Where a report is not about what was claimed: another archive, another platform, another major. What counts for or against an author has
/// to say of which archive and on which image it is, once a run needs them.
fn contradiction(report: &Report, job: &Job, stored: &StoredRelease) -> Option<String> {
    if let Some(archive) = &report.archive
        && report.verdict.reason != Reason::DigestMismatch
        && !archive.sha1.eq_ignore_ascii_case(&stored.release.sha1)
    {
        return Some(format!("its archive is not that of {}", stored.release));
    }
    let verdict = &report.verdict;
    let counts =
        matches!(verdict.grade(), Grade::Pass | Grade::Untested | Grade::Fail) && verdict.phase > Phase::Metadata;
    if counts && (report.archive.is_none() || report.image.is_none()) {
        let lacks = if report.archive.is_none() { "archive" } else { "image" };
        return Some(format!(
            "it has a {} after {}, but says nothing of the {lacks}",
            verdict.grade(),
            Phase::Metadata
        ));
    }
    report.image.as_ref().and_then(|image| wrong_image(image, job.target))
}

fn wrong_image(image: &protocol::ImageFacts, target: Target) -> Option<String> {
    let digits = image.postgresql.bytes().take_while(u8::is_ascii_digit).count();
    let major = image.postgresql.get(..digits).unwrap_or_default();
    if image.platform != target.platform || major != target.major.to_string() {
        let shown: String = image.postgresql.chars().take(40).collect();
        return Some(format!("its image has PostgreSQL `{shown}` on {}, not {target}", image.platform));
    }
    None
}

/// The digest that tells whether two reports are the same.
fn digest(report: &Report) -> String {
    hex::encode(Sha256::digest(to_json(report).as_bytes()))
}

/// What is counted of a result: its target, its reason, and the phases of its report.
type Counted<'a> = (Target, Reason, &'a [PhaseRecord]);

/// Counts results, in all and by day.
async fn count(tx: &mut Tx, results: &[Counted<'_>], now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE counters SET value = value + $1 WHERE name = 'results'")
        .bind(to_bigint(results.len() as u64))
        .execute(tx.raw())
        .await?;
    trends::reported(tx, results, now).await
}

/// Finishes a job with a verdict that needed no run. The caller holds the queue's lock.
pub(crate) async fn settle(tx: &mut Tx, job: &Job, settlement: &Settlement<'_>, now: Timestamp) -> Result<()> {
    found(tx, job, &NewResult::bare(settlement.result_id, job, settlement.verdict, now), now).await
}

/// Stores a result that the farm itself found.
async fn found(tx: &mut Tx, job: &Job, result: &NewResult<'_>, now: Timestamp) -> Result<()> {
    rows::insert(tx, std::slice::from_ref(result), now).await?;
    let release = releases::of_job(tx, job).await?;
    let round = confirm::conclude(tx, job, &release, Retries::default(), now).await?;
    count(tx, &[(job.target, result.reason(), &[])], now).await?;
    confirm::learn(tx, (job, &release), &round, now).await.map(drop)
}

/// A run whose runner will not report any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LostRun<'a> {
    pub(crate) run_id: RunId,
    pub(crate) claimed_at: Timestamp,
    pub(crate) verdict: &'a Verdict,
}

/// Finishes a job whose last run was lost.
pub(crate) async fn bury(tx: &mut Tx, job: &Job, lost: &LostRun<'_>, now: Timestamp) -> Result<()> {
    found(tx, job, &NewResult::bare(lost.run_id, job, lost.verdict, lost.claimed_at), now).await
}

#[cfg(test)]
mod tests;
