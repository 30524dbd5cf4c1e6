//! The first results of jobs, where they stand by themselves: what [`confirm::conclude`](crate::confirm) comes to for most, in few statements for all of them.

use std::collections::BTreeMap;

use protocol::{
    Comparison, Flag, InvalidId, InvalidVersion, JobId, Judged, Release, Report, RunId, RunnerId, Status, Target,
    Timestamp, Version, compare, predecessors,
};

use crate::fields::{Fields, storable};
use crate::jobs::Job;
use crate::releases::StoredRelease;
use crate::standing::Standing;
use crate::turns::{self, Turned};
use crate::{Conn, Error, Result, Tx, many, symptoms};

/// The first result of a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct First<'a> {
    pub(super) job: &'a Job,
    pub(super) release: &'a StoredRelease,
    pub(super) report: &'a Report,
    pub(super) runner_id: RunnerId,
}

/// Jobs are finished, and each result stands.
pub(crate) const STANDS: many::Listed = (
    "UPDATE jobs SET state = 'finished', run_id = NULL, result_id = v.column2, doubt = '', confirmed_by = NULL, standing = v.column3,
         found_in = v.column4, found_on = v.column5, found_by = v.column6, unsure = v.column7, comparison = v.column8, compared_id = v.column9,
         changed_at = v.column10, compared_at = v.column10
     FROM",
    10,
    "WHERE jobs.id = v.column1 AND jobs.state = 'running' RETURNING jobs.id",
);

/// What stands of the other current releases of distributions on targets, as words: a row for each job, as each row that comes back costs more than finding it.
/// A question of its own for each: PostgreSQL would read all jobs once for all of them, however many there are, where it believes that hardly any has a result.
pub(crate) const OTHERS: many::Listed = (
    "SELECT v.column1 AS id, (SELECT
         string_agg(releases.version || ' ' || releases.status || ' ' || jobs.result_id || ' ' || jobs.standing || ' ' || jobs.unsure, ',')
         FROM releases JOIN jobs ON jobs.release_id = releases.id AND jobs.target = v.column3
         WHERE releases.dist_key = v.column2 AND releases.superseded_at IS NULL AND jobs.id <> v.column1 AND jobs.result_id IS NOT NULL) AS others
     FROM",
    3,
    "",
);

/// Has results stand, compares them with what stands before them, and counts their symptoms.
pub(super) async fn stand(tx: &mut Tx, firsts: &[First<'_>], now: Timestamp) -> Result<()> {
    let others = others(tx, firsts).await?;
    let those = together(firsts);
    let compare = |first: &First<'_>| first.compare(others.get(&first.job.id), those.get(&first.place()));
    let compared: Vec<Option<(RunId, Comparison)>> = firsts.iter().map(compare).collect();
    write(tx, &firsts.iter().zip(&compared).collect::<Vec<_>>(), now).await?;
    for (First { job, release, report, .. }, compared) in firsts.iter().zip(&compared) {
        if report.verdict.blame().is_some() {
            symptoms::count(tx, job).await?;
        }
        if let Some((before, comparison)) = *compared {
            let turned = Turned { job: job.id, before, after: report.run_id, comparison };
            turns::record(tx, release, turned, now).await?;
        }
    }
    Ok(())
}

async fn write(tx: &mut Tx, firsts: &[(&First<'_>, &Option<(RunId, Comparison)>)], now: Timestamp) -> Result<()> {
    let rows = many::by_list(tx, STANDS, firsts, |query, (First { job, report, runner_id, .. }, compared)| {
        let verdict = &report.verdict;
        let postgresql = report.image.as_ref().map(|image| storable(&image.postgresql));
        query
            .bind(job.id.to_string())
            .bind(report.run_id.to_string())
            .bind(verdict.grade().as_str())
            .bind(verdict.phase.as_str())
            .bind(postgresql.unwrap_or_default())
            .bind(runner_id.to_string())
            .bind(unsure(report).map_or("", Flag::as_str))
            .bind(compared.map(|(_, comparison)| comparison.as_str()))
            .bind(compared.map(|(before, _)| before.to_string()))
            .bind(now.as_millis())
    })
    .await?;
    let done = rows.iter().map(|row| Fields::of(row, "jobs", "id").parse("id")).collect::<Result<Vec<JobId>>>()?;
    match firsts.iter().map(|(first, _)| first.job).find(|job| !done.contains(&job.id)) {
        Some(job) => Err(Error::Raced { job: job.id, from: job.state }),
        None => Ok(()),
    }
}

/// What a runner says itself; that it is UNCONFIRMED, it is not asked.
pub(super) fn unsure(report: &Report) -> Option<Flag> {
    Some(Flag::Flaky).filter(|flag| report.verdict.flags.contains(flag))
}

impl First<'_> {
    /// Where it is compared: among the releases of its distribution, on its target.
    fn place(&self) -> (String, Target) {
        (self.release.release.dist.key(), self.job.target)
    }

    fn other(&self) -> Other {
        let Release { version, status, .. } = &self.release.release;
        let standing = Standing { grade: self.report.verdict.grade(), unsure: unsure(self.report) };
        Other { version: version.clone(), status: *status, result_id: self.report.run_id, standing }
    }

    /// It and what stands of the nearest release before that compares, of those that stood and those that come to stand with it.
    fn compare(&self, stood: Option<&Vec<Other>>, with: Option<&Vec<Other>>) -> Option<(RunId, Comparison)> {
        let others: Vec<&Other> = stood.into_iter().chain(with).flatten().collect();
        let nearest = predecessors(&self.release.release.version, &others, |one| (&one.version, one.status));
        let before = nearest.into_iter().find(|one| one.standing.fails().is_some())?;
        let unsure = unsure(self.report);
        let after = Judged { grade: self.report.verdict.grade(), flags: unsure.as_slice() };
        Some((before.result_id, compare(before.standing.judged(), after)))
    }
}

/// Those that come to stand together, as if the lower versions came first.
fn together(firsts: &[First<'_>]) -> BTreeMap<(String, Target), Vec<Other>> {
    let mut places: BTreeMap<_, Vec<Other>> = BTreeMap::new();
    for first in firsts {
        places.entry(first.place()).or_default().push(first.other());
    }
    places
}

/// What stands of another release.
struct Other {
    version: Version,
    status: Status,
    result_id: RunId,
    standing: Standing,
}

impl Other {
    fn read(words: &str) -> Result<Self, String> {
        let words: Vec<&str> = words.split(' ').collect();
        let [version, status, result_id, grade, unsure] = words[..] else {
            return Err(format!("`{}` are not five words", words.join(" ")));
        };
        let unsure = if unsure.is_empty() { None } else { Some(unsure.parse()?) };
        let version = version.parse().map_err(|error: InvalidVersion| error.to_string())?;
        let result_id = result_id.parse().map_err(|error: InvalidId| error.to_string())?;
        Ok(Self { version, status: status.parse()?, result_id, standing: Standing { grade: grade.parse()?, unsure } })
    }
}

async fn others(conn: &mut Conn, firsts: &[First<'_>]) -> Result<BTreeMap<JobId, Vec<Other>>> {
    let rows = many::by_list(conn, OTHERS, firsts, |query, First { job, release, .. }| {
        query.bind(job.id.to_string()).bind(release.release.dist.key()).bind(job.target.to_string())
    })
    .await?;
    let read = |row| {
        let row = Fields::of(row, "jobs", "id");
        let others = row.optional_text("others")?;
        let others = others.iter().flat_map(|others| others.split(',')).map(Other::read).collect::<Result<_, String>>();
        Ok((row.parse("id")?, others.map_err(|why| row.corrupt("others", &why))?))
    };
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests;
