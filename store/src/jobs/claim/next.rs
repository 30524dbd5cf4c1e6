//! Which jobs are next, and for whom.

use std::collections::BTreeSet;

use protocol::{JobId, Priority, ReleaseId, RunnerId, Target};

use crate::fields::{Fields, to_bigint};
use crate::jobs::lanes::{self, Turn};
use crate::{Conn, Result, many};

/// When the oldest job of a lane came, and its id, in one word that sorts as they do; the lane is given by its three columns, and what avoids the runner $1
/// is not for it. Nearly always the first entry of an index.
pub(in crate::jobs) fn oldest([target, rank, owner]: [&str; 3]) -> String {
    format!(
        "SELECT CAST(queued_at + 1000000000000000 AS TEXT) || id FROM jobs WHERE target = {target} AND rank = {rank} AND owner_key = {owner}
             AND state = 'queued' AND parked_until IS NULL
             AND NOT EXISTS (SELECT 1 FROM avoidances WHERE avoidances.job_id = jobs.id AND avoidances.runner_id = $1)
             ORDER BY queued_at, id LIMIT 1"
    )
}

/// The jobs that are next over so many targets, at most as many as the last place says: of the most urgent lanes, by the owners' turns, the oldest of each owner.
///
/// Of each target so many lanes are looked at, which hold so many owners, or all there are.
pub(in crate::jobs) fn next(targets: usize) -> String {
    format!(
        "WITH heads AS MATERIALIZED ({heads}),
             urgent AS MATERIALIZED (SELECT owner_key, MIN(served_turn) AS served_turn FROM heads WHERE rank = (SELECT MIN(rank) FROM heads)
                 GROUP BY owner_key),
             due AS MATERIALIZED (SELECT MAX(served_turn) AS served_turn
                 FROM (SELECT served_turn FROM urgent ORDER BY served_turn LIMIT ${most}) AS those),
             oldest AS MATERIALIZED (SELECT heads.owner_key, heads.served_turn, MIN(({oldest})) AS word
                 FROM heads JOIN urgent ON urgent.owner_key = heads.owner_key AND urgent.served_turn = heads.served_turn
                 WHERE heads.rank = (SELECT MIN(rank) FROM heads) AND heads.served_turn <= (SELECT served_turn FROM due)
                 GROUP BY heads.owner_key, heads.served_turn)
         SELECT jobs.id, jobs.release_id, jobs.target, jobs.rank, jobs.owner_key, jobs.attempts, jobs.reported, jobs.time_factor
         FROM (SELECT served_turn, word FROM oldest ORDER BY served_turn, word LIMIT ${most}) AS first
             JOIN jobs ON jobs.id = substr(first.word, 17)
         ORDER BY first.served_turn, first.word",
        heads = lanes::heads(targets),
        oldest = oldest(["heads.target", "heads.rank", "heads.owner_key"]),
        most = targets + 2,
    )
}

/// A job that is taken, as far as its claim is concerned.
pub(super) struct Taken {
    pub(super) id: JobId,
    pub(super) release_id: ReleaseId,
    pub(super) target: Target,
    pub(super) priority: Priority,
    pub(super) owner_key: String,
    /// With this one.
    pub(super) attempts: u32,
    pub(super) reported: u32,
    pub(super) time_factor: u32,
}

impl Taken {
    /// Whether there may be runners that it is not for: what was neither reported nor lost avoids nobody.
    pub(super) const fn may_avoid(&self) -> bool {
        self.reported > 0 || self.attempts > 1
    }

    pub(super) fn turn(&self, number: i64) -> Turn {
        Turn { target: self.target, priority: self.priority, owner_key: self.owner_key.clone(), number }
    }
}

/// The next jobs for some targets, each of another owner.
pub(super) async fn next_jobs(
    conn: &mut Conn,
    (targets, runner): (&[Target], Option<RunnerId>),
    count: usize,
) -> Result<Vec<Taken>> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let runner = runner.map(|id| id.to_string()).unwrap_or_default();
    let sql = many::text(("the next jobs", "", targets.len(), true), || next(targets.len()));
    let query = sqlx::query(sql).bind(runner);
    let query = targets.iter().fold(query, |query, target| query.bind(target.to_string()));
    let rows = query.bind(to_bigint(count as u64)).fetch_all(conn.raw()).await?;
    let read = |row| {
        let row = Fields::of(row, "jobs", "id");
        Ok(Taken {
            id: row.parse("id")?,
            release_id: row.parse("release_id")?,
            target: row.parse("target")?,
            priority: row.priority("rank")?,
            owner_key: row.text("owner_key")?,
            attempts: row.number::<u32>("attempts")? + 1,
            reported: row.number("reported")?,
            time_factor: row.number("time_factor")?,
        })
    };
    rows.iter().map(read).collect()
}

/// How many of some jobs, from the first one on, are for the runner in the same place.
pub(super) async fn fitting(conn: &mut Conn, runners: impl Iterator<Item = RunnerId>, jobs: &[Taken]) -> Result<usize> {
    let avoiding: Vec<String> = jobs.iter().filter(|job| job.may_avoid()).map(|job| job.id.to_string()).collect();
    if avoiding.is_empty() {
        return Ok(jobs.len());
    }
    let rows = many::by_ids(conn, "SELECT job_id, runner_id FROM avoidances WHERE job_id IN", &avoiding).await?;
    let read = |row| {
        let row = Fields::of(row, "avoidances", "job_id");
        Ok((row.parse("job_id")?, row.parse("runner_id")?))
    };
    let avoided = rows.iter().map(read).collect::<Result<BTreeSet<(JobId, RunnerId)>>>()?;
    Ok(jobs.iter().zip(runners).take_while(|(job, runner)| !avoided.contains(&(job.id, *runner))).count())
}
