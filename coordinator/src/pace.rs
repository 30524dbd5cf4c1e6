//! How often a runner may call: far more often than any has to, and not so often that the others have to wait.

use std::num::NonZeroU32;

use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use protocol::RunnerId;

/// A runner that has been quiet may call so many seconds' calls at once.
const BURST: u32 = 10;

/// What each runner may still call. Whoever is counted has shown its token, so that there are no more of them than runners.
pub(crate) struct Pace(Option<RateLimiter<RunnerId, HashMapStateStore<RunnerId>, DefaultClock>>);

impl Pace {
    /// So many calls in a second; none for as many as it wants.
    pub(crate) fn of(per_second: Option<NonZeroU32>) -> Self {
        let quota = |rate: NonZeroU32| {
            Quota::per_second(rate).allow_burst(rate.saturating_mul(const { NonZeroU32::new(BURST).unwrap() }))
        };
        Self(per_second.map(|rate| RateLimiter::hashmap(quota(rate))))
    }

    /// Counts a call; false where it was too much.
    pub(crate) fn allows(&self, runner: RunnerId) -> bool {
        self.0.as_ref().is_none_or(|limiter| limiter.check_key(&runner).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;

    use super::*;

    #[test]
    fn a_runner_that_floods_is_stopped_and_others_are_not() {
        let [flood, other] = [1, 2].map(|millis| RunnerId::new(Timestamp::from_millis(millis)));
        let pace = Pace::of(NonZeroU32::new(2));
        assert!((0..20).all(|_| pace.allows(flood)));
        assert!((0..20).any(|_| !pace.allows(flood)));
        assert!(pace.allows(other));
        let free = Pace::of(None);
        assert!((0..100_000).all(|_| free.allows(flood)));
    }
}
