//! Takes one release in: reads its META.json, stores it, and plans it, all of that in one transaction with the cursor that passes it.
//!
//! Whatever is wrong with one release is written down and tried again later; only the registry as a whole can stop the intake.

use std::time::Duration;

use pgxn::{Meta, Registry, Unreadable};
use protocol::{JobId, Name, Phase, Priority, Reason, Release, ReleaseId, RunId, Target, Timestamp, Verdict, Version};
use store::jobs::{self, Planned, Settlement};
use store::releases::{self, Inserted, NewRelease};
use store::{Tx, broken};

use crate::error::sentence;
use crate::events::VerdictEvent;
use crate::plan::{self, Plan, Why};
use crate::{Config, Coordinator, Event, Result};

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

/// How often in a row the registry did not give what was asked for.
///
/// Only a failure that may pass counts: a META.json that it refuses for good, or whose address cannot be made, says nothing of the others.
/// So one distribution cannot make a registry look as if it were down.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outage(u32);

impl Outage {
    /// Counts what was found; fails with the `patience`-th failure in a row.
    pub(crate) fn count(&mut self, found: Found, patience: u32) -> Result<()> {
        match found {
            Found::Failed(error) if error.is_temporary() => {
                self.0 += 1;
                if self.0 >= patience { Err(error.into()) } else { Ok(()) }
            }
            Found::Failed(_) => Ok(()),
            Found::Release(_) | Found::NotThere | Found::Broken(_) => {
                self.0 = 0;
                Ok(())
            }
        }
    }
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

/// Why a release could not be taken in, and hence how soon it is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Its files are not there yet. On the public registry that takes some minutes.
    NotThere,
    /// The registry did not give them.
    Failed,
    /// They are wrong, until somebody replaces them.
    Broken,
}

impl Trouble {
    /// When to try again after `attempts` earlier tries: the wait doubles from one limit to the other.
    pub(crate) fn next_try(self, attempts: u32, now: Timestamp) -> Timestamp {
        let (first, last) = match self {
            Self::NotThere => (Duration::from_mins(1), Duration::from_hours(6)),
            Self::Failed => (Duration::from_mins(2), Duration::from_hours(1)),
            Self::Broken => (Duration::from_hours(1), Duration::from_hours(24)),
        };
        now.plus(first.saturating_mul(2_u32.saturating_pow(attempts)).min(last))
    }
}

/// What cannot be taken in, under the names that the registry announced.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) dist: String,
    pub(crate) version: String,
    pub(crate) sentence: String,
    pub(crate) trouble: Trouble,
    /// How often it was tried before.
    pub(crate) attempts: u32,
}

impl Failure {
    /// The failure that a look at a META.json came to; none where it is a release.
    pub(crate) fn of(found: &Found, dist: &Name, version: &Version, attempts: u32) -> Option<Self> {
        let (sentence, trouble) = match found {
            Found::Release(_) => return None,
            Found::NotThere => {
                ("the registry announces it, but does not have its META.json yet".into(), Trouble::NotThere)
            }
            Found::Broken(sentence) => (sentence.clone(), Trouble::Broken),
            Found::Failed(error) => (sentence(error), Trouble::Failed),
        };
        Some(Self { dist: dist.to_string(), version: version.to_string(), sentence, trouble, attempts })
    }

    /// The failure that an entry of a list is which is not even a name and a version.
    fn of_entry(entry: &Unreadable) -> Self {
        Self {
            dist: entry.dist.clone().unwrap_or_else(|| entry.excerpt.clone()),
            version: entry.version.clone().unwrap_or_default(),
            sentence: format!("`{}` has an entry that cannot be read: {}", entry.url, entry.why),
            trouble: Trouble::Broken,
            attempts: 0,
        }
    }

    /// Writes it down with the time of the next try.
    pub(crate) async fn record(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let breakage = broken::Breakage {
            dist: &self.dist,
            version: &self.version,
            reason: &self.sentence,
            next_try_at: self.trouble.next_try(self.attempts, now),
        };
        broken::record(tx, &breakage, now).await?;
        Ok(())
    }

    /// Tells listeners, the first time.
    pub(crate) fn announce(self, coordinator: &Coordinator) {
        if self.attempts == 0 {
            let Self { dist, version, sentence, .. } = self;
            coordinator.events.send(Event::ReleaseBroken { dist, version, sentence });
        }
    }
}

/// Entries without a usable name or version that are written down at a time; a registry with more has another problem.
pub(crate) const MAX_UNREADABLE: usize = 200;

/// Writes down entries of a list that cannot be read, in one transaction, and returns how many.
pub(crate) async fn set_aside(coordinator: &Coordinator, entries: &[Unreadable], now: Timestamp) -> Result<usize> {
    let entries = &entries[..entries.len().min(MAX_UNREADABLE)];
    if entries.is_empty() {
        return Ok(0);
    }
    let mut tx = coordinator.store.begin().await?;
    for entry in entries {
        let failure = Failure::of_entry(entry);
        failure.record(&mut tx, now).await?;
        tracing::debug!(dist = failure.dist, version = failure.version, why = failure.sentence, "unreadable entry");
    }
    tx.commit().await?;
    tracing::warn!(entries = entries.len(), "the registry lists what cannot be read");
    Ok(entries.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_is_not_there_is_tried_again_soon_and_ever_less_often() {
        let now = Timestamp::from_millis(0);
        let waits = |trouble: Trouble| {
            [0, 1, 2, 20, u32::MAX].map(|attempts| trouble.next_try(attempts, now).since(now).as_secs() / 60)
        };
        assert_eq!(waits(Trouble::NotThere), [1, 2, 4, 360, 360]);
        assert_eq!(waits(Trouble::Failed), [2, 4, 8, 60, 60]);
        assert_eq!(waits(Trouble::Broken), [60, 120, 240, 1_440, 1_440]);
    }
}
