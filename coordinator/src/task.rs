//! The coordinator's loops: each repeats one step until the coordinator ends, and none may end by itself.
//!
//! A step that fails is logged, and taken again at its next time: a database that is away for a minute must not end the farm. A loop that
//! ends or panics ends [`run`] with an error, and the process with it, as a farm that has stopped watching must not look alive.

use std::future::Future;
use std::time::Duration;

use protocol::Timestamp;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::error::sentence;
use crate::{Coordinator, Error, Result, expire, reconcile, replan, watch};

/// A comparison that failed is tried again after this.
const SWEEP_AGAIN: Duration = Duration::from_mins(10);
/// How often the sweeps' schedule is looked at, as the clock may jump.
const SCHEDULE_EVERY: Duration = Duration::from_secs(30);

/// Runs every loop until `shutdown`. Steps are dropped where they stand: what is not committed by then did not happen.
pub async fn run(coordinator: Coordinator, shutdown: CancellationToken) -> Result<()> {
    let mut loops = JoinSet::new();
    let closing = coordinator.closing.clone();
    loops.spawn(until(closing.clone(), "watch", watch_loop(coordinator.clone())));
    loops.spawn(until(closing.clone(), "expire", expire_loop(coordinator.clone())));
    loops.spawn(until(closing.clone(), "reconcile", reconcile_loop(coordinator)));
    let early = tokio::select! {
        () = shutdown.cancelled() => None,
        ended = loops.join_next() => ended,
    };
    closing.cancel();
    let mut outcome = early.map_or(Ok(()), flatten);
    while let Some(ended) = loops.join_next().await {
        outcome = outcome.and(flatten(ended));
    }
    outcome
}

fn flatten(ended: Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    ended.unwrap_or_else(|error| {
        tracing::error!(%error, "a loop of the coordinator panicked");
        Err(Error::EndedEarly { task: "panicked" })
    })
}

/// Drives a loop until it is cancelled; one that ends before is an error.
async fn until(closing: CancellationToken, task: &'static str, work: impl Future<Output = ()> + Send) -> Result<()> {
    tokio::select! {
        () = closing.cancelled() => Ok(()),
        () = work => Err(Error::EndedEarly { task }),
    }
}

async fn watch_loop(coordinator: Coordinator) {
    loop {
        let poll = coordinator.config.poll;
        log("watch", watch::tick(&coordinator, coordinator.now()).await);
        sleep(jittered(poll)).await;
    }
}

async fn expire_loop(coordinator: Coordinator) {
    loop {
        log("expire", expire::tick(&coordinator, coordinator.now()).await);
        sleep(coordinator.config.expire_every).await;
    }
}

async fn reconcile_loop(coordinator: Coordinator) {
    log("replan", replan::latest(&coordinator, coordinator.now()).await);
    let mut not_before = Timestamp::from_millis(0);
    loop {
        let due = is_due(&coordinator).await && coordinator.now() >= not_before;
        if !due {
            tokio::select! {
                () = coordinator.desk.asked() => {}
                () = sleep(SCHEDULE_EVERY) => continue,
            }
        }
        if !sweep_once(&coordinator).await {
            not_before = coordinator.now().plus(SWEEP_AGAIN);
        }
    }
}

/// Compares once, and says whether that succeeded.
async fn sweep_once(coordinator: &Coordinator) -> bool {
    coordinator.desk.begin(coordinator.now());
    let outcome = reconcile::sweep(coordinator, coordinator.now()).await;
    coordinator.desk.end(&outcome, coordinator.now());
    let done = outcome.is_ok();
    log("reconcile", outcome);
    log("replan", replan::latest(coordinator, coordinator.now()).await);
    done
}

/// Whether a comparison is due by the schedule; one that never took place is.
async fn is_due(coordinator: &Coordinator) -> bool {
    let last = async {
        let mut conn = coordinator.store.read().await?;
        let watch = store::registry::get(&mut conn, &coordinator.registry_url()).await?;
        Ok(watch.and_then(|watch| watch.reconciled_at))
    };
    match last.await {
        Ok(last) => coordinator.config.reconcile.is_due(last, coordinator.now()),
        Err(error) => {
            log::<()>("schedule", Err(error));
            false
        }
    }
}

/// A tenth less or more by chance, so that the farms of the world do not all ask in the same second.
fn jittered(period: Duration) -> Duration {
    period.mul_f64(rand::random_range(0.9..=1.1))
}

fn log<T>(step: &str, outcome: Result<T>) {
    if let Err(error) = outcome {
        tracing::error!(step, error = sentence(&error), "a step failed; it is taken again");
    }
}
