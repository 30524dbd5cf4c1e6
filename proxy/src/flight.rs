//! One request for a thousand askers: who asks for what is being asked for already waits for that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

/// The documents that are being asked for.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<String, Weak<Lock<()>>>>);

impl Flights {
    /// Waits until nobody else asks for it. Whoever gets here looks first at what the one before brought.
    pub(crate) async fn board(&self, address: &str) -> OwnedMutexGuard<()> {
        self.lock(address).lock_owned().await
    }

    fn lock(&self, address: &str) -> Arc<Lock<()>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = flights.get(address).and_then(Weak::upgrade) {
            return lock;
        }
        if flights.len() >= flights.capacity() {
            flights.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::new(Lock::new(()));
        flights.insert(address.to_owned(), Arc::downgrade(&lock));
        lock
    }
}
