//! `pgxn-testers test`: the same run as on the farm, here.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use pgxn::{ClientOptions, Memory, Meta};
use protocol::{FileKind, Grade, Name, Overrides, PgMajor, Platform, RunId, SystemClock, Target, Version};
use runner::{Completed, Events, Held, Hold, Request, Site, SiteConfig, Source, Standing, local};
use tokio_util::sync::CancellationToken;

use crate::args::TestArgs;
use crate::config;
use crate::console::{Colour, Console};
use crate::imaging::Imaging;
use crate::signal::Signals;

pub(crate) mod around;
mod bisect;
mod board;
mod end;
mod github;
mod junit;
mod markdown;
mod place;
mod propose;
mod report;
mod shell;
mod show;
mod update;
mod upload;
mod watch;
mod wrong;

use board::Board;
use upload::Upload;

pub(crate) use report::Wanted;

/// How many of the newest supported majors are tested where none is named.
const MAJORS: usize = 2;

/// What was tested where, and what came of it.
struct Cell {
    target: Target,
    completed: Completed,
}

impl Cell {
    /// `17, amd64`.
    fn on(&self) -> String {
        format!("{}, {}", self.target.major, self.target.platform)
    }

    fn grade(&self) -> Grade {
        self.completed.report.verdict.grade()
    }

    /// The text of a file of the run.
    fn text(&self, is_it: impl Fn(&protocol::FileRecord) -> bool) -> Option<(String, String)> {
        let file = self.completed.files.iter().find(|file| is_it(&file.record))?;
        Some((file.record.name.clone(), String::from_utf8_lossy(&file.bytes()).into_owned()))
    }

    /// How outputs differ from what was expected; none where nothing was compared, or nothing differs.
    fn diffs(&self) -> Option<String> {
        self.text(|record| record.kind == FileKind::Diffs).map(|(_, text)| text)
    }

    /// The file that tells most of a run that is not well, by name, and so many lines of it: the beginning of the differences, or the lines up
    /// to the decisive one.
    fn shown(&self, most: usize) -> Option<(String, Vec<String>)> {
        let verdict = &self.completed.report.verdict;
        verdict.blame()?;
        if let Some((name, text)) = self.text(|record| record.kind == FileKind::Diffs) {
            return Some((name, text.lines().take(most).map(str::to_owned).collect()));
        }
        let decisive = verdict.decisive.as_ref()?;
        let (name, text) = self.text(|record| record.name == decisive.file)?;
        let end = usize::try_from(decisive.line).unwrap_or(usize::MAX).saturating_add(3);
        Some((name, text.lines().take(end).skip(end.saturating_sub(most)).map(str::to_owned).collect()))
    }
}

/// What all tests of a call have in common.
struct Job<'a> {
    args: &'a TestArgs,
    site: &'a Site,
    source: &'a Source,
    majors: &'a [PgMajor],
    platform: Platform,
    subject: &'a report::Subject,
    upload: Option<&'a Upload>,
    console: Console,
}

impl Job<'_> {
    /// What a major is tested on.
    fn target(&self, major: PgMajor) -> Target {
        Target { major, platform: self.platform }
    }

    /// What all of it is tested on, in the order of the majors.
    fn targets(&self) -> Vec<Target> {
        self.majors.iter().map(|major| self.target(*major)).collect()
    }
}

/// A run that is over, or has paused.
struct Tested {
    /// None where it paused before its verdict.
    cell: Option<Cell>,
    /// Its container, where that was to be kept.
    standing: Option<Standing>,
    /// What was not here, where nothing was to be fetched.
    lacks: Option<String>,
}

pub(crate) async fn run(args: TestArgs, console: Console) -> Result<ExitCode> {
    let what = args.what.clone().unwrap_or_else(|| ".".to_owned());
    if let Some(why) = wrong::combined(&args) {
        return Ok(refuse(console, &why));
    }
    if args.propose_meta {
        return propose::print(Path::new(&what), console);
    }
    let scratch = tempfile::tempdir().context("make a directory for the run")?;
    let kept = kept_dir(scratch.path());
    let client = client(&kept, args.modes.offline);
    let source = match find(&what, &args, client.clone(), console).await? {
        Ok(source) => source,
        Err(code) => return Ok(code),
    };
    let meta = meta(&source).await;
    let platform = args.emulate.unwrap_or(Platform::native());
    let majors = majors(&args, meta.as_ref(), console);
    let subject = subject(&what, &source, meta.as_ref());
    let overrides = match overrides(&args, &source, meta.as_ref()) {
        Ok(overrides) => overrides,
        Err(why) => return Ok(refuse(console, &why)),
    };
    if let Some(why) = wrong::about(&args, &subject, &majors) {
        return Ok(refuse(console, &why));
    }
    let upload = match Upload::wanted(&args.upload, &source, meta.as_ref()) {
        Ok(upload) => upload,
        Err(why) => return Ok(refuse(console, &why)),
    };
    let upload = upload.as_ref();
    let site = site(&args, overrides, (scratch.path(), kept), client).await?;
    let shutdown = CancellationToken::new();
    let signals = Signals::cancel_at_terminal(shutdown.clone()).context("listen for signals")?;
    let job = Job {
        args: &args,
        site: &site,
        source: &source,
        majors: &majors,
        platform,
        subject: &subject,
        upload,
        console,
    };
    let ended = tokio::select! {
        ended = in_its_mode(&job, &shutdown) => Some(ended),
        () = shutdown.cancelled() => None,
    };
    site.idle().await;
    drop(signals);
    ended.unwrap_or_else(|| {
        console.line("Stopped; the container is removed.");
        Ok(ExitCode::from(130))
    })
}

/// Tests once, or as the flags say.
async fn in_its_mode(job: &Job<'_>, shutdown: &CancellationToken) -> Result<ExitCode> {
    let modes = &job.args.modes;
    if let Some(how) = modes.bisect_pg {
        return bisect::run(job, job.majors, how).await;
    }
    if let Some(dir) = job.subject.dir.as_ref().filter(|_| modes.watch) {
        return watch::run(job, dir).await.map(|()| ExitCode::SUCCESS);
    }
    let hold = modes.shell.map_or(Hold::default(), |shell| Hold::to_look(shell.after()));
    let mut tested = test_all(job, hold).await;
    let lacks = tested.iter().find_map(|tested| tested.lacks.clone());
    let code = {
        let cells: Vec<Cell> = tested.iter_mut().filter_map(|tested| tested.cell.take()).collect();
        let code = end::finish(job, &cells, lacks.as_deref())?;
        if let Some(upload) = job.upload {
            upload.tell(&cells, (job.console, job.args.report.iter().any(report::is_for_github))).await;
        }
        if let ([first], Ok([cell])) = (&mut tested[..], <[Cell; 1]>::try_from(cells)) {
            first.cell = Some(cell);
        }
        code
    };
    if let (Some(shell), [tested]) = (modes.shell, &mut tested[..]) {
        Box::pin(shell::open(tested, shell, job.console, shutdown)).await?;
    }
    Ok(code)
}

/// What is to be tested; else the exit code, once it is said why there is nothing.
async fn find(
    what: &str,
    args: &TestArgs,
    client: ClientOptions,
    console: Console,
) -> Result<Result<Source, ExitCode>> {
    let missing = match local::find(what, &args.registry, client).await {
        Ok(Source::Directory(dir)) => match around::find(&dir) {
            Some(dir) => return Ok(Ok(Source::Directory(dir))),
            None => around::missing(&dir),
        },
        Ok(source) => return Ok(Ok(source)),
        Err(local::NotFound::Registry(error @ pgxn::Error::Offline { .. })) => {
            let why =
                format!("{error}, and offline nothing is fetched; the same test without --offline brings it here");
            refuse(console, &why);
            return Ok(Err(ExitCode::from(4)));
        }
        Err(
            error @ (local::NotFound::Path { .. } | local::NotFound::Name { .. } | local::NotFound::Release { .. }),
        ) => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    Ok(Err(refuse(console, &missing)))
}

/// Says what is wrong with how it was called.
fn refuse(console: Console, why: &str) -> ExitCode {
    console.line(&format!("{} {why}", console.paint(Colour::Red, "error:")));
    ExitCode::from(2)
}

/// What the distribution says of itself, where that can be read before its run, which tells what is wrong with it.
async fn meta(source: &Source) -> Option<Meta> {
    match source {
        Source::Directory(dir) => Meta::parse(&std::fs::read(dir.join(around::META)).ok()?).ok(),
        Source::Release(registry, release) => registry.meta(&release.dist, &release.version).await.ok()?,
        Source::Zip(_) | Source::Nowhere(_) => None,
    }
}

/// Those that are named, or the newest that the distribution says it works with.
fn majors(args: &TestArgs, meta: Option<&Meta>, console: Console) -> Vec<PgMajor> {
    let count = match (args.modes.bisect_pg, args.modes.shell) {
        (Some(_), _) => usize::MAX,
        (None, Some(_)) => 1,
        (None, None) => MAJORS,
    };
    let Some(range) = meta.map(Meta::postgres_range).filter(|range| args.majors.pg.is_empty() && !range.is_any())
    else {
        return args.majors.or_newest(count);
    };
    let all = args.majors.or_supported();
    let fit: Vec<PgMajor> = all.iter().copied().filter(|major| range.allows_postgres(*major)).take(count).collect();
    if fit.is_empty() {
        console.line(&format!(
            "Its META asks for PostgreSQL {range}, which no supported PostgreSQL is; `--pg` names others."
        ));
        return args.majors.or_newest(1);
    }
    fit
}

/// What releases need beyond the plain image, with what the command line says of this one; or why that cannot be.
fn overrides(args: &TestArgs, source: &Source, meta: Option<&Meta>) -> Result<Overrides, String> {
    let all = Arc::unwrap_or_clone(args.overrides.or_embedded());
    if args.need.is_empty() {
        return Ok(all);
    }
    let (dist, _) = identity(source, meta).ok_or(
        "--package and --setting need a META.json that can be read, as they are for the distribution that it names",
    )?;
    args.need.and(all, dist)
}

/// Name and version, where the source says them.
fn identity(source: &Source, meta: Option<&Meta>) -> Option<(Name, Version)> {
    match (meta, source) {
        (Some(meta), _) => Some((meta.name.clone(), meta.version.clone())),
        (None, Source::Zip(path)) => {
            let found = pgxn::acceptance::archive(path, &pgxn::archive::Limits::default()).ok()?.identity?;
            Some((found.name.parse().ok()?, found.version.parse().ok()?))
        }
        (None, _) => None,
    }
}

fn subject(what: &str, source: &Source, meta: Option<&Meta>) -> report::Subject {
    let name = meta.map_or_else(|| what.to_owned(), |meta| format!("{} {}", meta.name, meta.version));
    let dir = match source {
        Source::Directory(dir) => Some(dir.clone()),
        _ => None,
    };
    report::Subject { name, dir }
}

/// What stays between calls, so that the next `test` can remove the container of this one, should it be killed, and has the prerequisites,
/// archives and answers of the registry that this one asked for; below `scratch` where there is no other place.
fn kept_dir(scratch: &Path) -> PathBuf {
    let kept = config::cache_dir().map(|dir| dir.join("pgxn-testers/test"));
    let kept = kept.filter(|dir| std::fs::create_dir_all(dir).is_ok() && tempfile::tempfile_in(dir).is_ok());
    kept.unwrap_or_else(|| scratch.join("runner"))
}

/// How registries are asked: what they answer is kept, and is all there is offline.
fn client(kept: &Path, offline: bool) -> ClientOptions {
    ClientOptions { memory: Some(Memory::new(kept.join("registry"), offline)), ..ClientOptions::default() }
}

/// Where the runs are made.
async fn site(
    args: &TestArgs,
    overrides: Overrides,
    (scratch, kept): (&Path, PathBuf),
    client: ClientOptions,
) -> Result<Site> {
    let config = SiteConfig::new(kept, args.jobs).with_overrides(Arc::new(overrides));
    let config = config.with_limits((&args.limits).into()).with_lanes(args.lanes.into());
    let mut site = Site::open(&config.offline(args.modes.offline), Arc::new(SystemClock)).await?;
    site.work_dir = scratch.join("work");
    site.client = client;
    site.registry = Some(args.registry.clone());
    Ok(site)
}

/// Tests on every target, so many at a time; in the order of the majors.
async fn test_all(job: &Job<'_>, hold: Hold) -> Vec<Tested> {
    let targets = job.targets();
    let board = Board::new(&targets, job.args.jobs, job.console);
    let test = |target: Target| {
        let lines = board.lines(target);
        async move { test_one(job, &lines, target, hold).await }
    };
    in_order(targets.iter().copied().map(test), job.args.jobs).await
}

/// Runs so many at a time; what came of them is in their order.
async fn in_order<F: Future<Output = Tested>>(runs: impl Iterator<Item = F>, jobs: u16) -> Vec<Tested> {
    stream::iter(runs).buffered(usize::from(jobs)).collect().await
}

/// Tests on one target.
async fn test_one(job: &Job<'_>, lines: &show::Lines, target: Target, hold: Hold) -> Tested {
    let images = Imaging::of(job.site, job.console).ensure();
    lines.head();
    let request = Request { run_id: RunId::new(job.site.clock.now()), source: job.source.clone(), target };
    let (events, heard) = Events::channel();
    let running = async {
        let over = Box::pin(runner::run_held(job.site, &request, images(target), &events, hold)).await;
        drop(events);
        over
    };
    let (Held { completed, standing, lacks }, ()) = tokio::join!(running, lines.follow(heard));
    let cell = completed.map(|completed| Cell { target, completed });
    lines.end(cell.as_ref());
    Tested { cell, standing, lacks }
}

#[cfg(test)]
mod tests {
    use protocol::{
        Circumstances, Decisive, FileRecord, Outcome, Overhead, Phase, PhaseRecord, Reason, Report, RunnerFacts, Suite,
        TestOutcome, TestRecord, Timestamp, Verdict,
    };
    use runner::StoredFile;

    use super::*;

    pub(super) fn subject() -> report::Subject {
        report::Subject { name: "pair 1.0.0".into(), dir: None }
    }

    /// A test that failed, with such a detail in its verdict, which is in its differences too.
    pub(super) fn failing(detail: &str) -> Cell {
        let diffs = format!(
            "--- /sandbox/src/test/expected/pair.out\t2026-11-20\n+++ /sandbox/src/results/pair.out\n@@ -11,3 +11,3 @@\n one\n-two\n+three\n {detail}\n"
        );
        let kind = FileKind::Diffs;
        let bytes = diffs.len() as u64;
        let record =
            FileRecord { name: "regression.diffs".into(), kind, sha256: "00".repeat(32), bytes, omitted_bytes: 0 };
        let zstd = zstd::encode_all(diffs.as_bytes(), 1).unwrap();
        let decisive = Decisive { file: "installcheck.log".into(), line: 3, text: detail.into() };
        let test = |name: &str, outcome| TestRecord {
            suite: Suite::Regress,
            name: name.into(),
            outcome,
            duration_ms: Some(12),
        };
        let phase = PhaseRecord {
            phase: Phase::Installcheck,
            outcome: Outcome::Failed,
            reason: Some(Reason::TestsFailed),
            exit: Some(2),
            signal: None,
            duration_ms: 1_000,
            cpu_ms: None,
            peak_memory_bytes: None,
            command: "make installcheck".into(),
            log: None,
        };
        let runner = RunnerFacts {
            version: "0.1.0".into(),
            kernel: "Linux".into(),
            engine: "Docker".into(),
            cpus: 1.0,
            memory_bytes: 1,
        };
        let report = Report {
            run_id: RunId::new(Timestamp::from_millis(0)),
            verdict: Verdict {
                decisive: Some(decisive),
                ..Verdict::new(Phase::Installcheck, Reason::TestsFailed).with_detail(detail)
            },
            phases: vec![phase],
            tests: vec![test("base", TestOutcome::Passed), test(detail, TestOutcome::Failed)],
            files: vec![record.clone()],
            archive: None,
            image: None,
            runner,
            notes: Vec::new(),
            circumstances: Circumstances::default(),
            overhead: Overhead::default(),
            started_at: Timestamp::from_millis(0),
            finished_at: Timestamp::from_millis(1_000),
        };
        let files = vec![StoredFile { record, zstd }];
        Cell { target: "pg17-amd64".parse().unwrap(), completed: Completed { report, files } }
    }
}
