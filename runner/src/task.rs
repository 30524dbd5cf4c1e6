//! Everything that runs beside a run: containers that start and are removed, leases that are renewed. Nothing else spawns.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::claim::{Agent, AgentEvent, Tick};

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

/// Pauses of a worker: after a claim that came back empty at once, and after trouble.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

/// A coordinator that answers faster than this did not wait for a job.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Runs `jobs` workers until `stop` is cancelled, then waits until their containers are gone.
///
/// Trouble is told once, when it begins, and once when it is over; the worker tries again meanwhile.
pub async fn work(agent: Agent, jobs: u16, stop: CancellationToken) {
    let tasks = agent.site.place.tasks.clone();
    let workers: Vec<_> = (0..jobs.max(1)).map(|_| tasks.spawn(worker(agent.clone(), stop.clone()))).collect();
    for worker in workers {
        if let Err(error) = worker.await
            && error.is_panic()
        {
            tracing::error!("a worker of the runner panicked; what it ran was dropped");
        }
    }
    agent.site.idle().await;
}

async fn worker(agent: Agent, stop: CancellationToken) {
    let mut in_trouble = false;
    while !stop.is_cancelled() {
        let began = Instant::now();
        let pause = match agent.tick(&stop).await {
            Ok(tick) => {
                if std::mem::take(&mut in_trouble) {
                    (agent.listener)(AgentEvent::Trouble("all is well again".into()));
                }
                if tick == Tick::Worked || began.elapsed() > AT_ONCE { Duration::ZERO } else { PAUSES.0 }
            }
            Err(trouble) => {
                if !std::mem::replace(&mut in_trouble, true) {
                    (agent.listener)(AgentEvent::Trouble(format!("{trouble}; trying again")));
                }
                PAUSES.1
            }
        };
        tokio::select! {
            () = sleep(pause.mul_f64(rand::random_range(0.75..1.25))) => {}
            () = stop.cancelled() => {}
        }
    }
}
