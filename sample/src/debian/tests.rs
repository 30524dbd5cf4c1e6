//! These ask the Debian archive that this machine's apt knows; without one they say so and are skipped.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::Tree;

#[derive(Default)]
struct Heard {
    lines: Mutex<Vec<String>>,
    stop_after_one: bool,
    stopped: AtomicBool,
}

impl Progress for Heard {
    fn say(&self, event: Event<'_>) {
        let line = format!("{event:?}");
        eprintln!("{line}");
        self.lines.lock().unwrap().push(line);
        if self.stop_after_one && matches!(event, Event::Made { .. }) {
            self.stopped.store(true, Ordering::SeqCst);
        }
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

fn small() -> Order {
    Order { selection: Selection::Small, archive: None }
}

/// The corpus as a tree in which everything is as it should be.
fn check(summary: &Summary) {
    let mirror = Mirror::open(&summary.tree).unwrap();
    assert_eq!(mirror.releases().count(), summary.releases);
    for release in mirror.releases() {
        let bytes = std::fs::read(mirror.archive_path(&release.dist, &release.version)).unwrap();
        let files = Tree::of_zip(&bytes, release.dist.as_str()).unwrap();
        assert!(files.file("META.json").is_some(), "{}", release.dist);
        assert!(files.file("Makefile").is_some() || files.file("configure.ac").is_some(), "{}", release.dist);
    }
}

#[test]
fn the_small_registry_is_made_from_debians_archive_goes_on_where_it_stopped_and_then_asks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let first = Heard { stop_after_one: true, ..Heard::default() };
    assert!(matches!(build(dir.path(), &small(), &first), Err(Error::Stopped)));
    let second = Heard::default();
    let summary = build(dir.path(), &small(), &second).unwrap();
    assert!(summary.releases >= 10, "{:?}", summary.skipped);
    assert!(summary.made < summary.releases, "nothing was kept of the build that was stopped");
    check(&summary);
    let third = Heard::default();
    let nowhere = Archive::of_sources("deb http://archive.invalid/debian trixie main");
    let again = build(dir.path(), &Order { archive: nowhere, ..small() }, &third).unwrap();
    assert_eq!((again.made, again.releases), (0, summary.releases));
    if summary.skipped.is_empty() {
        assert!(third.lines.lock().unwrap().is_empty());
    }
}

#[test]
fn an_archive_that_is_not_there_is_named_in_the_error() {
    assert!(Path::new(apt::HELPER).exists(), "this machine has no apt, of which the sample registry is made");
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::of_sources(&format!("deb file:{}/nothing/debian trixie main", dir.path().display()));
    let error = build(dir.path(), &Order { archive, ..small() }, &Heard::default()).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::Nothing { .. }) && said.contains("nothing/debian"), "{said}");
}
