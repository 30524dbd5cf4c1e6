//! Puts jobs back into the queue, or takes them out of it: an operator's wish, or a release that was replaced.

use protocol::{JobId, JobState, Name, Priority, ReleaseId, Target, Timestamp, Version};

use super::{Job, enter_queue, get, lanes, leave_queue, lock_queue, move_job, read};
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

/// Puts finished and withdrawn jobs back into the queue, with all their attempts, and makes waiting ones as urgent as asked. One that waits
/// for its confirmation, or for another try, begins anew too.
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
            JobState::Finished | JobState::Withdrawn => begin_anew(tx, &job, wanted.priority, now).await.map(|()| true),
            JobState::Queued if job.reported > 0 => begin_anew(tx, &job, wanted.priority, now).await.map(|()| true),
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

/// Begins a new round of a job that does not run. The caller holds the queue's lock.
pub(crate) async fn begin_anew(tx: &mut Tx, job: &Job, priority: Priority, now: Timestamp) -> Result<()> {
    let fresh = Job { round: job.round + 1, reported: 0, ..job.clone() };
    let again = Again { priority, parked_until: None, time_factor: 1 };
    if job.state == JobState::Queued {
        leave_queue(tx, job).await?;
        let fresh = write(tx, fresh, again, now).await?;
        return enter_queue(tx, &fresh, now).await;
    }
    put_again(tx, &fresh, again, now).await
}

/// How a job waits once more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    pub(crate) priority: Priority,
    pub(crate) parked_until: Option<Timestamp>,
    pub(crate) time_factor: u32,
}

/// Puts a job that does not wait back into the queue, with all its attempts. The caller holds the queue's lock.
pub(crate) async fn put_again(tx: &mut Tx, job: &Job, again: Again, now: Timestamp) -> Result<()> {
    let job = write(tx, job.clone(), again, now).await?;
    move_job(tx, &job, JobState::Queued, now).await
}

/// Lets a parked job wait for a runner now. The caller holds the queue's lock.
pub(crate) async fn wake(tx: &mut Tx, job: &Job, now: Timestamp) -> Result<()> {
    leave_queue(tx, job).await?;
    enter_queue(tx, &Job { parked_until: None, ..job.clone() }, now).await
}

async fn write(tx: &mut Tx, job: Job, again: Again, now: Timestamp) -> Result<Job> {
    let Again { priority, parked_until, time_factor } = again;
    sqlx::query(
        "UPDATE jobs SET rank = $2, attempts = 0, queued_at = $3, round = $4, reported = $5, parked_until = $6, time_factor = $7
         WHERE id = $1",
    )
    .bind(job.id.to_string())
    .bind(priority.rank())
    .bind(now.as_millis())
    .bind(i64::from(job.round))
    .bind(i64::from(job.reported))
    .bind(parked_until.map(Timestamp::as_millis))
    .bind(i64::from(time_factor))
    .execute(tx.raw())
    .await?;
    Ok(Job { priority, attempts: 0, queued_at: now, parked_until, time_factor, ..job })
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
    if job.parked_until.is_some() {
        return Ok(());
    }
    lanes::leave(tx, job.target, job.priority, &job.owner_key).await?;
    lanes::join(tx, job.target, priority, &job.owner_key).await?;
    sqlx::query("UPDATE avoidances SET rank = $2 WHERE job_id = $1")
        .bind(job.id.to_string())
        .bind(priority.rank())
        .execute(tx.raw())
        .await?;
    Ok(())
}
