//! Withdraws what quarantined and revoked runners found, and takes that back, some results at a time: how, and what is told of it, stands in
//! `store/src/withdrawal.rs`.

use protocol::Timestamp;
use store::withdrawal::{self, Done};

use crate::{Coordinator, Result, Tick};

/// Results of one transaction. SQLite has one writer, so that a report waits for as many at most.
const BATCH: u32 = 25;

/// Does some of what is to be done; the next steps do the rest.
pub async fn tick(coordinator: &Coordinator, now: Timestamp) -> Result<Tick> {
    if !withdrawal::is_due(&mut coordinator.store.read().await?).await? {
        return Ok(Tick::Idle);
    }
    let mut tx = coordinator.store.begin().await?;
    let done = withdrawal::step(&mut tx, now, BATCH).await?;
    tx.commit().await?;
    let Done { withdrawn, restored, queued } = done;
    tracing::info!(withdrawn, restored, queued, "results were withdrawn, or count again");
    if queued > 0 {
        coordinator.queued.notify_waiters();
    }
    Ok(if done.is_any() { Tick::Worked } else { Tick::Idle })
}
