//! What did not work a moment ago, and is not tried again so soon: documents that are not there, and a registry that does not answer.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use protocol::Timestamp;

use crate::error::Error;

/// For how long what is not there is taken to be not there.
const MISSING_FOR: Duration = Duration::from_secs(30);
/// For how long what failed is not asked for again, and a silent registry not for anything that is kept.
const FAILED_FOR: Duration = Duration::from_secs(10);
/// So many addresses are remembered.
const MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is more than none");

/// What the last request for an address came to, where it did not bring a document.
#[derive(Clone)]
pub(crate) enum Fate {
    /// It is not there.
    Missing,
    /// It could not be had.
    Failed(String),
}

/// The fates of a moment.
pub(crate) struct Recall {
    fates: Mutex<LruCache<String, (Timestamp, Fate)>>,
    silence: Mutex<Option<(Timestamp, String)>>,
}

impl Default for Recall {
    fn default() -> Self {
        Self { fates: Mutex::new(LruCache::new(MAX)), silence: Mutex::new(None) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock that was set back makes nothing last longer.
fn is_recent(at: Timestamp, now: Timestamp, span: Duration) -> bool {
    at <= now && now.since(at) < span
}

impl Recall {
    /// What an address came to just now.
    pub(crate) fn of(&self, address: &str, now: Timestamp) -> Option<Fate> {
        let (at, fate) = locked(&self.fates).get(address).cloned()?;
        let span = if matches!(fate, Fate::Missing) { MISSING_FOR } else { FAILED_FOR };
        is_recent(at, now, span).then_some(fate)
    }

    /// What the whole registry came to just now, where it did not answer.
    pub(crate) fn silence(&self, now: Timestamp) -> Option<String> {
        locked(&self.silence).clone().filter(|(at, _)| is_recent(*at, now, FAILED_FOR)).map(|(_, what)| what)
    }

    /// It is not there.
    pub(crate) fn missed(&self, address: String, now: Timestamp) {
        locked(&self.fates).put(address, (now, Fate::Missing));
    }

    /// It could not be had.
    pub(crate) fn failed(&self, address: String, error: &Error, now: Timestamp) {
        let what = error.to_string();
        if error.is_silence() {
            *locked(&self.silence) = Some((now, what.clone()));
        }
        locked(&self.fates).put(address, (now, Fate::Failed(what)));
    }

    /// It was had.
    pub(crate) fn answered(&self, address: &str) {
        locked(&self.fates).pop(address);
        *locked(&self.silence) = None;
    }
}
