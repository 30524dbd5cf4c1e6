//! Plans the newest releases anew when the targets have changed: an operator added a major, or PostgreSQL released one.

use pgxn::Meta;
use protocol::Timestamp;
use store::dists::{self, Dist};
use store::releases::Inserted;
use store::{jobs, releases};

use crate::intake::{self, Candidate, Wanted};
use crate::plan::Why;
use crate::{Coordinator, Result};

const PAGE: u32 = 100;

/// Queues the newest release of every distribution for the targets that it has no job for, as backfill. Returns how many jobs it were.
pub async fn latest(coordinator: &Coordinator, now: Timestamp) -> Result<usize> {
    let (mut after, mut queued) = (None, 0);
    loop {
        let mut conn = coordinator.store.read().await?;
        let page = dists::list(&mut conn, "", after.as_ref(), PAGE).await?;
        drop(conn);
        for dist in &page {
            queued += one(coordinator, dist, now).await?;
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last.name),
            None => return Ok(queued),
        }
    }
}

async fn one(coordinator: &Coordinator, dist: &Dist, now: Timestamp) -> Result<usize> {
    let targets = coordinator.targets(now);
    let mut conn = coordinator.store.read().await?;
    let jobs = jobs::of_release(&mut conn, dist.latest.id).await?;
    if targets.iter().all(|target| jobs.iter().any(|job| job.target == *target)) {
        return Ok(0);
    }
    let Some(meta) = releases::meta(&mut conn, dist.latest.id).await? else { return Ok(0) };
    drop(conn);
    // It was stored because it parsed; an older program may have been more lenient.
    let Ok(meta) = Meta::parse(meta.to_string().as_bytes()) else { return Ok(0) };
    let candidate = Candidate { release: dist.latest.release.clone(), meta };
    let wanted = Wanted { targets: &targets, why: Why::Backfill, config: &coordinator.config };
    let mut tx = coordinator.store.begin().await?;
    let stored = intake::plan_jobs(&mut tx, &candidate, Inserted::Known(dist.latest.id), wanted, now).await?;
    tx.commit().await?;
    let queued = stored.queued;
    intake::announce(coordinator, &candidate, stored);
    Ok(queued)
}
