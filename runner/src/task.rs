//! Everything that runs beside a run: containers that start and are removed, images that are made, workers. Nothing else spawns.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::claim::{Agent, AgentEvent, Backoff, Tick, WAIT};
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

/// A claim that came back empty at once is said again after so long.
const PAUSE: Duration = Duration::from_secs(2);

/// A coordinator that answers faster than this did not wait for a job.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Until images that could not be made are tried again: at first, doubled each time up to the second.
const REBUILDS: (Duration, Duration) = (Duration::from_mins(10), Duration::from_hours(6));

/// Makes the images, runs `jobs` workers as soon as the first is there, until `stop` is cancelled or the volunteer lets the runner drain, and waits
/// until their containers are gone.
///
/// Trouble is told once, when it begins, and once when it is over; the workers try again meanwhile. Where no image could be made at all,
/// that is an error, and the end.
pub async fn work(agent: Agent, jobs: u16, stop: CancellationToken) -> Result<()> {
    let tasks = agent.site.place.tasks.clone();
    agent.look_around();
    agent.write_status();
    let beside = stop.child_token();
    let watching = (agent.clone(), beside.clone());
    let mut others = vec![tasks.spawn(supply(agent.clone(), beside.clone()))];
    others.push(tasks.spawn(async move { watching.0.keep_watch(&watching.1).await }));
    let workers: Vec<_> = (0..jobs.max(1)).map(|_| tasks.spawn(worker(agent.clone(), stop.clone()))).collect();
    ended(workers).await;
    beside.cancel();
    ended(others).await;
    agent.site.idle().await;
    agent.forget_status();
    if agent.offer.is_hopeless() { Err(Error::NoImage) } else { Ok(()) }
}

async fn ended(parts: Vec<JoinHandle<()>>) {
    for part in parts {
        if let Err(error) = part.await
            && error.is_panic()
        {
            tracing::error!("a part of the runner panicked; what it did was dropped");
        }
    }
}

/// Makes images until all are there, or there is no hope of any; then anew, when the coordinator says so.
async fn supply(agent: Agent, stop: CancellationToken) {
    let mut pause = REBUILDS.0;
    let complete = async {
        while !agent.prepare().await && !agent.offer.is_hopeless() {
            sleep(pause).await;
            pause = (pause * 2).min(REBUILDS.1);
        }
    };
    tokio::select! {
        () = async { complete.await; agent.keep_images_young().await } => {}
        // An image that is half made is given up with the future; the engine keeps the steps that are done.
        () = stop.cancelled() => {}
    }
}

async fn worker(agent: Agent, stop: CancellationToken) {
    let offered = tokio::select! {
        offered = agent.offer.begins() => offered,
        () = agent.gate.to_drain() => false,
        () = stop.cancelled() => false,
    };
    let mut backoff = Backoff::default();
    while offered && !stop.is_cancelled() {
        let open = tokio::select! {
            open = agent.gate.opens() => open,
            () = stop.cancelled() => false,
        };
        if !open {
            break;
        }
        let began = Instant::now();
        // While there is trouble, nobody is kept waiting for the word that it is over.
        let wait = if backoff.is_needed() { Duration::ZERO } else { WAIT };
        let pause = match agent.tick(wait, &stop).await {
            Ok(tick) => {
                backoff = Backoff::default();
                if agent.journal.is_well() {
                    (agent.listener)(AgentEvent::Trouble("all is well again".into()));
                }
                if tick == Tick::Worked || began.elapsed() > AT_ONCE { Duration::ZERO } else { PAUSE }
            }
            Err(trouble) => {
                if agent.journal.goes_wrong(&trouble.to_string(), trouble.is_coordinator(), agent.site.clock.now()) {
                    (agent.listener)(AgentEvent::Trouble(format!("{trouble}{}", trouble.remedy())));
                }
                backoff.after(&trouble)
            }
        };
        tokio::select! {
            () = sleep(pause.mul_f64(rand::random_range(0.75..1.25))) => {}
            () = agent.gate.to_drain() => {}
            () = stop.cancelled() => {}
        }
    }
}
