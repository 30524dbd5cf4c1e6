//! Everything that runs beside a run: containers that start and are removed, leases that are renewed. Nothing else spawns.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// The tasks of a runner; clones share them. A runner is idle when [`Tasks::idle`] returns, and may end then.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    handle: Handle,
}

impl Tasks {
    /// No tasks, on the runtime that this is called in.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new() -> Self {
        let tracker = TaskTracker::new();
        // A closed tracker still takes tasks; it only lets `wait` return as soon as there are none.
        tracker.close();
        Self { tracker, handle: Handle::current() }
    }

    /// Starts a task that ends even where nobody waits for it. Works from `drop`, on whatever thread.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn_on(future, &self.handle)
    }

    /// Waits until no task is left.
    pub async fn idle(&self) {
        self.tracker.wait().await;
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}
