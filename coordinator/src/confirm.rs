//! Keeps second opinions coming: wakes what waits for its time, and gives to others what waits for a runner that is gone or quarantined.
//!
//! What a result is worth is decided when its report is accepted; the rules, and why they are so, stand in `store/src/confirm.rs`.

use protocol::{RunnerId, Timestamp};
use store::confirm::{self, Tended};
use store::runners;

use crate::{Coordinator, Event, Result, Tick, lease};

/// Jobs of each kind that are moved in one transaction; the next steps move the others.
const BATCH: u32 = 100;

/// Does what has to be done about waiting jobs by now.
pub async fn tick(coordinator: &Coordinator, now: Timestamp) -> Result<Tick> {
    let mut conn = coordinator.store.read().await?;
    let due = confirm::is_due(&mut conn, now).await?;
    drop(conn);
    if !due {
        return Ok(Tick::Idle);
    }
    let mut tx = coordinator.store.begin().await?;
    let done = confirm::tend(&mut tx, now, BATCH).await?;
    tx.commit().await?;
    for run in &done.taken {
        lease::clear(coordinator, *run).await;
    }
    if done.queued() == 0 {
        return Ok(Tick::Idle);
    }
    let Tended { woken, rescued, taken, native } = done;
    tracing::info!(woken, rescued, taken = taken.len(), native, "jobs wait again");
    coordinator.queued.notify_waiters();
    Ok(Tick::Worked)
}

/// Tells listeners that a runner gets no work any more.
pub(crate) async fn announce_quarantine(coordinator: &Coordinator, id: RunnerId) -> Result<()> {
    let mut conn = coordinator.store.read().await?;
    let all = runners::list(&mut conn).await?;
    if let Some(runner) = all.into_iter().find(|runner| runner.id == id) {
        tracing::warn!(runner = %runner.name, reason = runner.quarantine_reason, "a runner is quarantined");
        coordinator.events.send(Event::RunnerQuarantined { name: runner.name, reason: runner.quarantine_reason });
    }
    Ok(())
}
