//! What a runner does with a lease: claim a job, renew, upload, report, give back. Races that are accepted: see `store/src/lease.rs`.
//!
//! Claims and reports that come at the same time are written together: see `together.rs`.

use std::time::Duration;

use bytes::Bytes;
use protocol::{InvalidReport, Phase, RunId, Timestamp};
use store::runners::{self, Runner};
use store::runs::{self, LeaseKey, LeaseState, Lost};
use store::{TokenHash, Tx};

use crate::{Coordinator, Event, Result, signing};

mod claim;
mod report;

pub(crate) use claim::Look;
pub use claim::claim;
pub use report::report;
pub(crate) use report::{Seen, announce_verdict};

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

/// Notes that a runner lives; what it offers, it tells with its claims.
async fn heard(tx: &mut Tx, runner: &Runner, now: Timestamp) -> Result<()> {
    if !runner.told(&runner.version, &runner.targets, now) {
        runners::touch(tx, runner.id, &runner.version, &runner.targets, now).await?;
    }
    Ok(())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
