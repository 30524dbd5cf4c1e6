//! What was made lately and may be asked for again, within a bound of bytes rather than of numbers.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

/// Things by their keys. What was not asked for the longest goes first.
pub(crate) struct Kept<K: Hash + Eq, V>(Mutex<Inner<K, V>>);

struct Inner<K: Hash + Eq, V> {
    things: LruCache<K, (usize, Arc<V>)>,
    bytes: usize,
    most: usize,
}

impl<K: Hash + Eq, V> Kept<K, V> {
    /// Keeps so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self(Mutex::new(Inner { things: LruCache::unbounded(), bytes: 0, most }))
    }

    /// A thing that is kept.
    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.things.get(key).map(|(_, thing)| Arc::clone(thing))
    }

    /// Keeps a thing of so many bytes; what takes more than a quarter of all is not kept.
    pub(crate) fn put(&self, key: K, thing: Arc<V>, bytes: usize) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > inner.most / 4 {
            return;
        }
        inner.bytes += bytes;
        if let Some((_, (replaced, _))) = inner.things.push(key, (bytes, thing)) {
            inner.bytes -= replaced;
        }
        while inner.bytes > inner.most {
            let Some((_, (bytes, _))) = inner.things.pop_lru() else { break };
            inner.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_there_is_room_for_and_the_oldest_goes_first() {
        let kept = Kept::new(100);
        for key in 0..6 {
            kept.put(key, Arc::new(key), 20);
            // What is asked for stays.
            assert!(kept.get(&0).is_some());
        }
        let left: Vec<_> = (0..6).filter(|key| kept.get(key).is_some()).collect();
        assert_eq!(left, [0, 2, 3, 4, 5]);
        kept.put(7, Arc::new(7), 26);
        assert!(kept.get(&7).is_none());
        for _ in 0..20 {
            kept.put(5, Arc::new(5), 20);
        }
        assert!(kept.get(&0).is_some(), "what takes the place of another is counted once");
    }
}
