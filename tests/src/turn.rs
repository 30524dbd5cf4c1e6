//! Turns at the machine: tests that run containers do so two at a time, so that none waits for another past its deadline.

use tokio::sync::{Semaphore, SemaphorePermit};

static TURNS: Semaphore = Semaphore::const_new(2);

/// Waits for a turn, which lasts until what is returned is dropped.
///
/// # Panics
/// Never: nobody closes the semaphore.
pub async fn take() -> SemaphorePermit<'static> {
    TURNS.acquire().await.expect("nobody closes the semaphore")
}
