//! `pgxn-testers test`: the same run as on the farm, here.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use protocol::{FileKind, Grade, PgMajor, Report, RunId, SystemClock, Target};
use runner::{Completed, Events, Request, RunEvent, Site, SiteConfig, Source, StoredFile, local, native_targets};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::args::TestArgs;
use crate::config;
use crate::console::{Colour, Console, plain};
use crate::imaging::Imaging;
use crate::signal::Signals;

/// At most this many lines of a log or a diff are printed where a run failed.
const SHOWN_LINES: usize = 60;

/// What was tested where, and what came of it.
struct Cell {
    target: Target,
    completed: Completed,
}

pub(crate) async fn run(args: TestArgs, console: Console) -> Result<ExitCode> {
    let majors = args.majors.or_newest(2);
    let source = match local::find(&args.what, &args.registry).await {
        Ok(source) => source,
        Err(
            error @ (local::NotFound::Path { .. } | local::NotFound::Name { .. } | local::NotFound::Release { .. }),
        ) => {
            console.line(&format!("{} {error}", console.paint(Colour::Red, "error:")));
            return Ok(ExitCode::from(2));
        }
        Err(error) => return Err(error.into()),
    };
    let scratch = tempfile::tempdir().context("make a directory for the run")?;
    let site = site(&args, scratch.path()).await?;
    let shutdown = CancellationToken::new();
    let signals = Signals::cancel(shutdown.clone()).context("listen for signals")?;
    let cells = tokio::select! {
        cells = test_all(&site, &source, &majors, console) => Some(cells),
        () = shutdown.cancelled() => None,
    };
    site.idle().await;
    drop(signals);
    let Some(cells) = cells else {
        console.line("Stopped; the container is removed.");
        return Ok(ExitCode::from(130));
    };
    finish(&args, &cells, console)
}

/// A site whose files are all below `scratch`, but for what lets the next `test` remove the container of this one, should it be killed.
async fn site(args: &TestArgs, scratch: &Path) -> Result<Site> {
    let kept = config::cache_dir().map(|dir| dir.join("pgxn-testers/test"));
    let kept = kept.filter(|dir| std::fs::create_dir_all(dir).is_ok() && tempfile::tempfile_in(dir).is_ok());
    let config = SiteConfig::new(kept.unwrap_or_else(|| scratch.join("runner")), 1);
    let config = config.with_overrides(args.overrides.or_embedded());
    let config = config.with_limits((&args.limits).into()).with_lanes(args.lanes.into());
    let mut site = Site::open(&config, Arc::new(SystemClock)).await?;
    site.work_dir = scratch.join("work");
    site.download_dir = scratch.join("downloads");
    site.registry = Some(args.registry.clone());
    Ok(site)
}

async fn test_all(site: &Site, source: &Source, majors: &[PgMajor], console: Console) -> Vec<Cell> {
    let images = Imaging::of(site, console).ensure();
    let mut cells = Vec::new();
    for target in native_targets(majors) {
        console.line(&console.paint(Colour::Bold, &format!("PostgreSQL {} on {}", target.major, target.platform)));
        let request = Request { run_id: RunId::new(site.clock.now()), source: source.clone(), target };
        let (events, heard) = Events::channel();
        let running = async {
            let completed = runner::run(site, &request, images(target), &events).await;
            drop(events);
            completed
        };
        let (completed, ()) = tokio::join!(running, show(heard, console));
        explain(&completed, console);
        cells.push(Cell { target, completed });
    }
    cells
}

/// Prints phases as they come and go.
async fn show(mut heard: mpsc::Receiver<RunEvent>, console: Console) {
    while let Some(event) = heard.recv().await {
        match event {
            RunEvent::PhaseEnded(record) => {
                let seconds = format!("{:.1} s", std::time::Duration::from_millis(record.duration_ms).as_secs_f64());
                console.line(&format!("  {:<14} {:<8} {seconds:>8}", record.phase, record.outcome));
            }
            RunEvent::Note(note) => console.line(&console.paint(Colour::Dim, &format!("  {}", plain(&note)))),
            RunEvent::PhaseStarted(_) | RunEvent::Output(..) => {}
        }
    }
}

/// Prints the verdict and, where the author can mend something, what there is to see.
fn explain(completed: &Completed, console: Console) {
    let verdict = &completed.report.verdict;
    let sentence = plain(&verdict.reason.sentence_with(&verdict.detail));
    console.line(&format!("  {} {sentence}", console.grade(verdict.grade())));
    for warning in &completed.report.circumstances.warnings {
        let head = console.paint(Colour::Yellow, &format!("{} warns:", warning.phase));
        console.line(&format!("  {head} {}", plain(&warning.text)));
    }
    if verdict.blame().is_none() {
        return;
    }
    let decisive = verdict.decisive.as_ref();
    if let Some(decisive) = decisive {
        console.line(&format!("  {}:{}: {}", decisive.file, decisive.line, plain(&decisive.text)));
    }
    let diffs = completed.files.iter().find(|file| file.record.kind == FileKind::Diffs);
    let log = completed.files.iter().find(|file| decisive.is_some_and(|decisive| decisive.file == file.record.name));
    if let Some(file) = diffs.or(log) {
        show_file(file, if diffs.is_some() { None } else { decisive.map(|decisive| decisive.line) }, console);
    }
}

/// Prints the beginning of a file, or the lines up to a decisive one.
fn show_file(file: &StoredFile, until: Option<u64>, console: Console) {
    let Ok(bytes) = zstd::decode_all(file.zstd.as_slice()) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let end = until.and_then(|line| usize::try_from(line).ok()).map_or(SHOWN_LINES, |line| line + 3);
    for line in text.lines().skip(end.saturating_sub(SHOWN_LINES)).take(end.min(SHOWN_LINES)) {
        console.line(&format!("  | {}", plain(line)));
    }
}

fn finish(args: &TestArgs, cells: &[Cell], console: Console) -> Result<ExitCode> {
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
    if args.json {
        let reports: Vec<&Report> = cells.iter().map(|cell| &cell.completed.report).collect();
        let mut out = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &reports).and_then(|()| writeln!(out).map_err(serde_json::Error::io))?;
    }
    Ok(exit_code(cells.iter().map(|cell| cell.completed.report.verdict.grade())))
}

/// Writes the report and its files into a directory.
fn keep(dir: &PathBuf, completed: &Completed) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    let write =
        |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()));
    for file in &completed.files {
        let bytes =
            zstd::decode_all(file.zstd.as_slice()).with_context(|| format!("decompress {}", file.record.name))?;
        write(&dir.join(&file.record.name), &bytes)?;
    }
    write(&dir.join("report.json"), &serde_json::to_vec_pretty(&completed.report)?)
}

/// 1 for a FAIL; 3 where only the farm's side failed.
fn exit_code(grades: impl Iterator<Item = Grade>) -> ExitCode {
    let grades: Vec<Grade> = grades.collect();
    if grades.contains(&Grade::Fail) {
        ExitCode::from(1)
    } else if grades.iter().any(|grade| matches!(grade, Grade::Blocked | Grade::Env | Grade::Error)) {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fail_weighs_more_than_what_the_farm_lacks() {
        let code = |grades: &[Grade]| exit_code(grades.iter().copied());
        assert_eq!(code(&[Grade::Pass, Grade::Env, Grade::Fail]), ExitCode::from(1));
        assert_eq!(code(&[Grade::Pass, Grade::Env]), ExitCode::from(3));
        assert_eq!(code(&[Grade::Pass, Grade::Untested, Grade::Na]), ExitCode::SUCCESS);
    }
}
