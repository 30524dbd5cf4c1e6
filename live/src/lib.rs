//! What runs tell while they go on: the coordinator puts it in, the dashboard shows it, and nothing of it outlives its run.
//!
//! It is a view and no record. It lives in the memory of the process that runner and reader both speak to, within bounds: [`MAX_RUN_BYTES`]
//! for a run, [`MAX_BYTES`] in all. A run that ends takes its part with it; so does one of which nothing was heard for longer than its lease.
//! Where the process ends, or another coordinator on the same database has the runner, a page shows what the store knows, as ever.
//!
//! Readers are not sent anything: a [`Follower`] remembers how far it has read, is woken, and reads on. So a slow one costs no memory; it
//! misses what had to make room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{PhaseProgress, Progress, RunId, Timestamp};
use tokio::sync::watch;

mod follower;
mod place;
mod tail;

pub use follower::{Follower, News, Next};
pub use place::Place;
pub use tail::Section;

use tail::Tail;

/// So much of what a run printed last is kept.
pub const MAX_RUN_BYTES: usize = 48 * 1024;
/// So much is kept of all runs together.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Of more runs than these nothing is kept.
const MAX_RUNS: usize = 1_024;
/// A run is heard at most so often.
const AT_MOST_EVERY: Duration = Duration::from_millis(200);
/// So many may follow runs at a time, and so many of them from one address.
const MAX_FOLLOWERS: (usize, usize) = (256, 12);

/// The runs that go on. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<Mutex<Runs>>);

#[derive(Debug, Default)]
struct Runs {
    entries: HashMap<RunId, Entry>,
    /// How many follow, by where they are.
    followers: HashMap<String, usize>,
    is_closed: bool,
}

/// A run that was heard, or that somebody waits for.
#[derive(Debug, Default)]
struct Entry {
    tail: Option<Tail>,
    changed: watch::Sender<()>,
    followers: usize,
}

/// A run as it is known at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its phases so far.
    pub phases: Vec<PhaseProgress>,
    /// What it printed last.
    pub sections: Vec<Section>,
    /// Where that ends.
    pub place: Place,
    /// When it was heard last.
    pub heard_at: Timestamp,
}

/// Why a run cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many do.
    #[error("too many follow runs at this moment")]
    Full,
    /// Too many do from there.
    #[error("too many runs are followed from one address")]
    Greedy,
    /// The process is about to end.
    #[error("the farm is about to stop")]
    Closed,
}

impl Live {
    /// Takes what a run tells; false where it tells too often.
    pub fn push(&self, run: RunId, progress: &Progress, now: Timestamp) -> bool {
        let mut runs = self.lock();
        if runs.is_closed {
            return true;
        }
        let entry = runs.entries.entry(run).or_default();
        if entry.tail.as_ref().is_some_and(|tail| now >= tail.heard_at && now.since(tail.heard_at) < AT_MOST_EVERY) {
            return false;
        }
        entry.tail.get_or_insert_with(|| Tail::new(now)).push(progress, now);
        entry.changed.send_replace(());
        runs.make_room(run);
        true
    }

    /// Notes that a run goes on, though it has nothing to tell.
    pub fn touch(&self, run: RunId, now: Timestamp) {
        if let Some(tail) = self.lock().entries.get_mut(&run).and_then(|entry| entry.tail.as_mut()) {
            tail.heard_at = now;
        }
    }

    /// Forgets a run that is over, and tells those who follow it.
    pub fn end(&self, run: RunId) {
        self.lock().entries.remove(&run);
    }

    /// Forgets the runs of which nothing was heard since `before`.
    pub fn prune(&self, before: Timestamp) {
        self.lock().entries.retain(|_, entry| entry.tail.as_ref().is_none_or(|tail| tail.heard_at >= before));
    }

    /// Ends all following, for good: the process is about to end.
    pub fn close(&self) {
        let mut runs = self.lock();
        runs.is_closed = true;
        runs.entries.clear();
    }

    /// What is known of a run now; none where nothing was heard of it.
    pub fn snapshot(&self, run: RunId) -> Option<Snapshot> {
        let runs = self.lock();
        let tail = runs.entries.get(&run)?.tail.as_ref()?;
        let place = tail.end();
        Some(Snapshot { phases: tail.phases.clone(), sections: tail.since(0), place, heard_at: tail.heard_at })
    }

    /// Follows a run from a place on, or from the beginning of what is kept; `client` is where the follower is.
    ///
    /// A run that was never heard may be followed: it may tell something yet.
    pub fn follow(&self, run: RunId, from: Option<Place>, client: &str) -> Result<Follower, Refused> {
        let mut runs = self.lock();
        if runs.is_closed {
            return Err(Refused::Closed);
        }
        if runs.followers.values().sum::<usize>() >= MAX_FOLLOWERS.0 {
            return Err(Refused::Full);
        }
        let own = runs.followers.entry(client.to_owned()).or_default();
        if *own >= MAX_FOLLOWERS.1 {
            return Err(Refused::Greedy);
        }
        *own += 1;
        let entry = runs.entries.entry(run).or_default();
        entry.followers += 1;
        Ok(Follower::new(self.clone(), (run, client.to_owned()), entry.changed.subscribe(), from))
    }

    fn leave(&self, run: RunId, client: &str) {
        let mut runs = self.lock();
        if let Some(own) = runs.followers.get_mut(client) {
            *own -= 1;
            if *own == 0 {
                runs.followers.remove(client);
            }
        }
        if let Some(entry) = runs.entries.get_mut(&run) {
            // An entry that came after the one that was followed has others.
            entry.followers = entry.followers.saturating_sub(1);
            if entry.followers == 0 && entry.tail.is_none() {
                runs.entries.remove(&run);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runs {
    /// Drops what was heard the longest ago, until what is left keeps within the bounds.
    fn make_room(&mut self, newest: RunId) {
        loop {
            let heard = || self.entries.iter().filter_map(|(run, entry)| Some((*run, entry.tail.as_ref()?)));
            let (count, bytes) = heard().fold((0, 0), |(count, bytes), (_, tail)| (count + 1, bytes + tail.bytes()));
            if count <= MAX_RUNS && bytes <= MAX_BYTES {
                return;
            }
            let oldest = heard().filter(|(run, _)| *run != newest).min_by_key(|(run, tail)| (tail.heard_at, *run));
            let Some((oldest, _)) = oldest else { return };
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
