//! `pgxn-testers test`: the same run as on the farm, here.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use pgxn::Meta;
use protocol::{FileKind, Grade, Overrides, PgMajor, Platform, RunId, SystemClock, Target};
use runner::{Completed, Events, Request, Site, SiteConfig, Source, local};
use tokio_util::sync::CancellationToken;

use crate::args::{FailOn, TestArgs};
use crate::config;
use crate::console::{Colour, Console};
use crate::imaging::Imaging;
use crate::signal::Signals;

pub(crate) mod around;
mod github;
mod junit;
mod markdown;
mod place;
mod propose;
mod report;
mod show;
mod update;

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

pub(crate) async fn run(args: TestArgs, console: Console) -> Result<ExitCode> {
    if report::clash(&args.report) {
        return Ok(refuse(
            console,
            "only one report can be printed; give the others a file, such as `--report junit=tests.xml`",
        ));
    }
    let what = match &args.what {
        Some(what) => what.clone(),
        None => ".".to_owned(),
    };
    if args.propose_meta {
        return propose::print(Path::new(&what), console);
    }
    let source = match local::find(&what, &args.registry).await {
        Ok(Source::Directory(dir)) => match around::find(&dir) {
            Some(dir) => Source::Directory(dir),
            None => return Ok(refuse(console, &around::missing(&dir))),
        },
        Ok(source) => source,
        Err(
            error @ (local::NotFound::Path { .. } | local::NotFound::Name { .. } | local::NotFound::Release { .. }),
        ) => return Ok(refuse(console, &error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let meta = meta(&source).await;
    let platform = args.emulate.unwrap_or(Platform::native());
    let majors = majors(&args, meta.as_ref(), console).into_iter();
    let targets: Vec<_> = majors.map(|major| Target { major, platform }).collect();
    let subject = subject(&what, &source, meta.as_ref());
    let overrides = match overrides(&args, &source, meta.as_ref()) {
        Ok(overrides) => overrides,
        Err(why) => return Ok(refuse(console, &why)),
    };
    if args.update_expected && subject.dir.is_none() {
        return Ok(refuse(console, "only a directory has expected files to update"));
    }
    let scratch = tempfile::tempdir().context("make a directory for the run")?;
    let site = site(&args, overrides, scratch.path()).await?;
    let shutdown = CancellationToken::new();
    let signals = Signals::cancel(shutdown.clone()).context("listen for signals")?;
    let cells = tokio::select! {
        cells = test_all(&site, &source, &targets, args.jobs, console) => Some(cells),
        () = shutdown.cancelled() => None,
    };
    site.idle().await;
    drop(signals);
    let Some(cells) = cells else {
        console.line("Stopped; the container is removed.");
        return Ok(ExitCode::from(130));
    };
    finish(&args, &subject, &cells, console)
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
    let Some(range) = meta.map(Meta::postgres_range).filter(|range| args.majors.pg.is_empty() && !range.is_any())
    else {
        return args.majors.or_newest(MAJORS);
    };
    let all = args.majors.or_supported();
    let fit: Vec<PgMajor> = all.iter().copied().filter(|major| range.allows_postgres(*major)).take(MAJORS).collect();
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
    let of_zip = || match source {
        Source::Zip(path) => pgxn::acceptance::archive(path, &pgxn::archive::Limits::default()).ok()?.identity,
        _ => None,
    };
    let dist = meta.map(|meta| meta.name.clone()).or_else(|| of_zip()?.name.parse().ok());
    let dist = dist.ok_or(
        "--package and --setting need a META.json that can be read, as they are for the distribution that it names",
    )?;
    args.need.and(all, dist)
}

fn subject(what: &str, source: &Source, meta: Option<&Meta>) -> report::Subject {
    let name = meta.map_or_else(|| what.to_owned(), |meta| format!("{} {}", meta.name, meta.version));
    let dir = match source {
        Source::Directory(dir) => Some(dir.clone()),
        _ => None,
    };
    report::Subject { name, dir }
}

/// A site whose files are all below `scratch`, but for what lets the next `test` remove the container of this one, should it be killed.
async fn site(args: &TestArgs, overrides: Overrides, scratch: &Path) -> Result<Site> {
    let kept = config::cache_dir().map(|dir| dir.join("pgxn-testers/test"));
    let kept = kept.filter(|dir| std::fs::create_dir_all(dir).is_ok() && tempfile::tempfile_in(dir).is_ok());
    let config = SiteConfig::new(kept.unwrap_or_else(|| scratch.join("runner")), args.jobs);
    let config = config.with_overrides(Arc::new(overrides));
    let config = config.with_limits((&args.limits).into()).with_lanes(args.lanes.into());
    let mut site = Site::open(&config, Arc::new(SystemClock)).await?;
    site.work_dir = scratch.join("work");
    site.download_dir = scratch.join("downloads");
    site.registry = Some(args.registry.clone());
    Ok(site)
}

/// Tests on every target, so many at a time; the cells are in the order of the majors.
async fn test_all(site: &Site, source: &Source, targets: &[Target], jobs: u16, console: Console) -> Vec<Cell> {
    let images = Imaging::of(site, console).ensure();
    let images = &images;
    let test = |target: Target| async move {
        let said = show::Lines::of(target, jobs > 1, console);
        said.head();
        let request = Request { run_id: RunId::new(site.clock.now()), source: source.clone(), target };
        let (events, heard) = Events::channel();
        let running = async {
            let completed = runner::run(site, &request, images(target), &events).await;
            drop(events);
            completed
        };
        let (completed, ()) = tokio::join!(running, said.follow(heard));
        let cell = Cell { target, completed };
        said.explain(&cell);
        cell
    };
    stream::iter(targets.iter().copied()).map(test).buffered(usize::from(jobs)).collect().await
}

fn finish(args: &TestArgs, subject: &report::Subject, cells: &[Cell], console: Console) -> Result<ExitCode> {
    if let Some(output) = &args.output {
        for cell in cells {
            keep(&output.join(cell.target.to_string()), &cell.completed)?;
        }
        console.line(&format!("Logs and reports are in {}", output.display()));
    }
    console.line("");
    for Cell { target, completed } in cells {
        let verdict = &completed.report.verdict;
        let line = format!("{} {target:<12} {} {}", console.grade(verdict.grade()), verdict.phase, verdict.reason);
        console.line(&line);
    }
    report::write(&args.report, subject, cells)?;
    if let Some(dir) = subject.dir.as_ref().filter(|_| args.update_expected) {
        update::update(dir, cells, console)?;
    }
    Ok(exit_code(cells.iter().map(Cell::grade), &args.fail_on))
}

/// Writes the report and its files into a directory.
fn keep(dir: &PathBuf, completed: &Completed) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    let write =
        |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()));
    for file in &completed.files {
        write(&dir.join(&file.record.name), &file.bytes())?;
    }
    write(&dir.join("report.json"), &serde_json::to_vec_pretty(&completed.report)?)
}

/// 1 where the extension failed; 3 where only the farm's side did; of the grades that count as failed.
fn exit_code(grades: impl Iterator<Item = Grade>, fail_on: &FailOn) -> ExitCode {
    let failed: Vec<Grade> = grades.filter(|grade| fail_on.has(*grade)).collect();
    if failed.iter().any(|grade| !matches!(grade, Grade::Blocked | Grade::Env | Grade::Error)) {
        ExitCode::from(1)
    } else if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(3)
    }
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

    #[test]
    fn a_fail_weighs_more_than_what_the_farm_lacks() {
        let code = |grades: &[Grade]| exit_code(grades.iter().copied(), &FailOn::USUAL.parse().unwrap());
        assert_eq!(code(&[Grade::Pass, Grade::Env, Grade::Fail]), ExitCode::from(1));
        assert_eq!(code(&[Grade::Pass, Grade::Env]), ExitCode::from(3));
        assert_eq!(code(&[Grade::Pass, Grade::Untested, Grade::Na]), ExitCode::SUCCESS);
        let strict = |grades: &[Grade]| exit_code(grades.iter().copied(), &"UNTESTED".parse().unwrap());
        assert_eq!((strict(&[Grade::Untested]), strict(&[Grade::Env])), (ExitCode::from(1), ExitCode::SUCCESS));
    }
}
