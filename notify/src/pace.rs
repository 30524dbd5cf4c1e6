//! How often strangers may have the farm look for a proof: once in a while per distribution, and not for many at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::Timestamp;

const EVERY: Duration = Duration::from_secs(5);
/// So many distributions are looked at in that time.
const MOST: usize = 30;

/// When what was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<BTreeMap<String, Timestamp>>);

impl Pace {
    /// Takes the right to look.
    pub(crate) fn may(&self, dist_key: &str, now: Timestamp) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, at| now.since(*at) < EVERY);
        if last.len() >= MOST || last.contains_key(dist_key) {
            return false;
        }
        last.insert(dist_key.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_looked_for_once_in_a_while_and_few_at_a_time() {
        let (pace, at) = (Pace::default(), Timestamp::from_millis(0));
        assert!(pace.may("pgtap", at) && !pace.may("pgtap", at));
        assert!((1..MOST).all(|number| pace.may(&format!("other{number}"), at)));
        assert!(!pace.may("one more", at));
        assert!(pace.may("pgtap", at.plus(EVERY)));
    }
}
