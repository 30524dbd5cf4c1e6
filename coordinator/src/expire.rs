//! Takes jobs back from runners that stopped renewing their leases.

use protocol::{JobState, Timestamp};
use store::runs;

use crate::{Coordinator, Event, Result, Tick, lease};

/// Leases that are ended in one transaction; after an outage there may be more, which the next steps end.
const BATCH: u32 = 100;

/// Ends the leases that are past their time: their jobs go back to the queue, are withdrawn with their release, or end as ERROR
/// after the last attempt.
pub async fn tick(coordinator: &Coordinator, now: Timestamp) -> Result<Tick> {
    // A commit makes every answer that is at hand an old one.
    if !runs::is_any_past(&mut coordinator.store.read().await?, now).await? {
        prune(coordinator, now);
        return Ok(Tick::Idle);
    }
    let mut tx = coordinator.store.begin().await?;
    let expired = runs::expire(&mut tx, now, BATCH).await?;
    tx.commit().await?;
    for lease in &expired {
        tracing::info!(run = %lease.run_id, runner = %lease.runner_id, job = %lease.job_state, "a lease expired");
        coordinator.events.send(Event::LeaseExpired { run_id: lease.run_id });
        lease::clear(coordinator, lease.run_id).await;
        // The others are told of all the same: nobody comes back to an expiry that is committed.
        if lease.job_state == JobState::Finished
            && let Err(error) = lease::announce_verdict(coordinator, lease.run_id).await
        {
            tracing::error!(run = %lease.run_id, %error, "a verdict could not be told");
        }
    }
    prune(coordinator, now);
    if expired.iter().any(|lease| lease.job_state == JobState::Queued) {
        coordinator.queued.notify_waiters();
    }
    Ok(if expired.is_empty() { Tick::Idle } else { Tick::Worked })
}

/// What a coordinator that shares the database has ended is not told of here.
fn prune(coordinator: &Coordinator, now: Timestamp) {
    coordinator.live.prune(now.minus(coordinator.config.lease));
}
