//! `--watch`: tests a directory again whenever it is another, in the sandbox of the run before.
//!
//! What counts is what a run would take: a listing of that, with sizes and times, is compared whenever the system says that something
//! happened below the directory. Objects of a build, `.git` and what git ignores change nothing. A run that goes on when a file changes is
//! finished first: ended in the middle, it would leave no tree to go on with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use notify_watch::{RecommendedWatcher, RecursiveMode, Watcher};
use protocol::Target;
use runner::local::Snapshot;
use runner::{Events, Hold, Standing};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::board::Board;
use super::show::Lines;
use super::{Cell, Job, Tested, end, in_order, test_one};
use crate::console::{Colour, plain};

/// An editor writes more than one file at a time, and some twice.
const SETTLED: Duration = Duration::from_millis(200);
/// How often the directory is looked at where the system does not say when something happens in it; and how often in any case.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// So many changed files are named.
const NAMED: usize = 5;

/// Tests until the future is dropped.
pub(super) async fn run(job: &Job<'_>, dir: &Path) -> Result<()> {
    let mut changes = Changes::of(dir)?;
    let targets = job.targets();
    let mut standing: BTreeMap<Target, Standing> = BTreeMap::new();
    loop {
        let began = Instant::now();
        let board = Board::new(&targets, job.args.jobs, job.console);
        let retest = |target: Target, left: Option<Standing>| {
            let lines = board.lines(target);
            async move { Box::pin(again(job, &lines, target, left)).await }
        };
        let left: Vec<_> = targets.iter().map(|target| (*target, standing.remove(target))).collect();
        let tested = in_order(left.into_iter().map(|(target, left)| retest(target, left)), job.args.jobs).await;
        drop(board);
        let mut cells = Vec::new();
        for Tested { cell, standing: left, .. } in tested {
            standing.extend(left.map(|left| (left.target(), left)));
            cells.extend(cell);
        }
        end::finish(job, &cells, None)?;
        let meanwhile = changes.so_far().await?;
        if meanwhile.is_empty() {
            let text = format!(
                "It took {:.1} s. Waiting for a change in {}; Ctrl-C ends.",
                began.elapsed().as_secs_f64(),
                dir.display()
            );
            job.console.line(&job.console.paint(Colour::Dim, &text));
            let names = changes.next().await?;
            job.console.line(&format!("\nChanged: {}. Testing again.", spoken(&names)));
        } else {
            job.console.line(&format!("\nChanged while this was tested: {}. Testing again.", spoken(&meanwhile)));
        }
    }
}

/// Goes on in the container of the run before, or begins anew where there is none, or it cannot be used.
async fn again(job: &Job<'_>, lines: &Lines, target: Target, left: Option<Standing>) -> Tested {
    if let Some(mut standing) = left {
        lines.head();
        let (events, heard) = Events::channel();
        let running = async {
            let completed = standing.resume(&events).await;
            drop(events);
            completed
        };
        let (completed, ()) = tokio::join!(running, lines.follow(heard));
        if let Some(completed) = completed {
            let cell = Cell { target, completed };
            lines.end(Some(&cell));
            return Tested { cell: Some(cell), standing: Some(standing), lacks: None };
        }
        job.console.line("This change needs a sandbox of its own; beginning anew.");
        standing.remove().await;
    }
    test_one(job, lines, target, Hold::to_resume()).await
}

fn spoken(paths: &[PathBuf]) -> String {
    let mut names: Vec<String> = paths.iter().take(NAMED).map(|path| plain(&path.display().to_string())).collect();
    if paths.len() > NAMED {
        names.push(format!("and {} more", paths.len() - NAMED));
    }
    names.join(", ")
}

/// What changes of a directory.
struct Changes {
    dir: PathBuf,
    /// What it was when it was last looked at.
    seen: Snapshot,
    /// None where the system does not say when something happens, such as on some network file systems.
    watcher: Option<RecommendedWatcher>,
    happened: mpsc::Receiver<()>,
}

impl Changes {
    fn of(dir: &Path) -> Result<Self> {
        let (sender, happened) = mpsc::channel(1);
        let watcher = notify_watch::recommended_watcher(move |_| {
            // One word is enough, however much happened.
            let _ = sender.try_send(());
        });
        let watcher = watcher.and_then(|mut watcher: RecommendedWatcher| {
            watcher.watch(dir, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        let watcher = watcher.inspect_err(|error| tracing::debug!(%error, "looking once a second instead")).ok();
        Ok(Self { dir: dir.to_owned(), seen: snapshot(dir)?, watcher, happened })
    }

    /// What is another since it was last looked at.
    async fn so_far(&mut self) -> Result<Vec<PathBuf>> {
        let dir = self.dir.clone();
        let now = tokio::task::spawn_blocking(move || snapshot(&dir)).await.context("look at the directory")??;
        let changed = now.differing(&self.seen);
        self.seen = now;
        Ok(changed)
    }

    /// Waits until something is another, and no more happens for a moment.
    async fn next(&mut self) -> Result<Vec<PathBuf>> {
        loop {
            let pause = if self.watcher.is_some() { LOOKS.1 } else { LOOKS.0 };
            if let Ok(None) = timeout(pause, self.happened.recv()).await {
                self.watcher = None;
                sleep(LOOKS.0).await;
            }
            while let Ok(Some(())) = timeout(SETTLED, self.happened.recv()).await {}
            let changed = self.so_far().await?;
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }
}

fn snapshot(dir: &Path) -> Result<Snapshot> {
    Snapshot::of(dir).with_context(|| format!("list {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_noticed_and_named_and_what_git_ignores_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let status = std::process::Command::new("git").arg("-C").arg(dir.path()).args(["init", "-q"]).status().unwrap();
        assert!(status.success());
        put(".gitignore", "*.o\n");
        put("a.c", "one");
        let mut changes = Changes::of(dir.path()).unwrap();
        put("a.o", "object");
        assert!(changes.so_far().await.unwrap().is_empty());
        put("a.c", "another");
        let noticed = timeout(Duration::from_secs(20), changes.next()).await.expect("it is noticed").unwrap();
        assert_eq!(noticed, [PathBuf::from("a.c")]);
        std::fs::remove_file(dir.path().join("a.c")).unwrap();
        assert_eq!(changes.so_far().await.unwrap(), [PathBuf::from("a.c")]);
    }

    #[test]
    fn many_changes_are_counted() {
        let paths: Vec<PathBuf> = (0..7).map(|number| format!("{number}.c").into()).collect();
        assert_eq!(spoken(&paths), "0.c, 1.c, 2.c, 3.c, 4.c, and 2 more");
        assert_eq!(spoken(&paths[..1]), "0.c");
    }
}
