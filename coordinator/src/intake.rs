//! Takes one release in: reads its META.json, stores it, and plans it, all of that in one transaction with the cursor that passes it.
//!
//! Whatever is wrong with one release is written down and tried again later; only the registry as a whole can stop the intake.

use pgxn::{Meta, Registry};
use protocol::{JobId, Name, Phase, Priority, Reason, Release, ReleaseId, RunId, Target, Timestamp, Verdict, Version};
use store::Tx;
use store::jobs::{self, Planned, Settlement};
use store::releases::{self, Inserted, NewRelease};

use crate::error::sentence;
use crate::events::VerdictEvent;
use crate::plan::{self, Plan, Why};
use crate::{Config, Coordinator, Event, Result};

mod failure;

pub(crate) use failure::{Failure, Outage, Trouble, set_aside};

/// A release's META.json, or why there is none to plan by.
pub(crate) enum Found {
    /// It says what is needed.
    Release(Box<Candidate>),
    /// It is not there yet: a registry writes the files of a release one after the other.
    NotThere,
    /// It is there, and it cannot be used.
    Broken(String),
    /// The registry did not give it.
    Failed(pgxn::Error),
}

/// A release that can be stored.
pub(crate) struct Candidate {
    pub(crate) release: Release,
    pub(crate) meta: Meta,
}

/// Asks the registry for the META.json of a release.
pub(crate) async fn fetch(registry: &Registry, dist: &Name, version: &Version) -> Found {
    match registry.meta(dist, version).await {
        Ok(Some(meta)) => match meta.release() {
            Ok(release) => Found::Release(Box::new(Candidate { release, meta })),
            Err(error) => Found::Broken(sentence(&error)),
        },
        Ok(None) => Found::NotThere,
        Err(
            error @ (pgxn::Error::NotJson { .. }
            | pgxn::Error::Shape { .. }
            | pgxn::Error::Meta { .. }
            | pgxn::Error::TooLarge { .. }),
        ) => Found::Broken(sentence(&error)),
        Err(error) => Found::Failed(error),
    }
}

/// Whether and why a release is tested.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// On what; empty for a release that is only recorded.
    pub(crate) targets: &'a [Target],
    pub(crate) why: Why,
    pub(crate) config: &'a Config,
}

/// What storing a release brought; the events are sent after the commit.
pub(crate) struct Stored {
    pub(crate) inserted: Inserted,
    pub(crate) queued: usize,
    verdicts: Vec<VerdictEvent>,
}

impl Stored {
    /// Whether the store had it before.
    pub(crate) const fn is_known(&self) -> bool {
        matches!(self.inserted, Inserted::Known(_))
    }
}

/// Stores a release and plans it as wanted. Of one that is known only targets that it has no job for are planned, so that what an
/// operator withdrew stays withdrawn.
pub(crate) async fn store(tx: &mut Tx, found: &Candidate, wanted: Wanted<'_>, now: Timestamp) -> Result<Stored> {
    let new = NewRelease {
        release: &found.release,
        summary: found.meta.summary.as_deref().unwrap_or_default(),
        meta: found.meta.source(),
    };
    let inserted = releases::insert(tx, ReleaseId::new(now), &new, now).await?;
    plan_jobs(tx, found, inserted, wanted, now).await
}

/// Plans the jobs of a release that is stored.
pub(crate) async fn plan_jobs(
    tx: &mut Tx,
    found: &Candidate,
    inserted: Inserted,
    wanted: Wanted<'_>,
    now: Timestamp,
) -> Result<Stored> {
    let mut targets = wanted.targets.to_vec();
    if matches!(inserted, Inserted::Known(_)) && !targets.is_empty() {
        let jobs = jobs::of_release(tx, inserted.id()).await?;
        targets.retain(|target| !jobs.iter().any(|job| job.target == *target));
    }
    let mut stored = Stored { inserted, queued: 0, verdicts: Vec::new() };
    for plan in plan::plan(&found.meta, wanted.why, &targets, &wanted.config.overrides) {
        stored.carry_out(tx, &found.release, plan, &Terms { max_attempts: wanted.config.max_attempts, now }).await?;
    }
    if stored.queued > 0 && plan::priority(found.release.status, wanted.why) == Priority::NewRelease {
        coalesce(tx, &found.release.dist).await?;
    }
    Ok(stored)
}

/// What is the same for every job of a release.
struct Terms {
    max_attempts: u32,
    now: Timestamp,
}

impl Stored {
    async fn carry_out(&mut self, tx: &mut Tx, release: &Release, plan: Plan, terms: &Terms) -> Result<()> {
        match plan {
            Plan::Queue { target, priority } => {
                let job = self.job(release, (target, priority), terms);
                let planned = jobs::plan(tx, JobId::new(terms.now), &job, terms.now).await?;
                self.queued += usize::from(is_change(planned));
                Ok(())
            }
            Plan::NotApplicable { target, detail } => {
                let verdict = Verdict::new(Phase::Metadata, Reason::PostgresUnsupported).with_detail(detail);
                self.settle(tx, release, (target, &verdict), terms).await
            }
            Plan::Skip { target, detail } => {
                let verdict = Verdict::new(Phase::Metadata, Reason::Skipped).with_detail(detail);
                self.settle(tx, release, (target, &verdict), terms).await
            }
        }
    }

    /// Gives a target its verdict without a run.
    async fn settle(
        &mut self,
        tx: &mut Tx,
        release: &Release,
        (target, verdict): (Target, &Verdict),
        terms: &Terms,
    ) -> Result<()> {
        let settlement = Settlement { result_id: RunId::new(terms.now), verdict };
        let job = self.job(release, (target, Priority::Backfill), terms);
        let planned = jobs::settle(tx, JobId::new(terms.now), &job, &settlement, terms.now).await?;
        if is_change(planned) {
            self.verdicts.push(event(release, target, &settlement));
        }
        Ok(())
    }

    fn job<'a>(&self, release: &'a Release, (target, priority): (Target, Priority), terms: &Terms) -> jobs::Plan<'a> {
        jobs::Plan {
            release_id: self.inserted.id(),
            target,
            priority,
            owner: &release.user,
            max_attempts: terms.max_attempts,
        }
    }
}

const fn is_change(planned: Planned) -> bool {
    matches!(planned, Planned::New(_) | Planned::Requeued(_))
}

fn event(release: &Release, target: Target, settlement: &Settlement<'_>) -> VerdictEvent {
    let verdict = settlement.verdict;
    VerdictEvent {
        run_id: settlement.result_id,
        dist: release.dist.clone(),
        version: release.version.clone(),
        target,
        grade: verdict.grade(),
        phase: verdict.phase,
        reason: verdict.reason,
        sentence: verdict.reason.sentence_with(&verdict.detail),
        doubt: None,
    }
}

/// Of a burst of releases only the highest stays urgent.
async fn coalesce(tx: &mut Tx, dist: &Name) -> Result<()> {
    let waiting = jobs::releases_waiting(tx, dist, Priority::NewRelease).await?;
    for release in plan::demoted(&waiting) {
        jobs::reprioritize(tx, *release, Priority::NewRelease, Priority::Backfill).await?;
    }
    Ok(())
}

/// Tells runners and listeners of what was stored and committed. A release that is only recorded is told to nobody: there are thousands.
pub(crate) fn announce(coordinator: &Coordinator, found: &Candidate, stored: Stored) {
    if !stored.is_known() && (stored.queued > 0 || !stored.verdicts.is_empty()) {
        let release = &found.release;
        coordinator.events.send(Event::ReleaseSeen {
            dist: release.dist.clone(),
            version: release.version.clone(),
            status: release.status,
            jobs: stored.queued,
        });
    }
    for verdict in stored.verdicts {
        coordinator.events.send(Event::Verdict(verdict));
    }
    if stored.queued > 0 {
        coordinator.queued.notify_waiters();
    }
}
