//! Everything that runs beside a run: containers that start and are removed, images that are made, workers. Nothing else spawns.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::claim::{Agent, AgentEvent, Tick, WAIT};
use crate::error::{Error, Result};

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

/// Until images that could not be made are tried again: at first, doubled each time up to the second.
const REBUILDS: (Duration, Duration) = (Duration::from_mins(10), Duration::from_hours(6));

/// Makes the images, runs `jobs` workers as soon as the first is there, until `stop` is cancelled, and waits until their containers are gone.
///
/// Trouble is told once, when it begins, and once when it is over; the worker tries again meanwhile. Where no image could be made at all,
/// that is an error, and the end.
pub async fn work(agent: Agent, jobs: u16, stop: CancellationToken) -> Result<()> {
    let tasks = agent.site.place.tasks.clone();
    let mut parts = vec![tasks.spawn(supply(agent.clone(), stop.clone()))];
    parts.extend((0..jobs.max(1)).map(|_| tasks.spawn(worker(agent.clone(), stop.clone()))));
    for part in parts {
        if let Err(error) = part.await
            && error.is_panic()
        {
            tracing::error!("a part of the runner panicked; what it did was dropped");
        }
    }
    agent.site.idle().await;
    if agent.offer.is_hopeless() { Err(Error::NoImage) } else { Ok(()) }
}

/// Makes images until all are there, or there is no hope of any.
async fn supply(agent: Agent, stop: CancellationToken) {
    let mut pause = REBUILDS.0;
    let complete = async {
        while !agent.prepare().await && !agent.offer.is_hopeless() {
            sleep(pause).await;
            pause = (pause * 2).min(REBUILDS.1);
        }
    };
    tokio::select! {
        () = complete => {}
        // An image that is half made is given up with the future; the engine keeps the steps that are done.
        () = stop.cancelled() => {}
    }
}

async fn worker(agent: Agent, stop: CancellationToken) {
    let offered = tokio::select! {
        offered = agent.offer.begins() => offered,
        () = stop.cancelled() => false,
    };
    let mut in_trouble = false;
    while offered && !stop.is_cancelled() {
        let began = Instant::now();
        // While there is trouble, nobody is kept waiting for the word that it is over.
        let wait = if in_trouble { Duration::ZERO } else { WAIT };
        let pause = match agent.tick(wait, &stop).await {
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
