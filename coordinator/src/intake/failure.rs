//! What could not be taken in: it is written down with its reason, and tried again ever less often.

use std::time::Duration;

use pgxn::Unreadable;
use protocol::{Name, Timestamp, Version};
use store::{Tx, broken};

use super::Found;
use crate::error::sentence;
use crate::{Coordinator, Event, Result};

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
const MAX_UNREADABLE: usize = 200;

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
