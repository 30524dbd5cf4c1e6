//! Answers by their addresses, within a bound: what was not asked for longest goes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use protocol::Timestamp;
use tokio::sync::Semaphore;

use super::Renewal;
use super::kept::Kept;

/// All answers together take no more than this: the pages and matrices of some hundred distributions.
const BYTES: usize = 64 * 1024 * 1024;
/// For how long one is given without a look whether it has changed.
const FRESH: Duration = Duration::from_secs(10);
/// For how long one is given while it is made anew, or waits for that.
const PATIENCE: Duration = Duration::from_secs(20);
/// So many are made anew at a time: after a commit all are old, and nobody is to wait for all of them.
const AT_ONCE: usize = 2;

/// An answer, and what was known when it was made.
pub(super) struct Place {
    kept: Arc<Kept>,
    stamp: u64,
    made_at: Timestamp,
    /// Whether somebody makes it anew.
    pub(super) is_renewed: AtomicBool,
}

/// What there is at an address.
pub(super) enum Found {
    /// An answer to give.
    Kept(Arc<Kept>),
    /// One that is too old, and that whoever asked makes anew.
    Old(Renewal),
    /// None.
    Nothing,
}

pub(super) struct Shelf {
    answers: Mutex<Answers>,
    renewals: Arc<Semaphore>,
}

struct Answers {
    places: LruCache<String, Arc<Place>>,
    bytes: usize,
}

impl Default for Shelf {
    fn default() -> Self {
        let answers = Mutex::new(Answers { places: LruCache::unbounded(), bytes: 0 });
        Self { answers, renewals: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Shelf {
    pub(super) fn find(&self, address: &str, stamp: u64, now: Timestamp) -> Found {
        let place = self.answers.lock().unwrap_or_else(PoisonError::into_inner).places.get(address).cloned();
        let Some(place) = place else { return Found::Nothing };
        // A clock that was set back makes nothing last longer.
        let age = if place.made_at > now { PATIENCE } else { now.since(place.made_at) };
        if place.stamp == stamp && age < FRESH {
            return Found::Kept(Arc::clone(&place.kept));
        }
        let meanwhile = || if age < PATIENCE { Found::Kept(Arc::clone(&place.kept)) } else { Found::Nothing };
        let Ok(turn) = Arc::clone(&self.renewals).try_acquire_owned() else { return meanwhile() };
        if place.is_renewed.swap(true, Ordering::AcqRel) {
            return meanwhile();
        }
        Found::Old(Renewal { place, _turn: turn })
    }

    pub(super) fn keep(&self, address: String, kept: Arc<Kept>, stamp: u64, made_at: Timestamp) {
        let weight = kept.weight() + address.len();
        let place = Arc::new(Place { kept, stamp, made_at, is_renewed: AtomicBool::new(false) });
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = &mut *answers;
        answers.bytes += weight;
        if let Some((address, before)) = answers.places.push(address, place) {
            answers.bytes -= before.kept.weight() + address.len();
        }
        while answers.bytes > BYTES {
            let Some((address, gone)) = answers.places.pop_lru() else { break };
            answers.bytes -= gone.kept.weight() + address.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

    fn kept(bytes: usize) -> Arc<Kept> {
        Arc::new(Kept::new(HeaderMap::new(), vec![b'x'; bytes].into()))
    }

    fn word(found: &Found) -> &'static str {
        match found {
            Found::Kept(_) => "kept",
            Found::Old(_) => "old",
            Found::Nothing => "nothing",
        }
    }

    #[test]
    fn an_answer_is_given_until_something_is_written_or_ten_seconds_are_over() {
        let shelf = Shelf::default();
        assert_eq!(word(&shelf.find("/", 1, NOW)), "nothing");
        shelf.keep("/".into(), kept(10), 1, NOW);
        assert_eq!(word(&shelf.find("/", 1, NOW.plus(Duration::from_millis(9_999)))), "kept");
        assert_eq!(word(&shelf.find("/", 2, NOW)), "old");
        assert_eq!(word(&shelf.find("/", 1, NOW.plus(FRESH))), "old");
        assert_eq!(word(&shelf.find("/", 1, NOW.minus(FRESH))), "old", "the clock was set back");
    }

    #[test]
    fn one_makes_an_old_answer_anew_and_the_others_get_the_old_one() {
        let shelf = Shelf::default();
        shelf.keep("/".into(), kept(10), 1, NOW);
        let first = shelf.find("/", 2, NOW);
        assert_eq!((word(&first), word(&shelf.find("/", 2, NOW))), ("old", "kept"));
        assert_eq!(word(&shelf.find("/", 2, NOW.plus(PATIENCE))), "nothing", "nobody waits for it for ever");
        drop(first);
        assert_eq!(word(&shelf.find("/", 2, NOW)), "old", "who gave up makes room for the next");
    }

    #[test]
    fn two_are_made_anew_at_a_time_and_nobody_waits_for_the_others() {
        let shelf = Shelf::default();
        for address in ["/a", "/b", "/c"] {
            shelf.keep(address.into(), kept(10), 1, NOW);
        }
        let going = [shelf.find("/a", 2, NOW), shelf.find("/b", 2, NOW)];
        assert_eq!(going.each_ref().map(word), ["old"; 2]);
        assert_eq!(word(&shelf.find("/c", 2, NOW)), "kept");
        assert_eq!(word(&shelf.find("/c", 2, NOW.plus(PATIENCE))), "nothing");
        drop(going);
        assert_eq!(word(&shelf.find("/c", 2, NOW)), "old");
    }

    #[test]
    fn no_more_is_kept_than_fits_and_the_oldest_goes_first() {
        let shelf = Shelf::default();
        for index in 0..400 {
            shelf.keep(format!("/{index}"), kept(200 * 1024), 1, NOW);
            shelf.keep("/again".into(), kept(200 * 1024), 1, NOW);
        }
        let answers = shelf.answers.lock().unwrap();
        assert!(answers.bytes <= BYTES && answers.places.len() > 50, "{} {}", answers.bytes, answers.places.len());
        let sum: usize = answers.places.iter().map(|(address, place)| place.kept.weight() + address.len()).sum();
        assert_eq!(sum, answers.bytes);
        assert!(!answers.places.contains("/0") && answers.places.contains("/399") && answers.places.contains("/again"));
    }
}
