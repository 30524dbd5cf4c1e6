//! Whole runs of distributions that need others, in real containers, from a registry of fixtures.

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use pgxn::{ClientOptions, Registry};
use protocol::{Clock, FileKind, Origin, Phase, Reason, Report, RunId, SystemClock};
use sample::{Mirror, Tree, Upload, User};

use super::subject;
use super::whole::{fixture, run_source, site};
use crate::event::Events;
use crate::run::{Bench, Book, Completed, Request, Source, Subject, dependencies};
use crate::sandbox::Sandbox;
use crate::sandbox::tests::{TARGET, engine_and_image};
use crate::site::Site;

/// Publishes fixtures in a registry below `dir`, and gives the first of them as a release of it.
async fn published(dir: &Path, fates: &[&str]) -> Source {
    offered(dir, &fates.iter().map(|fate| fixture(fate)).collect::<Vec<_>>(), fates[0]).await
}

/// The same with what lies in these directories.
async fn offered(dir: &Path, sources: &[PathBuf], dist: &str) -> Source {
    let mut mirror = Mirror::open(dir).unwrap();
    let date = protocol::Timestamp::from_millis(1_767_312_000_000);
    let upload =
        |source: &PathBuf| Upload::of_tree(&Tree::of_directory(source).unwrap(), User::named("fixtures"), date);
    mirror.publish_all(sources.iter().map(|source| upload(source).unwrap()).collect::<Vec<_>>()).unwrap();
    let url = format!("file://{}/", dir.display()).parse().unwrap();
    let registry = Registry::open(&url, ClientOptions::default()).await.unwrap();
    let (dist, version) = (dist.parse().unwrap(), "1.0.0".parse().unwrap());
    let release = registry.meta(&dist, &version).await.unwrap().unwrap().release().unwrap();
    Source::Release(registry, Box::new(release))
}

/// An extension without tests in a directory of its own, that needs another distribution or nothing; its Makefile begins so.
pub(super) fn written(dir: &Path, name: &str, needs: Option<&str>, makefile: &str) -> PathBuf {
    let source = dir.join(name);
    std::fs::create_dir(&source).unwrap();
    let needs = needs.map_or("{}".to_owned(), |needs| format!(r#"{{"runtime": {{"requires": {{"{needs}": 0}}}}}}"#));
    let meta = format!(
        r#"{{"name": "{name}", "version": "1.0.0", "abstract": "a", "maintainer": "A <a@example.org>", "license": "postgresql",
        "provides": {{"{name}": {{"file": "{name}--1.0.0.sql", "version": "1.0.0"}}}}, "prereqs": {needs},
        "meta-spec": {{"version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt"}}}}"#
    );
    let pgxs = "PGXS := $(shell $(PG_CONFIG) --pgxs)\ninclude $(PGXS)\n";
    for (file, text) in [
        ("META.json", meta),
        ("Makefile", format!("{makefile}EXTENSION = {name}\nDATA = {name}--1.0.0.sql\n{pgxs}")),
        (&format!("{name}.control"), "default_version = '1.0.0'\n".to_owned()),
        (&format!("{name}--1.0.0.sql"), "SELECT 1;\n".to_owned()),
    ] {
        std::fs::write(source.join(file), text).unwrap();
    }
    source
}

/// Runs the first of these fixtures.
async fn run_first(site: &Site, dir: &Path, fates: &[&str]) -> Completed {
    let source = published(&dir.join(fates.join("+")), fates).await;
    run_source(site, source).await.0
}

fn prerequisites(report: &Report) -> Vec<(String, Origin)> {
    let known = report.circumstances.prerequisites.iter();
    known.map(|one| (one.dist.as_ref().map_or(one.wanted.clone(), ToString::to_string), one.origin)).collect()
}

fn built(origin: Origin, names: &[&str]) -> Vec<(String, Origin)> {
    names.iter().map(|name| ((*name).to_owned(), origin)).collect()
}

#[tokio::test]
async fn what_is_needed_is_installed_first_and_kept_for_the_next_run_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(&dir.path().join("data")).await;
    let fates = ["requires-two-levels", "requires-another", "passes", "has-no-tests"];
    let order = ["has-no-tests", "passes", "requires-another"];
    let Completed { report, files } = run_first(&site, dir.path(), &fates).await;
    assert_eq!(report.verdict.reason, Reason::TestsPassed, "{:?}", report.verdict);
    assert_eq!(prerequisites(&report), built(Origin::Built, &order));
    assert_eq!(report.circumstances.prerequisites[1].range, ">= 1.0.0, < 2.0.0");
    let log = files.iter().find(|file| file.record.name == "dependencies.log").unwrap();
    let text = String::from_utf8_lossy(&log.bytes()).into_owned();
    assert!(text.contains("pgxn-testers: passes 1.0.0, build: make ") && text.contains("install -c"), "{text}");

    let again = run_first(&site, dir.path(), &fates).await.report;
    assert_eq!(again.verdict.reason, Reason::TestsPassed, "{:?}", again.verdict);
    assert_eq!(prerequisites(&again), built(Origin::Cached, &order));

    let kept = std::fs::read_dir(dir.path().join("data/prerequisites")).unwrap().map(|entry| entry.unwrap().path());
    for path in kept {
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let anew = run_first(&site, dir.path(), &fates).await.report;
    assert_eq!(prerequisites(&anew), built(Origin::Built, &order), "a damaged entry is made anew");
    assert_eq!(anew.verdict.reason, Reason::TestsPassed);
}

#[tokio::test]
async fn a_run_is_blocked_by_what_it_needs_and_says_why_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(&dir.path().join("data")).await;
    let Completed { report, files } = run_first(&site, dir.path(), &["requires-what-fails", "fails-to-build"]).await;
    assert_eq!((report.verdict.phase, report.verdict.reason), (Phase::Dependencies, Reason::PrerequisiteFailed));
    let detail = &report.verdict.detail;
    assert!(detail.starts_with("fails-to-build 1.0.0 (build): The compiler refuses its source: "), "{detail}");
    assert_eq!(prerequisites(&report), built(Origin::Missing, &["fails-to-build"]));
    let decisive = report.verdict.decisive.as_ref().unwrap();
    let log = files.iter().find(|file| file.record.name == decisive.file && file.record.kind == FileKind::Log).unwrap();
    let text = String::from_utf8_lossy(&log.bytes()).into_owned();
    let line = text.lines().nth(usize::try_from(decisive.line).unwrap() - 1).unwrap();
    assert_eq!(line, decisive.text, "the line is the one that it names");
    let record = report.phases.last().unwrap();
    assert_eq!((record.log.as_deref(), record.reason), (Some("dependencies.log"), Some(Reason::PrerequisiteFailed)));

    let report = run_first(&site, dir.path(), &["requires-what-misses-a-library", "misses-a-library"]).await.report;
    assert_eq!(report.verdict.reason, Reason::PrerequisiteFailed);
    assert!(report.verdict.detail.contains("does not count against the author: "), "{}", report.verdict.detail);
}

#[tokio::test]
async fn the_time_of_what_is_needed_is_not_the_distributions_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    let (_, image) = engine_and_image().await;
    let (run_id, target) = (RunId::new(SystemClock.now()), TARGET.parse().unwrap());
    let request = Request { run_id, source: Source::Directory(fixture("passes")), target };
    let sandbox = Sandbox::start(&site.place, &image, run_id, &site.limits).await.unwrap();
    let mut packed = tempfile::tempfile().unwrap();
    packed.write_all(&[0; 1024]).unwrap();
    packed.rewind().unwrap();
    let subject = Subject { packed: Some(packed), ..subject(&[]) };
    let events = Events::unheard();
    let mut book = Book::new(&events, SystemClock.now());
    let mut bench = Bench::new(&site, &image, sandbox, subject, target);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let before = bench.left();
    dependencies::run(&mut bench, (&request, true), &mut book).await.unwrap();
    let left = bench.left();
    assert!(left > before, "{left:?} are left, {before:?} were");
    bench.sandbox.remove().await;
}

#[tokio::test]
async fn a_prerequisite_that_takes_too_long_blocks_and_is_named_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(&dir.path().join("data")).await;
    site.limits.run = std::time::Duration::from_secs(4);
    let slow = "all: nap\nnap:\n\tsleep 100\n";
    let sources = [written(dir.path(), "first", Some("second"), ""), written(dir.path(), "second", None, slow)];
    let source = offered(&dir.path().join("mirror"), &sources, "first").await;
    let verdict = run_source(&site, source).await.0.report.verdict;
    assert_eq!((verdict.phase, verdict.reason), (Phase::Dependencies, Reason::PrerequisiteFailed));
    assert!(verdict.detail.starts_with("second 1.0.0 (build): "), "{}", verdict.detail);
}

#[tokio::test]
async fn a_library_of_a_prerequisite_with_which_the_server_does_not_start_blocks_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(&dir.path().join("data")).await;
    let refuses = "refuses-to-be-preloaded";
    let sources = [written(dir.path(), "first", Some(refuses), ""), fixture(refuses)];
    let source = offered(&dir.path().join("mirror"), &sources, "first").await;
    let report = run_source(&site, source).await.0.report;
    assert_eq!((report.verdict.phase, report.verdict.reason), (Phase::Create, Reason::PrerequisiteFailed));
    let detail = &report.verdict.detail;
    assert!(detail.starts_with("refuses_to_be_preloaded, which it does not bring itself: "), "{detail}");
    assert!(report.verdict.decisive.unwrap().text.contains("the moon is not full"));
    assert_eq!(report.phases.last().unwrap().reason, Some(Reason::PrerequisiteFailed));
}

#[tokio::test]
async fn what_cannot_be_put_together_costs_no_build_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(&dir.path().join("data")).await;
    for (fates, reason, detail) in [
        (
            &["requires-what-nobody-has"][..],
            Reason::PrerequisiteMissing,
            "requires-what-nobody-has needs nobody_has_this, which",
        ),
        (
            &["requires-a-version-that-is-not-there", "passes"],
            Reason::PrerequisitesUnresolvable,
            "no release of passes fits what is asked for: >= 99.0.0 by requires-a-version-that-is-not-there; the newest is 1.0.0",
        ),
        (
            &["requires-a-cycle", "closes-a-cycle"],
            Reason::PrerequisitesUnresolvable,
            "requires-a-cycle → closes-a-cycle → requires-a-cycle need each other",
        ),
    ] {
        let report = run_first(&site, dir.path(), fates).await.report;
        assert_eq!((report.verdict.phase, report.verdict.reason), (Phase::Dependencies, reason), "{fates:?}");
        assert!(report.verdict.detail.starts_with(detail), "{}", report.verdict.detail);
    }
}

#[tokio::test]
async fn what_the_server_ships_is_told_and_no_registry_is_asked_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    assert_eq!(site.registry, None);
    let report = run_source(&site, Source::Directory(fixture("passes-with-contrib"))).await.0.report;
    assert_eq!(report.verdict.reason, Reason::TestsPassed, "{:?}", report.verdict);
    assert_eq!(prerequisites(&report), built(Origin::Server, &["hstore"]));
    let report = run_source(&site, Source::Directory(fixture("requires-another"))).await.0.report;
    assert_eq!(report.verdict.reason, Reason::PrerequisiteMissing);
    assert!(report.verdict.detail.contains("no registry"), "{}", report.verdict.detail);
}
