//! What has to be done about waiting jobs as time goes by: wake those that were parked, and give to others what a quarantined runner runs,
//! or what waits for a runner that has gone. All of it follows from what is stored, so that it may be done late, again, or by another process.

use protocol::{JobId, JobState, Priority, RunId, Timestamp};
use sqlx::any::AnyRow;

use super::avoid;
use crate::fields::{Fields, to_limit};
use crate::jobs::{self, Again, Job, lock_queue};
use crate::{Conn, Result, Tx, lease};

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tended {
    /// Jobs whose time has come.
    pub woken: usize,
    /// Jobs that any runner may take now, as no other was left.
    pub rescued: usize,
    /// Runs that were taken from quarantined runners; nobody will report their files.
    pub taken: Vec<RunId>,
    /// Jobs that failed on emulators alone, and run again as a machine is there now.
    pub native: usize,
}

impl Tended {
    /// How many jobs can be claimed that could not before.
    pub fn queued(&self) -> usize {
        self.woken + self.rescued + self.taken.len() + self.native
    }
}

/// Whether there is anything to do; a reader may ask.
pub async fn is_due(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    Ok(!parked(conn, now, 1).await?.is_empty()
        || !held(conn, 1).await?.is_empty()
        || !avoid::machineless(conn, now, 1).await?.is_empty()
        || !avoid::stranded(conn, now, 1).await?.is_empty())
}

/// Does it, for at most `limit` jobs of each kind.
pub async fn tend(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Tended> {
    lock_queue(tx).await?;
    let mut done = Tended::default();
    for run in held(tx, limit).await? {
        if lease::take_back(tx, run, now).await? {
            done.taken.push(run);
        }
    }
    for id in parked(tx, now, limit).await? {
        if let Some(job) = jobs::get(tx, id).await?.filter(|job| job.state == JobState::Queued) {
            jobs::wake(tx, &job, now).await?;
            done.woken += 1;
        }
    }
    for id in avoid::machineless(tx, now, limit).await? {
        if let Some(job) = jobs::get(tx, id).await? {
            let again = Again { priority: Priority::Confirmation, parked_until: None, time_factor: 1 };
            // The result with which it was settled is not counted yet, as the next round would not have it.
            let job = Job { reported: job.reported + 1, ..job };
            jobs::put_again(tx, &job, again, now).await?;
            done.native += 1;
        }
    }
    for id in avoid::stranded(tx, now, limit).await? {
        done.rescued += usize::from(avoid::rescue(tx, id, now).await?);
    }
    Ok(done)
}

/// Parked jobs whose time has come, the longest due first.
async fn parked(conn: &mut Conn, now: Timestamp, limit: u32) -> Result<Vec<JobId>> {
    let sql =
        "SELECT id FROM jobs WHERE parked_until IS NOT NULL AND parked_until <= $1 ORDER BY parked_until LIMIT $2";
    let rows = sqlx::query(sql).bind(now.as_millis()).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    ids(&rows)
}

/// The open runs of quarantined runners.
async fn held(conn: &mut Conn, limit: u32) -> Result<Vec<RunId>> {
    let rows = sqlx::query(
        "SELECT runs.id FROM runs JOIN runners ON runners.id = runs.runner_id
         WHERE runs.state = 'open' AND runners.quarantined_at IS NOT NULL ORDER BY runs.id LIMIT $1",
    )
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(|row| Fields::of(row, "runs", "id").parse("id")).collect()
}

fn ids(rows: &[AnyRow]) -> Result<Vec<JobId>> {
    rows.iter().map(|row| Fields::of(row, "jobs", "id").parse("id")).collect()
}
