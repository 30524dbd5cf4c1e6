//! A bucket for each client, and no more of them than fit: who was not heard of for longest is forgotten, which is in nobody's way.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use lru::LruCache;
use protocol::Clock;

use crate::client::Client;

/// So many clients are known at a time: a few megabytes.
const CLIENTS: NonZeroUsize = NonZeroUsize::new(32_768).expect("it is more than none");
/// A bucket that was emptied is full again after this time.
const REFILL: Duration = Duration::from_mins(1);

type Bucket = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// The farm's clock as the buckets read it.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now().as_millis()).unwrap_or(0))
    }
}

/// The buckets of all clients.
pub(super) struct Buckets {
    quota: Quota,
    ticks: Ticks,
    clients: Mutex<LruCache<Client, Bucket>>,
}

impl Buckets {
    /// Full buckets, for so many in a minute.
    pub(super) fn new(per_minute: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        Self::of(CLIENTS, per_minute, clock)
    }

    fn of(clients: NonZeroUsize, per_minute: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let clients = Mutex::new(LruCache::new(clients));
        Self { quota: Quota::per_minute(per_minute), ticks: Ticks(clock), clients }
    }

    /// Takes one out of a client's bucket, or says how long until there is one.
    pub(super) fn take(&self, client: Client) -> Result<(), Duration> {
        use governor::clock::Clock as _;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = clients.get_or_insert(client, || self.bucket());
        let Err(until) = bucket.check() else { return Ok(()) };
        let wait = until.wait_time_from(self.ticks.now());
        if wait <= REFILL {
            return Err(wait);
        }
        // No bucket takes longer to fill: the clock was set back, which is not the client's fault.
        clients.put(client, self.bucket());
        Ok(())
    }

    fn bucket(&self) -> Bucket {
        RateLimiter::direct_with_clock(self.quota, self.ticks.clone())
    }
}

#[cfg(test)]
mod tests {
    use protocol::{ManualClock, Timestamp};

    use super::*;

    fn client(last: u8) -> Client {
        Client::of([192, 0, 2, last].into())
    }

    fn buckets(clients: usize, per_minute: u32) -> (Buckets, ManualClock) {
        let clock = ManualClock::at(Timestamp::from_millis(1_795_212_000_000));
        let sizes = (clients.try_into().unwrap(), per_minute.try_into().unwrap());
        (Buckets::of(sizes.0, sizes.1, Arc::new(clock.clone())), clock)
    }

    #[test]
    fn a_client_that_took_all_waits_and_others_do_not() {
        let (buckets, clock) = buckets(8, 6);
        assert!((0..6).all(|_| buckets.take(client(1)).is_ok()));
        assert_eq!(buckets.take(client(1)), Err(Duration::from_secs(10)));
        assert_eq!(buckets.take(client(2)), Ok(()));
        clock.advance(Duration::from_secs(9));
        assert_eq!(buckets.take(client(1)), Err(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(buckets.take(client(1)), Ok(()));
        clock.advance(Duration::from_mins(5));
        assert_eq!((0..9).filter(|_| buckets.take(client(1)).is_ok()).count(), 6, "no more than fits is saved up");
    }

    #[test]
    fn no_more_clients_are_remembered_than_fit() {
        let (buckets, _) = buckets(4, 1);
        for last in 0..=u8::MAX {
            assert_eq!(buckets.take(client(last)), Ok(()));
        }
        assert_eq!(buckets.clients.lock().unwrap().len(), 4);
        assert!(buckets.take(client(255)).is_err() && buckets.take(client(0)).is_ok());
    }

    /// A clock that a test sets.
    struct Set(Arc<Mutex<Timestamp>>);
    impl Clock for Set {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let clock = Arc::new(Mutex::new(Timestamp::from_millis(1_795_212_000_000)));
        let one = NonZeroU32::MIN;
        let buckets = Buckets::of(NonZeroUsize::MIN, one, Arc::new(Set(Arc::clone(&clock))));
        let later = Timestamp::from_millis(1_795_212_000_000).plus(Duration::from_hours(2));
        *clock.lock().unwrap() = later;
        assert!(buckets.take(client(1)).is_ok() && buckets.take(client(1)).is_err());
        *clock.lock().unwrap() = later.minus(Duration::from_hours(1));
        assert_eq!(buckets.take(client(1)), Ok(()));
    }
}
