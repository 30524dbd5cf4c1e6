//! Which runners a waiting job is not for.

use std::collections::BTreeMap;

use protocol::{JobId, JobState, RunnerId, Target, Timestamp};

use super::rules::{self, Said};
use crate::fields::{Fields, to_bigint, to_limit};
use crate::jobs::{self, Job};
use crate::runners::{self, Runner};
use crate::{Conn, Result, Tx};

/// Writes down the runners that a job in a lane is not for, given who is there now.
pub(crate) async fn avoid(tx: &mut Tx, job: &Job, now: Timestamp) -> Result<()> {
    let round = super::said(tx, job).await?;
    let present = present(tx).await?;
    let there = present.for_target(job.target, now);
    let machines = present.machines_for(job.target, now);
    let avoided = if rules::awaits_a_machine(&round) && !machines.is_empty() {
        there.into_iter().filter(|runner| !machines.contains(runner)).collect()
    } else {
        rules::avoided(&round, &there)
    };
    for runner in avoided {
        write(tx, job, runner).await?;
    }
    Ok(())
}

/// Keeps a job that a runner has lost from that runner, if another one is there.
pub(crate) async fn pass_on(tx: &mut Tx, job: &Job, from: RunnerId, now: Timestamp) -> Result<()> {
    let there = present(tx).await?.for_target(job.target, now);
    if rules::is_left(&there, &[from]) {
        write(tx, job, from).await?;
    }
    Ok(())
}

async fn write(tx: &mut Tx, job: &Job, runner: RunnerId) -> Result<()> {
    sqlx::query(
        "INSERT INTO avoidances (job_id, runner_id, target, rank, owner_key) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (job_id, runner_id) DO NOTHING",
    )
    .bind(job.id.to_string())
    .bind(runner.to_string())
    .bind(job.target.to_string())
    .bind(job.priority.rank())
    .bind(&job.owner_key)
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Strikes them all, such as when the job is claimed.
pub(crate) async fn forget(tx: &mut Tx, job: JobId) -> Result<()> {
    sqlx::query("DELETE FROM avoidances WHERE job_id = $1").bind(job.to_string()).execute(tx.raw()).await?;
    Ok(())
}

/// Whether somebody is there who had no part in a round.
pub(super) async fn is_another_there(conn: &mut Conn, job: &Job, round: &[Said], now: Timestamp) -> Result<bool> {
    let had: Vec<RunnerId> = round.iter().filter_map(|said| said.runner_id).collect();
    Ok(rules::is_left(&present(conn).await?.for_target(job.target, now), &had))
}

/// Whether somebody is there for a target who does not emulate it.
pub(super) async fn is_a_machine_there(conn: &mut Conn, target: Target, now: Timestamp) -> Result<bool> {
    Ok(!present(conn).await?.machines_for(target, now).is_empty())
}

/// Settled jobs that failed on emulators alone, and for which somebody with a machine is there now, at most `limit`: what [`super::conclude`]
/// leaves where nobody is. Where a machine has had a part in the round, whatever came of it, the job is none of them.
pub(super) async fn machineless(conn: &mut Conn, now: Timestamp, limit: u32) -> Result<Vec<JobId>> {
    let rows = sqlx::query("SELECT DISTINCT target FROM jobs WHERE doubt = 'UNCONFIRMED' AND state = 'finished'");
    let rows = rows.fetch_all(conn.raw()).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (present, mut found) = (present(conn).await?, Vec::new());
    for row in &rows {
        let target: Target = Fields::of(row, "jobs", "target").parse("target")?;
        let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if left > 0 && !present.machines_for(target, now).is_empty() {
            found.extend(machineless_of(conn, target, left).await?);
        }
    }
    Ok(found)
}

async fn machineless_of(conn: &mut Conn, target: Target, limit: u32) -> Result<Vec<JobId>> {
    let rows = sqlx::query(
        "SELECT jobs.id FROM jobs JOIN releases ON releases.id = jobs.release_id
         WHERE jobs.doubt = 'UNCONFIRMED' AND jobs.state = 'finished' AND jobs.target = $1 AND releases.superseded_at IS NULL
             AND EXISTS (SELECT 1 FROM results WHERE results.job_id = jobs.id AND results.round = jobs.round)
             AND NOT EXISTS (SELECT 1 FROM results WHERE results.job_id = jobs.id AND results.round = jobs.round
                 AND results.circumstances NOT LIKE '%\"emulated\":true%')
         ORDER BY jobs.id LIMIT $2",
    )
    .bind(target.to_string())
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(|row| Fields::of(row, "jobs", "id").parse("id")).collect()
}

/// Jobs that wait for a runner that is not there any more, at most `limit`.
///
/// Where some runner of a target is avoided by no job at all, none can be stranded there, and no job is looked at: as ever but for farms of
/// few runners, and for a runner that has gone.
pub(super) async fn stranded(conn: &mut Conn, now: Timestamp, limit: u32) -> Result<Vec<JobId>> {
    let mut stranded = Vec::new();
    let avoided = avoided_of_targets(conn).await?;
    if avoided.is_empty() {
        return Ok(stranded);
    }
    let present = present(conn).await?;
    for (target, avoided) in avoided {
        let left = limit.saturating_sub(u32::try_from(stranded.len()).unwrap_or(u32::MAX));
        let there = present.for_target(target, now);
        if left > 0 && !rules::is_left(&there, &avoided) {
            stranded.extend(avoiding_all(conn, target, &there, left).await?);
        }
    }
    Ok(stranded)
}

/// Which runners any job avoids, by target.
async fn avoided_of_targets(conn: &mut Conn) -> Result<BTreeMap<Target, Vec<RunnerId>>> {
    let rows = sqlx::query("SELECT DISTINCT target, runner_id FROM avoidances").fetch_all(conn.raw()).await?;
    let mut avoided: BTreeMap<Target, Vec<RunnerId>> = BTreeMap::new();
    for row in &rows {
        let row = Fields::of(row, "avoidances", "runner_id");
        avoided.entry(row.parse("target")?).or_default().push(row.parse("runner_id")?);
    }
    Ok(avoided)
}

/// Jobs that avoid every one of these runners.
async fn avoiding_all(conn: &mut Conn, target: Target, there: &[RunnerId], limit: u32) -> Result<Vec<JobId>> {
    let rows = sqlx::query(
        "SELECT job_id FROM avoidances WHERE target = $1 GROUP BY job_id
         HAVING COUNT(CASE WHEN replace($2, runner_id, '') <> $2 THEN 1 END) = $3 ORDER BY job_id LIMIT $4",
    )
    .bind(target.to_string())
    .bind(there.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    .bind(to_bigint(there.len() as u64))
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(|row| Fields::of(row, "avoidances", "job_id").parse("job_id")).collect()
}

/// Lets a stranded job be for whoever is left. Says whether it was stranded.
pub(super) async fn rescue(tx: &mut Tx, id: JobId, now: Timestamp) -> Result<bool> {
    let Some(job) = jobs::get(tx, id).await? else { return Ok(false) };
    if job.state != JobState::Queued || job.parked_until.is_some() {
        return Ok(false);
    }
    forget(tx, id).await?;
    avoid(tx, &job, now).await?;
    Ok(true)
}

/// Every runner that may be there.
struct Present(Vec<Runner>);

impl Present {
    /// Those that are there for a target.
    fn for_target(&self, target: Target, now: Timestamp) -> Vec<RunnerId> {
        self.0.iter().filter(|runner| runner.works_on(target, now)).map(|runner| runner.id).collect()
    }

    /// Those of them that do not emulate it.
    fn machines_for(&self, target: Target, now: Timestamp) -> Vec<RunnerId> {
        let is_machine = |runner: &&Runner| runner.works_on(target, now) && !runner.emulated.contains(&target.platform);
        self.0.iter().filter(is_machine).map(|runner| runner.id).collect()
    }
}

async fn present(conn: &mut Conn) -> Result<Present> {
    let silent = silent(conn).await?;
    let mut runners = runners::list(conn).await?;
    runners.retain(|runner| !silent.contains(&runner.id));
    Ok(Present(runners))
}

/// Runners that let a lease expire and were not heard of since, such as one whose machine was switched off a minute ago: a look at one
/// index for each.
pub(super) const SILENT: &str = "SELECT runners.id FROM runners WHERE runners.revoked_at IS NULL
         AND EXISTS (SELECT 1 FROM runs WHERE runs.runner_id = runners.id AND runs.state = 'expired' AND runs.ended_at >= runners.last_seen_at)";

async fn silent(conn: &mut Conn) -> Result<Vec<RunnerId>> {
    let rows = sqlx::query(SILENT).fetch_all(conn.raw()).await?;
    rows.iter().map(|row| Fields::of(row, "runners", "id").parse("id")).collect()
}
