//! A runner claims its next job.
//!
//! A claim may wait. Whoever puts jobs into the queue rings a bell that every waiting claim hears; a claim listens before it looks, so
//! that no ring is missed between the two. Another coordinator on the same PostgreSQL rings only its own bell: its jobs are found by the
//! next claim, at the latest when the wait ends.
//!
//! A claim whose answer never reaches its runner is said again with the same token, and answered with the lease that it opened. Only where
//! the runner ends meanwhile, a lease is left that nobody knows: it expires, and costs an attempt.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Assignment, ClaimRequest, Lease, RunId, Target, Timestamp};
use store::jobs::{self, Answer, Claim, Claimed};
use store::runners::{self, Runner};
use store::{TokenHash, Tx};
use tokio::time::Instant;

use super::millis;
use crate::config::secret;
use crate::together::Ask;
use crate::{Coordinator, Event, Result};

/// A claim that looks for a job now.
#[derive(Clone)]
pub(crate) struct Look {
    runner: Runner,
    request: Arc<ClaimRequest>,
    token: TokenHash,
}

/// Claims the next job for a runner; waits up to `wait` for one, or until the coordinator ends.
pub async fn claim(
    coordinator: &Coordinator,
    runner: Runner,
    request: ClaimRequest,
    wait: Duration,
) -> Result<Option<Assignment>> {
    let deadline = Instant::now() + wait;
    let token = request.token.clone().unwrap_or_else(secret);
    let look = Look { runner, request: Arc::new(request), token: TokenHash::of(&token) };
    loop {
        // It hears every ring from here on, though nobody listens yet.
        let bell = coordinator.queued.notified();
        match coordinator.claims.ask(coordinator, look.clone()).await? {
            Answer::Job(claimed) => {
                coordinator.events.send(Event::JobClaimed {
                    run_id: claimed.run_id,
                    dist: claimed.release.dist.clone(),
                    version: claimed.release.version.clone(),
                    target: claimed.target,
                    attempt: claimed.attempt,
                });
                return Ok(Some(assignment(coordinator, claimed, token)));
            }
            Answer::Before(claimed) => return Ok(Some(assignment(coordinator, claimed, token))),
            Answer::Over => return Ok(None),
            Answer::Nothing => {}
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

impl Ask for Look {
    type Answer = Answer;

    async fn work(coordinator: &Coordinator, looks: &[Self]) -> Result<Vec<Answer>> {
        let (now, lease) = (coordinator.now(), coordinator.config.lease);
        let claims: Vec<Claim<'_>> = looks.iter().map(|look| look.claim(RunId::new(now), lease)).collect();
        let mut tx = coordinator.store.begin().await?;
        let answers = jobs::claim(&mut tx, &claims, now).await?;
        let mut is_written = answers.iter().any(|answer| matches!(answer, Answer::Job(_)));
        // Last, as every transaction that locks the queue or a run comes to its runners last, and in one order: see `store/src/confirm.rs`.
        let mut told: Vec<&Self> = looks.iter().collect();
        told.sort_by_key(|look| look.runner.id);
        for look in told {
            is_written |= look.tell(&mut tx, now).await?;
        }
        if is_written {
            tx.commit().await?;
        }
        Ok(answers)
    }
}

impl Look {
    fn claim(&self, run_id: RunId, lease: Duration) -> Claim<'_> {
        // Who is away gets nothing, and is told of a lease that it does not know of.
        let targets = if self.request.away.is_some() { &[][..] } else { &self.request.targets };
        let chosen = self.request.token.is_some();
        Claim { runner_id: self.runner.id, targets, run_id, token: &self.token, chosen, lease }
    }

    /// Writes what the runner tells of itself, and says whether there was anything that is not known.
    async fn tell(&self, tx: &mut Tx, now: Timestamp) -> Result<bool> {
        let Self { runner, request, .. } = self;
        let targets: &[Target] = if request.away.is_some() { &runner.targets } else { &request.targets };
        let is_there = runner.told(&request.version, targets, now);
        if !is_there {
            runners::touch(tx, runner.id, &request.version, targets, now).await?;
        }
        let emulates = request.away.is_none() && runner.emulated != request.emulated;
        if emulates {
            runners::emulates(tx, runner.id, &request.emulated).await?;
        }
        let comes_or_goes = runner.absence != request.away;
        if comes_or_goes {
            runners::set_absence(tx, runner.id, request.away).await?;
        }
        Ok(!is_there || emulates || comes_or_goes)
    }
}

fn assignment(coordinator: &Coordinator, claimed: Claimed, token: String) -> Assignment {
    Assignment {
        lease: Lease {
            run_id: claimed.run_id,
            token,
            attempt: claimed.attempt,
            expires_in_ms: millis(claimed.expires_at.since(coordinator.now())),
        },
        job_id: claimed.job_id,
        release: claimed.release,
        target: claimed.target,
        registry: coordinator.source.assigned_url().clone(),
        time_factor: claimed.time_factor,
    }
}
