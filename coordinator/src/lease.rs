//! What a runner does with a lease: claim a job, renew, upload, report, give back. Races that are accepted: see `store/src/lease.rs`.
//!
//! A claim may wait. Whoever puts jobs into the queue rings a bell that every waiting claim hears; a claim listens before it looks, so
//! that no ring is missed between the two. Another coordinator on the same PostgreSQL rings only its own bell: its jobs are found by the
//! next claim, at the latest when the wait ends.
//!
//! A claim whose answer never reaches its runner is said again with the same token, and answered with the lease that it opened. Only where
//! the runner ends meanwhile, a lease is left that nobody knows: it expires, and costs an attempt.

use std::time::Duration;

use bytes::Bytes;
use protocol::{
    Assignment, ClaimRequest, FileRecord, Grade, InvalidReport, JobState, Lease, Phase, Report, RunId, Seal, Timestamp,
};
use store::jobs::{self, Claim, Claimed};
use store::results::{self, Acceptance};
use store::runners::{self, Runner};
use store::runs::{self, LeaseKey, LeaseState, Lost};
use store::{TokenHash, Tx, losses, signatures};
use tokio::time::Instant;

use crate::config::secret;
use crate::events::VerdictEvent;
use crate::{Coordinator, Event, Result, confirm, signing, withdraw};

/// Why a runner's call was not done; the farm's own failures are errors instead.
#[derive(Debug, PartialEq, Eq)]
pub enum Denied {
    /// The lease is not the runner's any more, or never was.
    Lost(Lost),
    /// The report is not acceptable.
    Report(InvalidReport),
    /// The report's signature is not.
    Signature(signing::Refused),
    /// The run has uploaded more than a run may.
    Allowance,
    /// What the run tells breaks its bounds.
    Progress(String),
    /// The run tells more often than it may.
    TooOften,
}

/// The right of a runner to speak for a run, as it shows it.
#[derive(Clone, Copy, Debug)]
pub struct Voice<'a> {
    /// The runner that its bearer token names.
    pub runner: &'a Runner,
    /// The run.
    pub run_id: RunId,
    /// The digest of the lease's token.
    pub token: &'a TokenHash,
}

impl<'a> Voice<'a> {
    const fn key(&self) -> LeaseKey<'a> {
        LeaseKey { run_id: self.run_id, runner_id: self.runner.id, token: self.token }
    }
}

/// Claims the next job for a runner; waits up to `wait` for one, or until the coordinator ends.
pub async fn claim(
    coordinator: &Coordinator,
    runner: &Runner,
    request: &ClaimRequest,
    wait: Duration,
) -> Result<Option<Assignment>> {
    let deadline = Instant::now() + wait;
    loop {
        // It hears every ring from here on, though nobody listens yet.
        let bell = coordinator.queued.notified();
        if let Some(assignment) = claim_now(coordinator, runner, request).await? {
            return Ok(Some(assignment));
        }
        let rung = tokio::select! {
            () = bell => true,
            () = tokio::time::sleep_until(deadline) => false,
            () = coordinator.closing.cancelled() => false,
        };
        if !rung {
            return Ok(None);
        }
    }
}

async fn claim_now(coordinator: &Coordinator, runner: &Runner, request: &ClaimRequest) -> Result<Option<Assignment>> {
    let now = coordinator.now();
    let token = request.token.clone().unwrap_or_else(secret);
    let hash = TokenHash::of(&token);
    let lease = coordinator.config.lease;
    // Who is away gets nothing, and is told of a lease that it does not know of.
    let wanted = if request.away.is_some() { &[][..] } else { &request.targets };
    let claim = Claim { runner_id: runner.id, targets: wanted, run_id: RunId::new(now), token: &hash, lease };
    let mut tx = coordinator.store.begin().await?;
    let claimed = jobs::claim(&mut tx, &claim, now).await?;
    if request.token.is_some()
        && let Some(before) = jobs::claimed_before(&mut tx, &claim, now).await?
    {
        return Ok(before.map(|claimed| assignment(coordinator, claimed, token, now)));
    }
    // Last, as every transaction that locks the queue or a run comes to its runner last: see `store/src/confirm.rs`.
    let targets = if request.away.is_some() { &runner.targets } else { &request.targets };
    runners::touch(&mut tx, runner.id, &request.version, targets, now).await?;
    if request.away.is_none() && runner.emulated != request.emulated {
        runners::emulates(&mut tx, runner.id, &request.emulated).await?;
    }
    if runner.absence != request.away {
        runners::set_absence(&mut tx, runner.id, request.away).await?;
    }
    tx.commit().await?;
    let Some(claimed) = claimed else { return Ok(None) };
    coordinator.events.send(Event::JobClaimed {
        run_id: claimed.run_id,
        dist: claimed.release.dist.clone(),
        version: claimed.release.version.clone(),
        target: claimed.target,
        attempt: claimed.attempt,
    });
    Ok(Some(assignment(coordinator, claimed, token, now)))
}

fn assignment(coordinator: &Coordinator, claimed: Claimed, token: String, now: Timestamp) -> Assignment {
    Assignment {
        lease: Lease {
            run_id: claimed.run_id,
            token,
            attempt: claimed.attempt,
            expires_in_ms: millis(claimed.expires_at.since(now)),
        },
        job_id: claimed.job_id,
        release: claimed.release,
        target: claimed.target,
        registry: coordinator.source.assigned_url().clone(),
        time_factor: claimed.time_factor,
    }
}

/// Lengthens a lease, and says for how long.
pub async fn renew(
    coordinator: &Coordinator,
    voice: Voice<'_>,
    phase: Option<Phase>,
) -> Result<Result<Duration, Denied>> {
    let now = coordinator.now();
    let mut tx = coordinator.store.begin().await?;
    let state = runs::renew(&mut tx, &voice.key(), phase, coordinator.config.lease, now).await?;
    heard(&mut tx, voice.runner, now).await?;
    tx.commit().await?;
    Ok(match state {
        LeaseState::Held { expires_at } => {
            coordinator.live.touch(voice.run_id, now);
            if let Some(phase) = phase {
                coordinator.events.send(Event::PhaseStarted { run_id: voice.run_id, phase });
            }
            Ok(expires_at.since(now))
        }
        LeaseState::Lost(lost) => Err(Denied::Lost(lost)),
    })
}

/// Whether a runner may still speak for a run; asked before a body is read.
pub async fn check(coordinator: &Coordinator, voice: Voice<'_>) -> Result<Result<(), Denied>> {
    let mut conn = coordinator.store.read().await?;
    Ok(match runs::check_lease(&mut conn, &voice.key()).await? {
        LeaseState::Held { .. } => Ok(()),
        LeaseState::Lost(lost) => Err(Denied::Lost(lost)),
    })
}

/// Stores a file of a run from its zstd bytes. The same name again replaces it.
pub async fn upload(
    coordinator: &Coordinator,
    voice: Voice<'_>,
    name: &str,
    zstd: Bytes,
) -> Result<Result<(), Denied>> {
    // Again, as the lease may have been lost while the body came in.
    if let Err(denied) = check(coordinator, voice).await? {
        return Ok(Err(denied));
    }
    if !coordinator.allowance.take(voice.run_id, zstd.len()) {
        return Ok(Err(Denied::Allowance));
    }
    coordinator.blobs.put(voice.run_id, name, zstd).await?;
    Ok(Ok(()))
}

/// Takes a report as the result of its run. The same report again is taken again, as its first answer may have been lost.
///
/// Its signature is verified before anything is written, so that a forged report does not end the lease.
pub async fn report(
    coordinator: &Coordinator,
    voice: Voice<'_>,
    (report, seal): (&Report, Option<&Seal>),
) -> Result<Result<(), Denied>> {
    if let Err(invalid) = report.check() {
        return Ok(Err(Denied::Report(invalid)));
    }
    if report.run_id == voice.run_id && check(coordinator, voice).await?.is_ok() {
        if let Err(refused) = signing::verify(coordinator, voice.runner, report, seal).await? {
            return Ok(Err(Denied::Signature(refused)));
        }
        if let Some(invalid) = missing_file(coordinator, report).await? {
            return Ok(Err(Denied::Report(invalid)));
        }
    }
    let now = coordinator.now();
    let mut tx = coordinator.store.begin().await?;
    let acceptance = results::accept(&mut tx, &voice.key(), report, coordinator.config.retries, now).await?;
    if let (Acceptance::Accepted | Acceptance::Quarantined(_), Some(seal)) = (&acceptance, seal) {
        signatures::keep(&mut tx, voice.run_id, seal).await?;
    }
    if voice.runner.lost > 0 && matches!(acceptance, Acceptance::Accepted | Acceptance::Quarantined(_)) {
        losses::forgive(&mut tx, voice.runner.id).await?;
    }
    heard(&mut tx, voice.runner, now).await?;
    tx.commit().await?;
    Ok(match acceptance {
        Acceptance::Accepted => {
            accepted(coordinator, voice.run_id).await?;
            Ok(())
        }
        Acceptance::Quarantined(odd) => {
            accepted(coordinator, voice.run_id).await?;
            confirm::announce_quarantine(coordinator, odd).await?;
            confirm::tick(coordinator, now).await?;
            withdraw::tick(coordinator, now).await?;
            Ok(())
        }
        Acceptance::Again => Ok(()),
        Acceptance::Lost(lost) => Err(Denied::Lost(lost)),
        Acceptance::Refused(invalid) => Err(Denied::Report(invalid)),
    })
}

async fn accepted(coordinator: &Coordinator, run_id: RunId) -> Result<()> {
    forget(coordinator, run_id);
    announce_verdict(coordinator, run_id).await
}

/// Gives a lease back: the job waits again, and the attempt does not count.
pub async fn release(coordinator: &Coordinator, voice: Voice<'_>) -> Result<Result<(), Denied>> {
    let mut tx = coordinator.store.begin().await?;
    let state = runs::release(&mut tx, &voice.key(), coordinator.now()).await?;
    tx.commit().await?;
    Ok(match state {
        LeaseState::Held { .. } => {
            clear(coordinator, voice.run_id).await;
            coordinator.queued.notify_waiters();
            Ok(())
        }
        LeaseState::Lost(lost) => Err(Denied::Lost(lost)),
    })
}

/// Forgets what is only known of a run while it goes on.
fn forget(coordinator: &Coordinator, run_id: RunId) {
    coordinator.allowance.forget(run_id);
    coordinator.live.end(run_id);
}

/// Removes what a run has uploaded that nobody will report, and what is remembered of it. Where that fails, files stay behind.
pub(crate) async fn clear(coordinator: &Coordinator, run_id: RunId) {
    forget(coordinator, run_id);
    if let Err(error) = coordinator.blobs.remove(run_id).await {
        tracing::warn!(run = %run_id, %error, "files of a run that was lost stay behind");
    }
}

/// The first file that a report names and that was not uploaded, or not with that content.
async fn missing_file(coordinator: &Coordinator, report: &Report) -> Result<Option<InvalidReport>> {
    for FileRecord { name, sha256, bytes, .. } in &report.files {
        let why = match coordinator.blobs.look(report.run_id, name).await? {
            None => format!("its file `{name}` was not uploaded"),
            Some(blob) if blob.sha256 != *sha256 => {
                format!("the SHA-256 of its file `{name}` is not that of what was uploaded")
            }
            Some(blob) if blob.bytes != *bytes => {
                format!("its file `{name}` has {} bytes as it was uploaded, not {bytes}", blob.bytes)
            }
            Some(_) => continue,
        };
        return Ok(Some(InvalidReport { why }));
    }
    Ok(None)
}

/// Notes that a runner lives; what it offers, it tells with its claims.
async fn heard(tx: &mut Tx, runner: &Runner, now: Timestamp) -> Result<()> {
    Ok(runners::touch(tx, runner.id, &runner.version, &runner.targets, now).await?)
}

/// Tells listeners of the result of a run that was just stored, and runners of a job that has to run again.
///
/// A failure of the farm that is tried again is told to nobody but the log.
pub(crate) async fn announce_verdict(coordinator: &Coordinator, run_id: RunId) -> Result<()> {
    let mut conn = coordinator.store.read().await?;
    let Some(told) = runs::told(&mut conn, run_id).await? else { return Ok(()) };
    let again = told.job_state == JobState::Queued;
    if again {
        coordinator.queued.notify_waiters();
    }
    if again && told.grade == Grade::Error {
        tracing::info!(run = %run_id, reason = %told.reason, detail = told.detail, "the farm failed; it is tried again");
        return Ok(());
    }
    coordinator.events.send(Event::Verdict(VerdictEvent {
        run_id,
        dist: told.dist,
        version: told.version,
        target: told.target,
        grade: told.grade,
        phase: told.phase,
        reason: told.reason,
        sentence: told.reason.sentence_with(&told.detail),
        doubt: told.doubt,
    }));
    Ok(())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
