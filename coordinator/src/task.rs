//! The coordinator's loops: each repeats one step until the coordinator ends, and none may end by itself.
//!
//! A step that fails is logged (see `step`), and taken again at its next time: a database that is away for a minute must not end the farm. A loop that
//! ends or panics ends [`run`] with an error, and the process with it, as a farm that has stopped watching must not look alive.

use std::future::Future;
use std::time::Duration;

use protocol::Timestamp;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    Coordinator, Error, Result, Tick, confirm, expire, images, pre_releases, reconcile, replan, watch, withdraw,
};

mod step;

use step::Step;

/// A comparison that failed is tried again after this, and then after ever more,
const SWEEP_AGAIN: Duration = Duration::from_mins(1);
/// up to this.
const SWEEP_AGAIN_AT_MOST: Duration = Duration::from_mins(30);
/// Between two steps of a withdrawal, which may have a million results before it.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);
/// How often the sweeps' schedule is looked at, as the clock may jump.
const SCHEDULE_EVERY: Duration = Duration::from_secs(30);

/// Runs every loop until `shutdown`. Steps are dropped where they stand: what is not committed by then did not happen.
pub async fn run(coordinator: Coordinator, shutdown: CancellationToken) -> Result<()> {
    let mut loops = JoinSet::new();
    let closing = coordinator.closing.clone();
    loops.spawn(until(closing.clone(), "watch", watch_loop(coordinator.clone())));
    loops.spawn(until(closing.clone(), "expire", expire_loop(coordinator.clone())));
    loops.spawn(until(closing.clone(), "confirm", confirm_loop(coordinator.clone())));
    loops.spawn(until(closing.clone(), "withdraw", withdraw_loop(coordinator.clone())));
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
    ended.unwrap_or_else(|error| Err(Error::Panicked { why: error.to_string() }))
}

/// Drives a loop until it is cancelled; one that ends before is an error.
async fn until(closing: CancellationToken, task: &'static str, work: impl Future<Output = ()> + Send) -> Result<()> {
    tokio::select! {
        () = closing.cancelled() => Ok(()),
        () = work => Err(Error::EndedEarly { task }),
    }
}

async fn watch_loop(coordinator: Coordinator) {
    let mut step = Step::named("watch");
    loop {
        let poll = coordinator.config.poll;
        step.went(watch::tick(&coordinator, coordinator.now()).await);
        sleep(jittered(poll)).await;
    }
}

async fn expire_loop(coordinator: Coordinator) {
    let (mut step, mut word, mut old) = (Step::named("expire"), Step::named("images"), Step::named("old pre-releases"));
    loop {
        step.went(expire::tick(&coordinator, coordinator.now()).await);
        word.went(images::tick(&coordinator).await);
        old.went(pre_releases::tick(&coordinator, coordinator.now()).await);
        sleep(coordinator.config.expire_every).await;
    }
}

async fn confirm_loop(coordinator: Coordinator) {
    let mut step = Step::named("confirm");
    loop {
        step.went(confirm::tick(&coordinator, coordinator.now()).await);
        sleep(coordinator.config.expire_every).await;
    }
}

async fn withdraw_loop(coordinator: Coordinator) {
    let mut step = Step::named("withdraw");
    loop {
        let done = withdraw::tick(&coordinator, coordinator.now()).await;
        // Others get at the database between two steps.
        let pause = if matches!(done, Ok(Tick::Worked)) { BETWEEN_STEPS } else { coordinator.config.expire_every };
        step.went(done);
        sleep(pause).await;
    }
}

async fn reconcile_loop(coordinator: Coordinator) {
    let (mut schedule, mut sweep, mut replan) =
        (Step::named("schedule"), Step::named("reconcile"), Step::named("replan"));
    replan.went(replan::latest(&coordinator, coordinator.now()).await);
    let (mut not_before, mut failures) = (Timestamp::from_millis(0), 0);
    loop {
        let due = is_due(&coordinator, &mut schedule).await && coordinator.now() >= not_before;
        if !due {
            tokio::select! {
                () = coordinator.desk.asked() => {}
                () = sleep(SCHEDULE_EVERY) => continue,
            }
        }
        failures = if sweep_once(&coordinator, &mut sweep).await { 0 } else { u32::saturating_add(failures, 1) };
        replan.went(replan::latest(&coordinator, coordinator.now()).await);
        not_before = coordinator.now().plus(pause(failures));
    }
}

/// How long to wait after so many comparisons that failed.
fn pause(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(before) => SWEEP_AGAIN.saturating_mul(2_u32.saturating_pow(before)).min(SWEEP_AGAIN_AT_MOST),
    }
}

/// Compares once, and says whether that succeeded.
async fn sweep_once(coordinator: &Coordinator, step: &mut Step) -> bool {
    coordinator.desk.begin(coordinator.now());
    let outcome = reconcile::sweep(coordinator, coordinator.now()).await;
    coordinator.desk.end(&outcome, coordinator.now());
    let done = outcome.is_ok();
    step.went(outcome);
    done
}

/// Whether a comparison is due by the schedule; one that never took place is.
async fn is_due(coordinator: &Coordinator, step: &mut Step) -> bool {
    let last = async {
        let mut conn = coordinator.store.read().await?;
        let watch = store::registry::get(&mut conn, &coordinator.registry_url()).await?;
        Ok(watch.and_then(|watch| watch.reconciled_at))
    };
    let due = last.await.map(|last| coordinator.config.reconcile.is_due(last, coordinator.now()));
    let is_due = *due.as_ref().unwrap_or(&false);
    step.went(due);
    is_due
}

/// A tenth less or more by chance, so that the farms of the world do not all ask in the same second.
fn jittered(period: Duration) -> Duration {
    period.mul_f64(rand::random_range(0.9..=1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_ends_by_itself_is_an_error_and_one_that_is_told_to_is_not() {
        let closing = CancellationToken::new();
        let early = until(closing.clone(), "watch", async {}).await.unwrap_err();
        assert_eq!(early.to_string(), "the coordinator's watch loop ended early");
        closing.cancel();
        assert!(until(closing, "watch", std::future::pending()).await.is_ok());
    }

    #[tokio::test]
    async fn a_loop_that_panics_is_an_error() {
        let mut loops = JoinSet::new();
        loops.spawn(async { panic!("out of cheese") });
        let error = flatten(loops.join_next().await.unwrap()).unwrap_err();
        assert!(error.to_string().contains("a fault of its own"), "{error}");
    }

    #[test]
    fn a_comparison_that_fails_is_tried_again_ever_less_often() {
        let minutes = [0, 1, 2, 3, 9, u32::MAX].map(|failures| pause(failures).as_secs() / 60);
        assert_eq!(minutes, [0, 1, 2, 4, 30, 30]);
    }

    #[test]
    fn polls_are_spread_by_a_tenth() {
        let period = Duration::from_secs(100);
        let spread: Vec<u64> = (0..200).map(|_| jittered(period).as_secs()).collect();
        assert!(spread.iter().all(|seconds| (90..=110).contains(seconds)), "{spread:?}");
        assert!(spread.iter().any(|seconds| *seconds != spread[0]));
    }
}
