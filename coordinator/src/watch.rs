//! Watches the registry's feed, and loses no release.
//!
//! A poll is conditional on what the last one answered. Each new entry is stored and planned in a transaction that also writes the cursor;
//! the validators that make the next poll conditional are written only after the last entry, so that a coordinator that dies in between
//! sees the same feed again and skips what it has. An entry that cannot be taken in is written down instead, with the time of its next try.
//!
//! A registry that is down or answers garbage changes nothing but its own state in the store. One that gives the feed, and then fails at
//! one META.json after the other, is taken to be down after a few: the rest of the feed waits for the next poll.

use pgxn::{Conditional, Feed, FeedEntry, Registry, Validators};
use protocol::{Name, Timestamp, Version};
use store::registry::{self, Newest, Poll, Watch};
use store::{broken, releases};

use crate::error::sentence;
use crate::intake::{self, Failure, Found, Outage, Trouble, Wanted};
use crate::plan::Why;
use crate::{Coordinator, Error, Event, Result, Tick};

/// After as many META.json in a row that the registry did not give, it is taken to be down.
const PATIENCE: u32 = 3;
/// Releases that are tried again in one step.
const RETRIES: u32 = 20;

/// Looks at the feed once, takes in what is new, and tries again what is due.
///
/// A registry that does not answer is no error: it is written down, and the next step asks again.
pub async fn tick(coordinator: &Coordinator, now: Timestamp) -> Result<Tick> {
    match look(coordinator, now).await {
        Ok(tick) => {
            if coordinator.source.is_news(true) {
                tracing::info!(registry = %coordinator.registry_url(), "the registry answers again");
                coordinator.events.send(Event::RegistryBack);
            }
            Ok(tick)
        }
        Err(Error::Registry(error)) => {
            give_up(coordinator, &error, now).await?;
            Ok(Tick::Idle)
        }
        Err(error) => Err(error),
    }
}

async fn give_up(coordinator: &Coordinator, error: &pgxn::Error, now: Timestamp) -> Result<()> {
    let sentence = sentence(error);
    let mut tx = coordinator.store.begin().await?;
    registry::failed(&mut tx, &coordinator.registry_url(), &sentence, now).await?;
    tx.commit().await?;
    if coordinator.source.is_news(false) {
        tracing::info!(error = sentence, "the registry cannot be read");
        coordinator.events.send(Event::RegistryUnreachable { sentence });
    }
    Ok(())
}

async fn look(coordinator: &Coordinator, now: Timestamp) -> Result<Tick> {
    let registry = coordinator.source.open().await?;
    let mut conn = coordinator.store.read().await?;
    let watch = registry::get(&mut conn, &coordinator.registry_url()).await?;
    drop(conn);
    let mut look = Look::new(coordinator, &registry, watch.as_ref(), now);
    match registry.recent(&look.validators).await? {
        Conditional::Unchanged => look.pass(None).await?,
        Conditional::Changed { value: feed, validators } => look.take_in(&feed, validators).await?,
    }
    look.try_again().await?;
    Ok(if look.worked { Tick::Worked } else { Tick::Idle })
}

/// One look at the feed.
struct Look<'a> {
    coordinator: &'a Coordinator,
    registry: &'a Registry,
    now: Timestamp,
    cursor: String,
    validators: Validators,
    outage: Outage,
    worked: bool,
}

impl<'a> Look<'a> {
    fn new(coordinator: &'a Coordinator, registry: &'a Registry, watch: Option<&Watch>, now: Timestamp) -> Self {
        // Validators of an older program that do not parse only cost one unconditional poll.
        let validators = watch.and_then(|watch| serde_json::from_str(&watch.validators).ok()).unwrap_or_default();
        let cursor = watch.map(|watch| watch.cursor.clone()).unwrap_or_default();
        Self { coordinator, registry, now, cursor, validators, outage: Outage::default(), worked: false }
    }

    /// Writes that the registry answered, with the newest release that it named.
    async fn pass(&self, newest: Option<&Newest>) -> Result<()> {
        let mut tx = self.coordinator.store.begin().await?;
        self.write_poll(&mut tx, newest).await?;
        Ok(tx.commit().await?)
    }

    async fn write_poll(&self, tx: &mut store::Tx, newest: Option<&Newest>) -> Result<()> {
        let validators = serde_json::to_string(&self.validators).expect("two optional texts are always JSON");
        let poll = Poll { cursor: &self.cursor, validators: &validators, newest };
        registry::polled(tx, &self.coordinator.registry_url(), &poll, self.now).await?;
        Ok(())
    }

    /// Takes in every entry that is new, the oldest first, and passes the feed when all were dealt with.
    async fn take_in(&mut self, feed: &Feed, validators: Validators) -> Result<()> {
        let newest = newest(feed);
        for entry in feed.recent.iter().rev() {
            if self.is_news(entry).await? {
                self.take(&entry.dist, &entry.version, 0, newest.as_ref()).await?;
            }
        }
        intake::set_aside(self.coordinator, &feed.unreadable, self.now).await?;
        self.validators = validators;
        self.pass(newest.as_ref()).await
    }

    /// Whether an entry names a release that the store does not have, or has from another day, as one that was replaced.
    async fn is_news(&self, entry: &FeedEntry) -> Result<bool> {
        let mut conn = self.coordinator.store.read().await?;
        if let Some(known) = releases::find(&mut conn, &entry.dist, &entry.version).await? {
            return Ok(entry.date.is_some_and(|date| date != known.release.released_at));
        }
        let broken = broken::of_dist(&mut conn, &entry.dist).await?;
        // What is broken has its own time for the next try.
        Ok(!broken.iter().any(|broken| broken.version == entry.version.as_str()))
    }

    /// Takes one release in, or writes down why not, together with the cursor.
    async fn take(&mut self, dist: &Name, version: &Version, attempts: u32, newest: Option<&Newest>) -> Result<()> {
        let found = intake::fetch(self.registry, dist, version).await;
        self.cursor = format!("{dist} {version}");
        let _turn = self.coordinator.intake.lock().await;
        let mut tx = self.coordinator.store.begin().await?;
        self.write_poll(&mut tx, newest).await?;
        if let Some(failure) = Failure::of(&found, dist, version, attempts) {
            failure.record(&mut tx, self.now).await?;
            tx.commit().await?;
            failure.announce(self.coordinator);
        } else if let Found::Release(candidate) = &found {
            let targets = self.coordinator.targets(self.now);
            let wanted = Wanted { targets: &targets, why: Why::New, config: &self.coordinator.config };
            let stored = intake::store(&mut tx, candidate, wanted, self.now).await?;
            // A known release was only read again because the feed has another day for it.
            broken::mend(&mut tx, dist.as_str(), version.as_str()).await?;
            tx.commit().await?;
            self.worked |= !stored.is_known();
            intake::announce(self.coordinator, candidate, stored);
        }
        self.outage.count(found, PATIENCE)
    }

    /// Tries again what could not be taken in and is due.
    async fn try_again(&mut self) -> Result<()> {
        let mut conn = self.coordinator.store.read().await?;
        let due = broken::due(&mut conn, self.now, RETRIES).await?;
        let nameless = broken::nameless(&mut conn, self.now, RETRIES).await?;
        drop(conn);
        self.put_off(&nameless).await?;
        for broken in due {
            match (broken.dist.parse::<Name>(), broken.version.parse::<Version>()) {
                (Ok(dist), Ok(version)) => self.take(&dist, &version, broken.attempts, None).await?,
                // Written down by an older program.
                _ => self.put_off(std::slice::from_ref(&broken)).await?,
            }
        }
        Ok(())
    }

    /// Entries without a usable name cannot be asked for; only a change of the feed mends them.
    async fn put_off(&self, nameless: &[broken::BrokenRelease]) -> Result<()> {
        if nameless.is_empty() {
            return Ok(());
        }
        let mut tx = self.coordinator.store.begin().await?;
        for broken in nameless {
            let failure = Failure {
                dist: broken.dist.clone(),
                version: broken.version.clone(),
                sentence: broken.reason.clone(),
                trouble: Trouble::Broken,
                attempts: broken.attempts,
            };
            failure.record(&mut tx, self.now).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// The newest release that the feed names, by the registry's own dates.
fn newest(feed: &Feed) -> Option<Newest> {
    let dated = feed.recent.iter().filter_map(|entry| Some((entry.date?, entry)));
    let (released_at, entry) = dated.max_by_key(|(date, _)| *date)?;
    Some(Newest { dist: entry.dist.clone(), version: entry.version.clone(), released_at })
}

#[cfg(test)]
mod tests;
