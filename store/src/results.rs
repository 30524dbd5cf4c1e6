//! Results: a report is compared with its lease, stored once, and never changed.
//!
//! A report that was accepted and whose answer was lost is sent again: the digest of its JSON tells that it is the same, and it is
//! accepted again. Any other report for a run that is over is late, and refused.

use protocol::{Grade, InvalidReport, Phase, Reason, Report, RunId, RunnerId, Target, Timestamp, Verdict};
use sha2::{Digest, Sha256};

use crate::confirm::{self, Retries, Said};
use crate::fields::{Fields, to_json};
use crate::jobs::{Job, Settlement, lock_queue};
use crate::lease::{self, LeaseKey, Lost};
use crate::releases::{self, StoredRelease};
use crate::runs::RunState;
use crate::{Conn, Result, Tx, symptoms, trends};

pub(crate) mod rows;

use rows::NewResult;

/// What became of a report.
#[derive(Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is the result of its run.
    Accepted,
    /// It is the result of its run, and a runner is quarantined by it: the odd one out too often.
    Quarantined(RunnerId),
    /// It was accepted before, word for word.
    Again,
    /// Its lease is lost, or the run has another report.
    Lost(Lost),
    /// It breaks its bounds, or is not about what was claimed.
    Refused(InvalidReport),
}

/// Stores a report as the result of its run. The job is finished by it, or runs again: see [`crate::confirm`].
pub async fn accept(
    tx: &mut Tx,
    key: &LeaseKey<'_>,
    report: &Report,
    retries: Retries,
    now: Timestamp,
) -> Result<Acceptance> {
    if let Err(invalid) = report.check() {
        return Ok(Acceptance::Refused(invalid));
    }
    if report.run_id != key.run_id {
        return Ok(refused(format!("it is about run {}, not {}", report.run_id, key.run_id)));
    }
    let run = match lease::find(tx, key).await? {
        Ok(run) => run,
        Err(lost) => return again_or_lost(tx, report, lost).await,
    };
    let job = lease::job_of(tx, &run).await?;
    // Where the job may have to run again, the queue is locked before the run, and before a look whether the release was replaced.
    if job.reported > 0 || matches!(report.verdict.grade(), Grade::Fail | Grade::Error) {
        lock_queue(tx).await?;
    }
    let release = releases::of_job(tx, &job).await?;
    if let Some(why) = contradiction(report, &job, &release) {
        return Ok(refused(why));
    }
    if !lease::end(tx, run.id, RunState::Reported, now).await? {
        // Somebody ended it since it was read above; who, a second look tells.
        return match lease::find(tx, key).await? {
            Ok(_) => Ok(Acceptance::Lost(Lost::Expired)),
            Err(lost) => again_or_lost(tx, report, lost).await,
        };
    }
    NewResult::of_report(report, &job).insert(tx, now).await?;
    rows::insert_parts(tx, report).await?;
    symptoms::sign(tx, &release, report, now).await?;
    let quarantined = confirm::conclude(tx, &job, &release, retries, now).await?;
    Ok(quarantined.map_or(Acceptance::Accepted, Acceptance::Quarantined))
}

fn refused(why: String) -> Acceptance {
    Acceptance::Refused(InvalidReport { why })
}

async fn again_or_lost(conn: &mut Conn, report: &Report, lost: Lost) -> Result<Acceptance> {
    if lost != Lost::Reported {
        return Ok(Acceptance::Lost(lost));
    }
    let row = sqlx::query("SELECT id, report_sha256 FROM results WHERE id = $1")
        .bind(report.run_id.to_string())
        .fetch_optional(conn.raw())
        .await?;
    let Some(row) = row else { return Ok(Acceptance::Lost(lost)) };
    let same = Fields::of(&row, "results", "id").text("report_sha256")? == digest(report);
    Ok(if same { Acceptance::Again } else { Acceptance::Lost(lost) })
}

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

/// Counts one more result, in all and by day.
pub(crate) async fn count(tx: &mut Tx, job: &Job, newest: &Said, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'results'").execute(tx.raw()).await?;
    trends::reported(tx, newest.run_id, job.target, newest.reason, now).await
}

/// Finishes a job with a verdict that needed no run. The caller holds the queue's lock.
pub(crate) async fn settle(tx: &mut Tx, job: &Job, settlement: &Settlement<'_>, now: Timestamp) -> Result<()> {
    NewResult::bare(settlement.result_id, job, settlement.verdict, now).insert(tx, now).await?;
    let release = releases::of_job(tx, job).await?;
    confirm::conclude(tx, job, &release, Retries::default(), now).await.map(drop)
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
    NewResult::bare(lost.run_id, job, lost.verdict, lost.claimed_at).insert(tx, now).await?;
    let release = releases::of_job(tx, job).await?;
    confirm::conclude(tx, job, &release, Retries::default(), now).await.map(drop)
}

#[cfg(test)]
mod tests;
