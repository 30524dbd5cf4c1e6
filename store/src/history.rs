//! What was found before: of the same test, and of other releases on the same target. Here what stands of a job is compared,
//! and here the pages find out since when something fails and what was different then.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use protocol::{
    Circumstances, Comparison, FileKind, Flag, Grade, ImageFacts, JobId, Judged, Name, ReleaseId, RunId, RunnerFacts,
    Status, Target, Timestamp, Version, compare, predecessors,
};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::confirm::{self, Said};
use crate::fields::{Fields, to_limit};
use crate::jobs::{self, Job};
use crate::releases::{self, StoredRelease};
use crate::turns::{self, Turned};
use crate::verdicts::{VerdictLine, read_verdict};
use crate::withdrawal::counting;
use crate::{Conn, Result, Tx, symptoms};

/// So many of the results of a job are looked at, which may have hundreds: the last ones, and where none of those is good, some since the last that is.
const WINDOW: u32 = 40;

/// A verdict of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Past {
    /// The run, or the id of a verdict that needed none.
    pub run_id: RunId,
    /// Its job.
    pub job_id: JobId,
    /// The release.
    pub release_id: ReleaseId,
    /// Its version.
    pub version: Version,
    /// What its author calls it.
    pub status: Status,
    /// The grade.
    pub grade: Grade,
    /// Its flags.
    pub flags: Vec<Flag>,
    /// Whether it is what stands of its job.
    pub is_latest: bool,
    /// When the farm accepted it.
    pub accepted_at: Timestamp,
}

impl Past {
    /// It as a side of a comparison.
    pub fn judged(&self) -> Judged<'_> {
        Judged { grade: self.grade, flags: &self.flags }
    }
}

/// What every query for the past selects; from where follows.
macro_rules! past {
    ($($from:expr),+ $(,)?) => {
        concat!(
            "SELECT results.id, results.job_id, results.release_id, results.grade, results.phase, results.reason, results.flags,
                 results.accepted_at, results.round, results.place, releases.version, releases.status, jobs.doubt,
                 CASE WHEN jobs.result_id = results.id THEN 1 ELSE 0 END AS is_latest, ",
            confirm::late!(),
            " ",
            $($from),+
        )
    };
}

/// What stood of a job up to the round of a run, or up to now, the latest first: the last of it, and when it turned where that was before. And what
/// stands of the others of its distribution's current releases on its target. Of each round of runs one verdict, see [`crate::confirm`].
pub async fn of_target(
    conn: &mut Conn,
    dist: &Name,
    target: Target,
    job: JobId,
    until: Option<RunId>,
) -> Result<Vec<Past>> {
    let mut past = of_job(conn, job, until).await?;
    let others = sqlx::query(past!(
        "FROM releases JOIN jobs ON jobs.release_id = releases.id AND jobs.target = $2 JOIN results ON results.id = jobs.result_id
         WHERE releases.dist_key = $1 AND releases.superseded_at IS NULL AND jobs.id <> $3"
    ))
    .bind(dist.key())
    .bind(target.to_string())
    .bind(job.to_string())
    .fetch_all(conn.raw())
    .await?;
    for row in &others {
        let (result, mut one) = (Fields::of(row, "results", "id"), read_past(row)?);
        let doubt = confirm::doubt(result.parse("reason")?, result.words("doubt")?.pop());
        one.flags = confirm::with_doubt(one.flags, doubt);
        past.push(one);
    }
    // Those of the job are in order already, and stay so where the time is the same.
    past.sort_by_key(|one| Reverse(one.accepted_at));
    Ok(past)
}

async fn of_job(conn: &mut Conn, job: JobId, until: Option<RunId>) -> Result<Vec<Past>> {
    let own = sqlx::query(past!(
        "FROM jobs JOIN releases ON releases.id = jobs.release_id JOIN results ON results.job_id = jobs.id
         WHERE jobs.id = $1 AND releases.superseded_at IS NULL
             AND results.round <= COALESCE((SELECT round FROM results WHERE id = $2), 2147483647) AND ",
        counting!(),
        " ORDER BY results.accepted_at DESC, results.place DESC, results.id DESC LIMIT $3"
    ))
    .bind(job.to_string())
    .bind(until.map(|run| run.to_string()))
    .bind(to_limit(WINDOW))
    .fetch_all(conn.raw())
    .await?;
    let round_of = |row: &AnyRow| Fields::of(row, "results", "id").number::<u32>("round");
    let cut = match own.last().filter(|_| own.len() >= WINDOW as usize) {
        Some(last) => round_of(last)?,
        None => return stood(&own),
    };
    // The last round may not be here whole, and is read with what came before.
    let rounds = own.iter().map(round_of).collect::<Result<Vec<_>>>()?;
    let whole = rounds.iter().position(|round| *round == cut).unwrap_or(own.len());
    let mut past = stood(&own[..whole])?;
    if past.iter().any(|one| one.judged().fails() == Some(false)) {
        return Ok(past);
    }
    let turn = sqlx::query(past!(
        "FROM (SELECT job_id, round FROM results WHERE job_id = $1 AND round <= $2 AND grade IN ('PASS', 'UNTESTED') AND ",
        counting!(),
        " ORDER BY accepted_at DESC LIMIT 1) AS good
         JOIN results ON results.job_id = good.job_id AND results.round BETWEEN good.round AND good.round + 3 AND results.round <= $2
             AND ",
        counting!(),
        " JOIN jobs ON jobs.id = results.job_id JOIN releases ON releases.id = jobs.release_id
         ORDER BY results.accepted_at DESC, results.place DESC, results.id DESC LIMIT $3"
    ))
    .bind(job.to_string())
    .bind(i64::from(cut))
    .bind(to_limit(WINDOW))
    .fetch_all(conn.raw())
    .await?;
    past.extend(stood(&turn)?);
    Ok(past)
}

/// Of each round of a job's results, the latest of which is first, the one that stood.
fn stood(rows: &[AnyRow]) -> Result<Vec<Past>> {
    let mut rounds: BTreeMap<u32, Vec<Said>> = BTreeMap::new();
    for row in rows.iter().rev() {
        let result = Fields::of(row, "results", "id");
        rounds.entry(result.number("round")?).or_default().push(confirm::read_said(&result, None)?);
    }
    let stood: BTreeMap<RunId, Option<Flag>> =
        rounds.values().filter_map(|said| confirm::standing(said)).map(|one| (one.run_id, one.doubt)).collect();
    let mut past = rows.iter().map(read_past).collect::<Result<Vec<_>>>()?;
    past.retain(|one| stood.contains_key(&one.run_id));
    for one in &mut past {
        let doubt = stood.get(&one.run_id).copied().flatten();
        one.flags = confirm::with_doubt(std::mem::take(&mut one.flags), doubt);
    }
    Ok(past)
}

fn read_past(row: &AnyRow) -> Result<Past> {
    let result = Fields::of(row, "results", "id");
    let release = Fields::of(row, "releases", "release_id");
    Ok(Past {
        run_id: result.parse("id")?,
        job_id: result.parse("job_id")?,
        release_id: result.parse("release_id")?,
        version: release.parse("version")?,
        status: release.parse("status")?,
        grade: result.parse("grade")?,
        flags: result.words("flags")?,
        is_latest: release.number::<u8>("is_latest")? == 1,
        accepted_at: result.time("accepted_at")?,
    })
}

/// The verdict that another one is compared with: the nearest before it, of the same test or else of the releases before, that compares.
pub fn before<'a>(past: &'a [Past], job: JobId, version: &Version, at: Option<Timestamp>) -> Option<&'a Past> {
    let same = past.iter().filter(|one| one.job_id == job && at.is_none_or(|at| one.accepted_at < at));
    let found = same.into_iter().find(|one| one.judged().fails().is_some());
    found.or_else(|| of_release_before(past, version))
}

/// What stands of the nearest release before a version that compares.
pub fn of_release_before<'a>(past: &'a [Past], version: &Version) -> Option<&'a Past> {
    let latest: Vec<&Past> = past.iter().filter(|one| one.is_latest).collect();
    let those = predecessors(version, &latest, |one| (&one.version, one.status));
    those.into_iter().copied().find(|one| one.judged().fails().is_some())
}

/// Compares what stands of a job now with the verdict before it, and counts its symptom. To be called whenever that changes.
pub(crate) async fn stands(tx: &mut Tx, job: &Job, stored: &StoredRelease, now: Timestamp) -> Result<()> {
    match compared(tx, job, stored, Some(now)).await? {
        Some((before, after)) => {
            let comparison = compare(before.judged(), after.judged());
            let turned = Turned { job: job.id, before: before.run_id, after: after.run_id, comparison };
            turns::record(tx, stored, turned, now).await
        }
        None => Ok(()),
    }
}

/// The same where nothing was found that is news: only that results do not count any more, or count again.
pub(crate) async fn compare_quietly(tx: &mut Tx, id: JobId) -> Result<()> {
    let Some(job) = jobs::get(tx, id).await? else { return Ok(()) };
    let stored = releases::of_job(tx, &job).await?;
    compared(tx, &job, &stored, None).await.map(drop)
}

/// What stands of a job and what it compares with; it is so since `at`, or else since the farm accepted it.
async fn compared(
    tx: &mut Tx,
    job: &Job,
    stored: &StoredRelease,
    at: Option<Timestamp>,
) -> Result<Option<(Past, Past)>> {
    symptoms::count(tx, job).await?;
    let past = of_target(tx, &stored.release.dist, job.target, job.id, None).await?;
    let after = past.iter().find(|one| one.job_id == job.id && one.is_latest);
    let before = after.and_then(|after| before(&past, job.id, &stored.release.version, Some(after.accepted_at)));
    let pair = before.zip(after);
    if after.is_some() || at.is_none() {
        sqlx::query("UPDATE jobs SET comparison = $2, compared_id = $3, compared_at = $4 WHERE id = $1")
            .bind(job.id.to_string())
            .bind(pair.map(|(before, after)| compare(before.judged(), after.judged()).as_str()))
            .bind(before.map(|before| before.run_id.to_string()))
            .bind(at.or(after.map(|after| after.accepted_at)).map(Timestamp::as_millis))
            .execute(tx.raw())
            .await?;
    }
    Ok(pair.map(|(before, after)| (before.clone(), after.clone())))
}

/// A verdict that turned: it fails, and the one before it did not, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// How.
    pub comparison: Comparison,
    /// The verdict.
    pub line: VerdictLine,
    /// The run that it was compared with.
    pub before: RunId,
    /// Since when it is so.
    pub at: Timestamp,
}

/// What every query for turns selects; a condition follows.
macro_rules! turns {
    ($condition:literal) => {
        concat!(
            "SELECT results.*, releases.dist, releases.version, runners.name AS runner_name, jobs.doubt, jobs.comparison, jobs.compared_id,
                 jobs.compared_at
             FROM jobs JOIN results ON results.id = jobs.result_id JOIN releases ON releases.id = jobs.release_id
                 LEFT JOIN runs ON runs.id = results.id LEFT JOIN runners ON runners.id = runs.runner_id
             WHERE jobs.comparison IN ('NEW-FAIL', 'FIXED') AND ",
            $condition
        )
    };
}

/// What turned since a moment in the latest releases, and still stands: the latest first.
pub async fn turned(conn: &mut Conn, since: Timestamp, limit: u32) -> Result<Vec<Turn>> {
    let rows = sqlx::query(turns!(
        "jobs.compared_at >= $1
         AND EXISTS (SELECT 1 FROM dists WHERE dists.key = releases.dist_key AND dists.latest_id = releases.id)
         ORDER BY jobs.compared_at DESC, results.id DESC LIMIT $2"
    ))
    .bind(since.as_millis())
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(read_turn).collect()
}

/// What ever turned in a distribution and still stands, the latest first.
pub async fn turned_of_dist(conn: &mut Conn, dist: &Name, limit: u32) -> Result<Vec<Turn>> {
    let rows = sqlx::query(turns!(
        "releases.dist_key = $1 AND releases.superseded_at IS NULL ORDER BY jobs.compared_at DESC, results.id DESC LIMIT $2"
    ))
    .bind(dist.key())
    .bind(to_limit(limit))
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(read_turn).collect()
}

pub(crate) fn read_turn(row: &AnyRow) -> Result<Turn> {
    let job = Fields::of(row, "jobs", "job_id");
    Ok(Turn {
        comparison: job.parse("comparison")?,
        line: read_verdict(row)?,
        before: job.parse("compared_id")?,
        at: job.time("compared_at")?,
    })
}

/// Under which conditions a run was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conditions {
    /// The run.
    pub run_id: RunId,
    /// The version of the release.
    pub version: Version,
    /// The SHA-1 of its archive.
    pub sha1: String,
    /// When the farm accepted it.
    pub accepted_at: Timestamp,
    /// The image.
    pub image: Option<ImageFacts>,
    /// The runner's machine.
    pub runner: Option<RunnerFacts>,
    /// The runner's name.
    pub runner_name: Option<String>,
    /// Prerequisites, limits, and what the farm provided.
    pub circumstances: Circumstances,
    /// The name of its list of packages, one of its files.
    pub packages: Option<String>,
}

/// The conditions of a run; none where it has no result.
pub async fn conditions(conn: &mut Conn, id: RunId) -> Result<Option<Conditions>> {
    let row = sqlx::query(
        "SELECT results.id, results.release_id, results.accepted_at, results.image, results.runner, results.circumstances,
             releases.version, releases.sha1, runners.name AS runner_name,
             (SELECT MIN(files.name) FROM files WHERE files.run_id = results.id AND files.kind = $2) AS packages
         FROM results JOIN releases ON releases.id = results.release_id LEFT JOIN runs ON runs.id = results.id
             LEFT JOIN runners ON runners.id = runs.runner_id
         WHERE results.id = $1",
    )
    .bind(id.to_string())
    .bind(FileKind::Packages.as_str())
    .fetch_optional(conn.raw())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let result = Fields::of(&row, "results", "id");
    let release = Fields::of(&row, "releases", "release_id");
    Ok(Some(Conditions {
        run_id: id,
        version: release.parse("version")?,
        sha1: release.text("sha1")?,
        accepted_at: result.time("accepted_at")?,
        image: result.optional_json("image")?,
        runner: result.optional_json("runner")?,
        runner_name: result.optional_text("runner_name")?,
        circumstances: result.json("circumstances")?,
        packages: result.optional_text("packages")?,
    }))
}

#[cfg(test)]
mod tests;
