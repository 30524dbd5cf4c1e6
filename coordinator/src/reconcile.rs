//! Compares the whole registry with the store: what the feed never showed, and archives that were replaced.
//!
//! Every release that the store lacks is recorded. Of each distribution the newest stable release (where there is none, the newest) is
//! planned as backfill, and its META.json is read again even if it is known, as only its SHA-1 tells that its archive was replaced. Older
//! releases are recorded without jobs; an operator may ask for them.
//!
//! A sweep stores each release as it comes, so one that was interrupted goes on where it stopped: what is stored is not fetched again. It
//! holds names, versions and dates of the whole registry in memory, a few hundred bytes each, and a few META.json at a time. What could not
//! be read before is left out until it is due again: the watch tries it then, so that a sweep is not held up by what stays broken.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use futures_util::{StreamExt, stream};
use pgxn::{Census, Listed, Registry};
use protocol::{Name, Status, Target, Timestamp, Version};
use serde::{Deserialize, Serialize};
use store::releases::Inserted;
use store::{broken, registry, releases};

use crate::error::sentence;
use crate::intake::{self, Failure, Found, Outage, Wanted};
use crate::plan::Why;
use crate::{Coordinator, Event, Result};

mod desk;

pub(crate) use desk::Desk;
pub use desk::{Progress, SweepState};

/// After as many META.json in a row that the registry did not give, the sweep ends; the next one goes on.
const PATIENCE: u32 = 5;
/// Documents that could not be had and are told of in one sweep; a registry with more has another problem.
const MAX_UNREAD: usize = 200;

/// What a comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    /// Releases that the registry lists.
    pub listed: u64,
    /// Releases that the store lacked.
    pub added: u64,
    /// Archives that had been replaced.
    pub replaced: u64,
    /// Jobs that were queued.
    pub queued: u64,
    /// Releases and entries that could not be read; they are kept, and tried again.
    pub broken: u64,
    /// Documents of the registry that could not be had; what they list is missing from this comparison.
    pub unread: u64,
    /// Whether the registry has a way to list everything, and all of it was read.
    pub complete: bool,
}

/// Compares the whole registry with the store, and takes in what is missing. Fails where the registry is down.
pub async fn sweep(coordinator: &Coordinator, now: Timestamp) -> Result<Counts> {
    let registry = coordinator.source.open().await?;
    let mut census = registry.all_releases().await?;
    let mut conn = coordinator.store.read().await?;
    let known: HashSet<(Name, Version)> =
        releases::all(&mut conn).await?.into_iter().map(|(dist, version, _)| (dist, version)).collect();
    let put_off = broken::put_off(&mut conn, now).await?;
    drop(conn);
    let mut sweep = Sweep::new(coordinator, &registry, &census, now);
    sweep.set_aside(&census).await?;
    let (newest, older) = split(std::mem::take(&mut census.releases), &known);
    let targets = coordinator.targets(now);
    let (newest, older) = (sweep.leave_out(newest, &put_off), sweep.leave_out(older, &put_off));
    sweep.take_in(newest, &targets).await?;
    sweep.take_in(older, &[]).await?;
    let mut tx = coordinator.store.begin().await?;
    registry::reconciled(&mut tx, &coordinator.registry_url(), now).await?;
    tx.commit().await?;
    tracing::info!(counts = ?sweep.counts, "compared the whole registry with the store");
    coordinator.events.send(Event::Reconciled(sweep.counts));
    Ok(sweep.counts)
}

/// A release to read, and whether the store has its version.
struct Task {
    dist: Name,
    version: Version,
    known: bool,
}

/// The newest release of each distribution, the latest first, and those of the rest that are not known.
fn split(listed: Vec<Listed>, known: &HashSet<(Name, Version)>) -> (Vec<Task>, Vec<Task>) {
    let mut dists: BTreeMap<Name, Vec<Listed>> = BTreeMap::new();
    for release in listed {
        dists.entry(release.dist.clone()).or_default().push(release);
    }
    let (mut newest, mut older) = (Vec::new(), Vec::new());
    for mut releases in dists.into_values() {
        // A status that the lists do not tell stands in META.json only; most releases are stable.
        let is_stable = |release: &Listed| release.status.is_none_or(|status| status == Status::Stable);
        releases.sort_by_key(|release| Reverse((is_stable(release), release.version.clone())));
        let mut releases = releases.into_iter();
        newest.extend(releases.next());
        older.extend(releases);
    }
    newest.sort_by_key(|release| Reverse(release.date));
    let task = |release: Listed| {
        let key = (release.dist, release.version);
        let known = known.contains(&key);
        Task { dist: key.0, version: key.1, known }
    };
    (newest.into_iter().map(task).collect(), older.into_iter().map(task).filter(|task| !task.known).collect())
}

struct Sweep<'a> {
    coordinator: &'a Coordinator,
    registry: &'a Registry,
    now: Timestamp,
    counts: Counts,
    outage: Outage,
}

impl<'a> Sweep<'a> {
    fn new(coordinator: &'a Coordinator, registry: &'a Registry, census: &Census, now: Timestamp) -> Self {
        let counts = Counts {
            listed: census.releases.len() as u64,
            unread: census.unread.len() as u64,
            complete: census.complete,
            ..Counts::default()
        };
        Self { coordinator, registry, now, counts, outage: Outage::default() }
    }

    /// Writes down what is no release, or not a readable one.
    async fn set_aside(&mut self, census: &Census) -> Result<()> {
        for error in census.unread.iter().take(MAX_UNREAD) {
            tracing::warn!(error = sentence(error), "a document of the registry could not be read");
        }
        self.counts.broken += intake::set_aside(self.coordinator, &census.unreadable, self.now).await? as u64;
        Ok(())
    }

    /// Leaves out what could not be read before and has its own time for the next try; it is still broken.
    fn leave_out(&mut self, mut tasks: Vec<Task>, put_off: &HashSet<(String, String)>) -> Vec<Task> {
        let before = tasks.len();
        tasks.retain(|task| !put_off.contains(&(task.dist.key(), task.version.to_string())));
        self.counts.broken += (before - tasks.len()) as u64;
        tasks
    }

    /// Reads a few META.json at a time, and stores one after the other.
    async fn take_in(&mut self, tasks: Vec<Task>, targets: &[Target]) -> Result<()> {
        let registry = self.registry;
        let fetches = stream::iter(tasks).map(|task| async move {
            let found = intake::fetch(registry, &task.dist, &task.version).await;
            (task, found)
        });
        let mut fetches = std::pin::pin!(fetches.buffered(self.coordinator.config.client.concurrency.max(1)));
        while let Some((task, found)) = fetches.next().await {
            self.take(&task, &found, targets).await?;
            self.outage.count(found, PATIENCE)?;
        }
        Ok(())
    }

    async fn take(&mut self, task: &Task, found: &Found, targets: &[Target]) -> Result<()> {
        let Found::Release(candidate) = found else { return self.fail(task, found).await };
        let _turn = self.coordinator.intake.lock().await;
        // A version that is known and comes with another archive is news to everybody who uses it.
        let why = if task.known { Why::New } else { Why::Backfill };
        let config = &self.coordinator.config;
        let mut tx = self.coordinator.store.begin().await?;
        let wanted = Wanted { targets: &[], why, config };
        let recorded = intake::store(&mut tx, candidate, wanted, self.now).await?;
        let why = if recorded.is_known() { Why::Backfill } else { why };
        let wanted = Wanted { targets, why, config };
        let stored = intake::plan_jobs(&mut tx, candidate, recorded.inserted, wanted, self.now).await?;
        tx.commit().await?;
        match stored.inserted {
            Inserted::New(_) | Inserted::Restored(_) if task.known => self.counts.replaced += 1,
            Inserted::New(_) | Inserted::Restored(_) => self.counts.added += 1,
            Inserted::Known(_) => {}
        }
        self.counts.queued += stored.queued as u64;
        intake::announce(self.coordinator, candidate, stored);
        Ok(())
    }

    /// Writes down why a release that the store lacks could not be read. One that it has stays as it is.
    async fn fail(&mut self, task: &Task, found: &Found) -> Result<()> {
        if task.known {
            return Ok(());
        }
        let mut conn = self.coordinator.store.read().await?;
        let broken = broken::of_dist(&mut conn, &task.dist).await?;
        drop(conn);
        let before = broken.iter().find(|broken| broken.version == task.version.as_str());
        let attempts = before.map_or(0, |broken| broken.attempts);
        let Some(failure) = Failure::of(found, &task.dist, &task.version, attempts) else { return Ok(()) };
        let mut tx = self.coordinator.store.begin().await?;
        failure.record(&mut tx, self.now).await?;
        tx.commit().await?;
        self.counts.broken += 1;
        failure.announce(self.coordinator);
        Ok(())
    }
}

#[cfg(test)]
mod split_tests {
    use super::*;

    fn listed(dist: &str, version: &str, status: Option<Status>, day: i64) -> Listed {
        Listed {
            dist: dist.parse().unwrap(),
            version: version.parse().unwrap(),
            status,
            date: Some(Timestamp::from_millis(day)),
            user: None,
        }
    }

    fn names(tasks: &[Task]) -> Vec<String> {
        tasks.iter().map(|task| format!("{} {}", task.dist, task.version)).collect()
    }

    #[test]
    fn of_each_distribution_the_newest_stable_release_comes_first() {
        let releases = vec![
            listed("a", "1.0.0", Some(Status::Stable), 1),
            listed("a", "1.10.0", Some(Status::Stable), 2),
            listed("a", "2.0.0", Some(Status::Testing), 3),
            listed("B", "0.1.0", Some(Status::Unstable), 4),
            listed("b", "0.2.0", Some(Status::Testing), 5),
            listed("c", "1.0.0", None, 6),
        ];
        let known = HashSet::from([("A".parse().unwrap(), "1.10.0".parse().unwrap())]);
        let (newest, older) = split(releases, &known);
        assert_eq!(names(&newest), ["c 1.0.0", "b 0.2.0", "a 1.10.0"]);
        assert_eq!(newest.iter().map(|task| task.known).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(names(&older), ["a 1.0.0", "a 2.0.0", "B 0.1.0"]);
    }
}

#[cfg(test)]
mod tests;
