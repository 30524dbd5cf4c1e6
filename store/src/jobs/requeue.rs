//! Puts jobs back into the queue, or takes them out of it: an operator's wish, or a release that was replaced.

use protocol::{JobId, JobState, Name, Priority, ReleaseId, Target, Timestamp, Version};

use super::{Job, get, lanes, lock_queue, move_job, read};
use crate::fields::Fields;
use crate::runs::RunState;
use crate::{Conn, Result, Tx, lease};

/// Which jobs should run again.
#[derive(Clone, Copy, Debug)]
pub struct Requeue<'a> {
    /// The distribution.
    pub dist: &'a Name,
    /// One version; all of them where none is given.
    pub version: Option<&'a Version>,
    /// One target; all of them where none is given.
    pub target: Option<Target>,
    /// How urgent they are now.
    pub priority: Priority,
}

/// Puts finished and withdrawn jobs back into the queue, with all their attempts, and makes waiting ones as urgent as asked.
///
/// Jobs that are running, and those of superseded releases, stay as they are. Returns the jobs that changed.
pub async fn requeue(tx: &mut Tx, wanted: &Requeue<'_>, now: Timestamp) -> Result<Vec<JobId>> {
    lock_queue(tx).await?;
    let rows = sqlx::query(
        "SELECT jobs.* FROM jobs JOIN releases ON releases.id = jobs.release_id
         WHERE releases.dist_key = $1 AND releases.superseded_at IS NULL
             AND ($2 = '' OR releases.version = $2) AND ($3 = '' OR jobs.target = $3)
         ORDER BY jobs.id",
    )
    .bind(wanted.dist.key())
    .bind(wanted.version.map(Version::as_str).unwrap_or_default())
    .bind(wanted.target.map(|target| target.to_string()).unwrap_or_default())
    .fetch_all(tx.raw())
    .await?;
    let mut changed = Vec::new();
    for row in &rows {
        let job = read(row)?;
        let done = match job.state {
            JobState::Finished | JobState::Withdrawn => put_back(tx, &job, wanted.priority, now).await.map(|()| true),
            JobState::Queued if wanted.priority < job.priority => hurry(tx, &job, wanted.priority).await.map(|()| true),
            JobState::Queued | JobState::Running => Ok(false),
        };
        if done? {
            changed.push(job.id);
        }
    }
    Ok(changed)
}

/// Withdraws a job: nobody wants it any more. A lease on it is lost. Says whether there is such a job and it was still wanted.
pub async fn withdraw(tx: &mut Tx, id: JobId, now: Timestamp) -> Result<bool> {
    lock_queue(tx).await?;
    if let Some(run_id) = get(tx, id).await?.and_then(|job| job.run_id) {
        lease::end(tx, run_id, RunState::Released, now).await?;
    }
    // Read after the lease ended: until then, a report might have finished the job.
    let Some(job) = get(tx, id).await? else { return Ok(false) };
    if job.state.move_to(JobState::Withdrawn).is_err() {
        return Ok(false);
    }
    move_job(tx, &job, JobState::Withdrawn, now).await?;
    Ok(true)
}

/// Queues a finished or withdrawn job as if it were new. The caller holds the queue's lock.
pub(super) async fn put_back(tx: &mut Tx, job: &Job, priority: Priority, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE jobs SET rank = $2, attempts = 0, queued_at = $3 WHERE id = $1")
        .bind(job.id.to_string())
        .bind(priority.rank())
        .bind(now.as_millis())
        .execute(tx.raw())
        .await?;
    move_job(tx, &Job { priority, ..job.clone() }, JobState::Queued, now).await
}

/// Gives every waiting job of a release that has the priority `from` the priority `to`; each keeps its age. Returns how many it were.
pub async fn reprioritize(tx: &mut Tx, release: ReleaseId, from: Priority, to: Priority) -> Result<usize> {
    lock_queue(tx).await?;
    let mut changed = 0;
    for job in super::of_release(tx, release).await? {
        if job.state == JobState::Queued && job.priority == from {
            hurry(tx, &job, to).await?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// The releases of a distribution that have jobs waiting at a priority.
pub async fn releases_waiting(conn: &mut Conn, dist: &Name, priority: Priority) -> Result<Vec<(Version, ReleaseId)>> {
    let rows = sqlx::query(
        "SELECT id, version FROM releases WHERE dist_key = $1
             AND EXISTS (SELECT 1 FROM jobs WHERE jobs.release_id = releases.id AND jobs.state = 'queued' AND jobs.rank = $2)
         ORDER BY id",
    )
    .bind(dist.key())
    .bind(priority.rank())
    .fetch_all(conn.raw())
    .await?;
    let read = |row| {
        let row = Fields::of(row, "releases", "id");
        Ok((row.parse("version")?, row.parse("id")?))
    };
    rows.iter().map(read).collect()
}

/// Gives a waiting job another priority; it keeps its age.
async fn hurry(tx: &mut Tx, job: &Job, priority: Priority) -> Result<()> {
    sqlx::query("UPDATE jobs SET rank = $2 WHERE id = $1")
        .bind(job.id.to_string())
        .bind(priority.rank())
        .execute(tx.raw())
        .await?;
    lanes::leave(tx, job.target, job.priority, &job.owner_key).await?;
    lanes::join(tx, job.target, priority, &job.owner_key).await
}
