//! `pgxn-testers test`: the same run as on the farm, here.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use pgxn::{ClientOptions, Memory};
use protocol::{FileKind, Grade, Overrides, PgMajor, Platform, RunId, SystemClock, Target};
use runner::{Completed, Events, Held, Hold, Request, Site, SiteConfig, Source, Standing};
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
mod what;
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
    let source = match what::find(&what, &args, client.clone(), console).await? {
        Ok(source) => source,
        Err(code) => return Ok(code),
    };
    let meta = what::meta(&source).await;
    let platform = args.emulate.unwrap_or(Platform::native());
    let majors = what::majors(&args, meta.as_ref(), console);
    let subject = what::subject(&what, &source, meta.as_ref());
    let overrides = match what::overrides(&args, &source, meta.as_ref()) {
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

/// Says what is wrong with how it was called.
fn refuse(console: Console, why: &str) -> ExitCode {
    console.line(&format!("{} {why}", console.paint(Colour::Red, "error:")));
    ExitCode::from(2)
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
mod tests;
