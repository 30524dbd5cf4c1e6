//! Reads every cell of a farm that watched the sample registry, release by release in the corpus' order.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use protocol::{ImageFacts, Name, PgMajor, ReleaseId, Version};
use sample::debian::{self, Entry, Holding};
use store::runs::FullResult;
use store::{Conn, Store, matrix, releases, runs, verdicts};

/// All that was found.
pub(crate) struct Record {
    /// The releases, in the corpus' order.
    pub(crate) rows: Vec<Row>,
    /// What of the corpus could not be made, as the archive has it no more.
    pub(crate) absent: Vec<Entry>,
}

/// One release.
pub(crate) struct Row {
    /// Where it comes from, and what is right for it.
    pub(crate) entry: Entry,
    /// Its distribution.
    pub(crate) dist: Name,
    /// Its version, which may have moved on since the corpus was written.
    pub(crate) version: Version,
    /// What each major came to; a job without a result has none.
    pub(crate) cells: BTreeMap<PgMajor, Cell>,
}

/// One release on one major.
pub(crate) struct Cell {
    /// Its latest result.
    pub(crate) result: Option<FullResult>,
    /// How many results it has had.
    pub(crate) results: usize,
}

impl Row {
    /// The release as people write it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.dist, self.version.as_str())
    }

    /// The results, by major.
    pub(crate) fn results(&self) -> impl Iterator<Item = (PgMajor, &FullResult)> {
        self.cells.iter().filter_map(|(major, cell)| Some((*major, cell.result.as_ref()?)))
    }
}

impl Record {
    /// Reads the farm in a data directory; it may be running.
    pub(crate) async fn read(dir: &Path) -> Result<Self> {
        let database = format!("sqlite://{}", dir.join("farm.db").display());
        let store = Store::attach(&database).await.context("open the farm's database")?;
        let mut conn = store.read().await?;
        let known: BTreeMap<(String, String), ReleaseId> = releases::all(&mut conn)
            .await?
            .into_iter()
            .map(|(dist, version, id)| ((dist.key(), version.as_str().to_owned()), id))
            .collect();
        let (mut rows, mut absent) = (Vec::new(), Vec::new());
        for Holding { entry, release } in debian::holdings(&dir.join("sample"))? {
            let id = release.as_ref().and_then(|(dist, version)| known.get(&(dist.key(), version.as_str().to_owned())));
            match (release.clone(), id) {
                (Some((dist, version)), Some(id)) => {
                    rows.push(Row { entry, dist, version, cells: cells(&mut conn, *id).await? });
                }
                _ => absent.push(entry),
            }
        }
        Ok(Self { rows, absent })
    }

    /// Every major that was tested, in order.
    pub(crate) fn majors(&self) -> Vec<PgMajor> {
        let mut majors: Vec<PgMajor> = self.rows.iter().flat_map(|row| row.cells.keys().copied()).collect();
        majors.sort_unstable();
        majors.dedup();
        majors
    }

    /// Every result.
    pub(crate) fn results(&self) -> impl Iterator<Item = (PgMajor, &FullResult)> {
        self.rows.iter().flat_map(Row::results)
    }

    /// How many cells have none.
    pub(crate) fn open(&self) -> usize {
        self.rows.iter().flat_map(|row| row.cells.values()).filter(|cell| cell.result.is_none()).count()
    }

    /// How many cells have had more than one result.
    pub(crate) fn repeated(&self) -> usize {
        self.rows.iter().flat_map(|row| row.cells.values()).filter(|cell| cell.results > 1).count()
    }

    /// The image of a major's latest run.
    pub(crate) fn image(&self, major: PgMajor) -> Option<&ImageFacts> {
        let of_major = self.results().filter(|(of, result)| *of == major && result.image.is_some());
        of_major.max_by_key(|(_, result)| result.finished_at).and_then(|(_, result)| result.image.as_ref())
    }
}

async fn cells(conn: &mut Conn, release: ReleaseId) -> Result<BTreeMap<PgMajor, Cell>> {
    let mut cells = BTreeMap::new();
    for cell in matrix::of_release(conn, release).await? {
        let result = match &cell.result {
            Some(summary) => runs::detail(conn, summary.run_id).await?.and_then(|detail| detail.result),
            None => None,
        };
        let results = verdicts::of_job(conn, cell.job_id, 1_000).await?.len();
        cells.insert(cell.target.major, Cell { result, results });
    }
    Ok(cells)
}
