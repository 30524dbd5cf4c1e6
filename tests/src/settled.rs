//! What has to be true of a farm whose work is done, whatever happened to it meanwhile: nothing lost, nothing double, nothing left behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use protocol::{Grade, JobState, Name, RunId, Version};
use sha2::{Digest, Sha256};
use store::jobs::{self, Job};
use store::runs::{self, FullResult, RunState};
use store::{Blobs, Conn, Store, farm as numbers, releases};

use crate::farm::{Farm, LONG_PATIENCE, PATIENCE};
use crate::fixtures::Verdict;
use crate::{containers, poll};

/// A release that was published, and what has to be found of it.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its distribution.
    pub dist: Name,
    /// Its version.
    pub version: Version,
    /// The verdict that has to stand.
    pub verdict: Verdict,
}

/// What a farm has lost: time, in runs that had to be made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Toll {
    /// Runs that ended without a result.
    pub lost: usize,
    /// Runs whose result was the farm's own failure.
    pub failed: usize,
}

impl Toll {
    /// How many runs were made in vain.
    pub const fn runs(self) -> usize {
        self.lost + self.failed
    }
}

/// Waits until a farm of one target has its work done, and looks at everything that it has; what it lost since it was made.
pub async fn settled(farm: &Farm, published: &[Published], engine: &str) -> Result<Toll> {
    poll::until(LONG_PATIENCE, "every release to be tested", async || {
        let Ok(status) = farm.get("api/v1/status").await else { return Ok(None) };
        Ok(all_tested(&status, published.len()).then_some(()))
    })
    .await
    .with_context(|| farm.logs())?;
    let url = farm.database();
    let store = if url.starts_with("sqlite:") { Store::attach(&url).await? } else { Store::connect(&url).await? };
    let blobs = farm.path("data/blobs");
    let mut books = Books::of(Blobs::open(&blobs.display().to_string())?);
    books.audit(&mut store.read().await?, published).await?;
    store.close().await;
    let files = files_below(&blobs)?;
    let odd: Vec<_> = books.files.symmetric_difference(&files).collect();
    ensure!(odd.is_empty(), "files that no result names: {odd:?}");
    let mut left = Vec::new();
    let gone = poll::until(PATIENCE, "what is left behind to be removed", async || {
        left = left_behind(farm, &books.runs, engine).await?;
        Ok(left.is_empty().then_some(()))
    });
    gone.await.with_context(|| format!("left behind: {left:?}"))?;
    Ok(books.toll)
}

/// Whether a status of the API tells of so many releases, and of nothing that is still to do.
pub(crate) fn all_tested(status: &serde_json::Value, releases: usize) -> bool {
    status["releases"] == releases && status["queued"] == 0 && status["running"] == 0
}

/// What the store has, as far as it was looked at.
struct Books {
    blobs: Blobs,
    runs: Vec<RunId>,
    files: BTreeSet<PathBuf>,
    results: u64,
    toll: Toll,
}

impl Books {
    fn of(blobs: Blobs) -> Self {
        Self { blobs, runs: Vec::new(), files: BTreeSet::new(), results: 0, toll: Toll::default() }
    }

    /// Every release has one job, every job a verdict that stands, every result its files; and there is nothing else.
    async fn audit(&mut self, conn: &mut Conn, published: &[Published]) -> Result<()> {
        let known = releases::all(conn).await?;
        ensure!(known.len() == published.len(), "releases: {known:?}");
        for Published { dist, version, verdict } in published {
            let what = format!("{dist} {version}");
            let release = known.iter().find(|(name, known, _)| (name, known) == (dist, version));
            let jobs = jobs::of_release(conn, release.with_context(|| format!("{what} is stored"))?.2).await?;
            let [job] = &jobs[..] else { anyhow::bail!("{what} has {} jobs", jobs.len()) };
            self.audit_job(conn, job, verdict).await.context(what)?;
        }
        let now = protocol::Timestamp::from_millis(0);
        let counted = numbers::counts(conn, now).await?.results;
        ensure!(counted == self.results, "{counted} results were counted, there are {}", self.results);
        Ok(())
    }

    async fn audit_job(&mut self, conn: &mut Conn, job: &Job, verdict: &Verdict) -> Result<()> {
        ensure!(job.state == JobState::Finished && job.run_id.is_none(), "it is not done: {job:?}");
        let mut reported = 0;
        let mut stands = None;
        for run in runs::of_job(conn, job.id, 1_000).await? {
            let result = runs::detail(conn, run.id).await?.context("a run has details")?.result;
            self.runs.push(run.id);
            match (run.state, result) {
                (RunState::Reported, Some(result)) => {
                    self.audit_files(run.id, &result).await?;
                    self.results += 1;
                    if result.grade == Grade::Error {
                        self.toll.failed += 1;
                    } else {
                        reported += 1;
                    }
                    if job.result_id == Some(run.id) {
                        stands = Some(result);
                    }
                }
                (RunState::Expired | RunState::Released, None) => self.toll.lost += 1,
                (state, result) => anyhow::bail!("run {} is {state} with {result:?}", run.id),
            }
        }
        let stands = stands.context("no result of its runs stands")?;
        let found = (stands.grade, stands.verdict.phase, stands.verdict.reason);
        ensure!(found == (verdict.grade, verdict.phase, verdict.reason), "{found:?} stands: {:?}", stands.verdict);
        // A failure needs a second run that agrees; nothing needs a third.
        let needed = if verdict.grade == Grade::Fail { 2 } else { 1 };
        ensure!(reported == needed && job.doubt.is_none(), "{reported} results, {:?}", job.doubt);
        Ok(())
    }

    async fn audit_files(&mut self, run: RunId, result: &FullResult) -> Result<()> {
        for file in &result.files {
            let plain = self.blobs.plain(run, &file.name).await?;
            let plain = plain.with_context(|| format!("{} of run {run} is gone", file.name))?;
            let is_whole = plain.len() as u64 == file.bytes && hex::encode(Sha256::digest(&plain)) == file.sha256;
            ensure!(is_whole, "{} of run {run} is not what was reported", file.name);
            self.files.insert(PathBuf::from(format!("runs/{run}/{}.zst", file.name)));
        }
        let logs = result.phases.iter().filter_map(|phase| phase.log.as_ref());
        for log in logs {
            ensure!(result.files.iter().any(|file| file.name == *log), "{log} of run {run} is not among its files");
        }
        Ok(())
    }
}

/// Everything that should be gone: containers of these runs, directories of runs, files in the making.
async fn left_behind(farm: &Farm, runs: &[RunId], engine: &str) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for run in runs {
        left.extend(containers::of_run_at(engine, &run.to_string()).await?);
    }
    let mut paths = files_in(&farm.path("tmp"))?;
    for dir in files_in(&farm.path(""))?.iter().filter(|path| path.to_string_lossy().ends_with("-data")) {
        let living: BTreeSet<_> = files_in(&dir.join("instances"))?.iter().map(|path| name(path)).collect();
        for work in files_in(&dir.join("work"))? {
            paths.extend(files_in(&work)?);
            if !living.contains(&name(&work)) {
                paths.push(work);
            }
        }
        paths.extend(
            files_in(&dir.join("downloads"))?.into_iter().filter(|path| path.extension() != Some("zip".as_ref())),
        );
        paths.extend(files_in(&dir.join("prerequisites"))?.into_iter().filter(|path| name(path).starts_with('.')));
    }
    let known = [
        "farm.db",
        "farm.db-wal",
        "farm.db-shm",
        "farm.db.lock",
        "address",
        "admin-token",
        "blobs",
        "registry-cache",
        "notify-key",
    ];
    paths.extend(files_in(&farm.path("data"))?.into_iter().filter(|path| !known.contains(&&*name(path))));
    // Documents of the registry are meant to stay; what was being written or fetched is not.
    for kept in ["documents", "searches"] {
        let kept = files_in(&farm.path("data/registry-cache").join(kept))?;
        paths.extend(kept.into_iter().filter(|path| path.is_dir() || name(path).starts_with('.')));
    }
    left.extend(paths.iter().map(|path| path.display().to_string()));
    Ok(left)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is in a directory; nothing where there is none.
fn files_in(dir: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Every file below a directory, by its path in it.
fn files_below(dir: &Path) -> Result<BTreeSet<PathBuf>> {
    let (mut files, mut dirs) = (BTreeSet::new(), vec![dir.to_owned()]);
    while let Some(next) = dirs.pop() {
        for path in files_in(&next)? {
            if path.is_dir() {
                dirs.push(path);
            } else {
                files.insert(path.strip_prefix(dir)?.to_owned());
            }
        }
    }
    Ok(files)
}
