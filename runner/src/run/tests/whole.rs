//! Whole runs in real containers, of the fixtures that are named by their fate; all of them run end to end in `tests/`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::{Clock, FileKind, Flag, Grade, Phase, Reason, RunId, SystemClock, Target};

use crate::config::SiteConfig;
use crate::event::{Events, RunEvent};
use crate::run::{Completed, Request, Source, run};
use crate::sandbox::tests::{TARGET, engine_and_image};
use crate::site::Site;

pub(super) async fn site(dir: &Path) -> Site {
    let mut site = Site::open(&SiteConfig::new(dir.to_owned(), 1), Arc::new(SystemClock)).await.unwrap();
    site.limits.memory_bytes = 1 << 30;
    site
}

pub(super) fn fixture(fate: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(fate).join("dist")
}

/// Runs a source; the events are those that were heard.
pub(super) async fn run_source(site: &Site, source: Source) -> (Completed, Vec<RunEvent>) {
    let (_, image) = engine_and_image().await;
    let target = TARGET.parse().unwrap();
    let request = Request { run_id: RunId::new(SystemClock.now()), source, target };
    let (events, mut receiver) = Events::channel();
    let running = async {
        let completed = run(site, &request, async { Ok(image) }, &events).await;
        drop(events);
        completed
    };
    let listening = async {
        let mut heard = Vec::new();
        while let Some(event) = receiver.recv().await {
            heard.push(event);
        }
        heard
    };
    let (completed, heard) = tokio::join!(running, listening);
    completed.report.check().unwrap();
    site.idle().await;
    let left =
        site.place.engine.labelled_containers(crate::sandbox::INSTANCE_LABEL, &site.place.instance).await.unwrap();
    assert_eq!(left, Vec::<String>::new(), "a run leaves no container");
    assert_eq!(std::fs::read_dir(&site.work_dir).unwrap().count(), 0, "a run leaves no files");
    (completed, heard)
}

#[tokio::test]
async fn a_directory_is_built_installed_created_and_tested_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    let (Completed { report, files }, heard) = run_source(&site, Source::Directory(fixture("passes"))).await;
    assert_eq!((report.verdict.grade(), report.verdict.phase), (Grade::Pass, Phase::Installcheck), "{report:#?}");
    let phases: Vec<Phase> = report.phases.iter().map(|record| record.phase).collect();
    assert_eq!(phases, Phase::ALL, "every phase has a record");
    assert!(!report.tests.is_empty());
    let build = report.phases.iter().find(|record| record.phase == Phase::Build).unwrap();
    assert!(build.cpu_ms.is_some() && build.peak_memory_bytes > Some(1_000_000) && build.exit == Some(0), "{build:?}");
    assert!(files.iter().any(|file| file.record.kind == FileKind::ServerLog && !file.bytes().is_empty()));
    assert_eq!(files.len(), report.files.len());
    let started = heard.iter().filter(|event| matches!(event, RunEvent::PhaseStarted(_))).count();
    assert_eq!(started, Phase::ALL.len());
    assert!(report.overhead.start_ms > 0 && report.overhead.server_ms > 0 && report.overhead.cleanup_ms > 0);
}

#[tokio::test]
async fn a_failed_test_comes_with_its_diffs_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    let (Completed { report, files }, _) = run_source(&site, Source::Directory(fixture("fails-tests"))).await;
    assert_eq!(report.verdict.reason, Reason::TestsFailed);
    let diffs: Vec<_> = files.iter().filter(|file| file.record.kind == FileKind::Diffs).collect();
    // Whether there are those of a first attempt, too, depends on how old the server was: see `repeat`.
    assert_eq!(diffs[0].record.name, "regression.diffs");
    assert!(String::from_utf8_lossy(&diffs[0].bytes()).contains("+++ "));
    assert_eq!(report.verdict.decisive.as_ref().map(|line| line.file.as_str()), Some("regression.diffs"));
}

#[tokio::test]
async fn a_phase_that_is_silent_for_too_long_is_ended_and_said_so_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(dir.path()).await;
    site.limits.silence = Duration::from_secs(12);
    let (Completed { report, files }, _) = run_source(&site, Source::Directory(fixture("hangs"))).await;
    assert_eq!((report.verdict.reason, report.verdict.flags.as_slice()), (Reason::Silent, [Flag::Timeout].as_slice()));
    assert!(report.notes.iter().any(|note| note.contains("12 s without any output")), "{:?}", report.notes);
    let log = files.iter().find(|file| file.record.name == "installcheck.log").unwrap();
    assert!(String::from_utf8_lossy(&log.bytes()).contains("pgxn-testers: The phase installcheck was ended"));
}

#[tokio::test]
async fn a_whole_run_has_a_limit_of_its_own_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(dir.path()).await;
    site.limits.run = Duration::from_secs(4);
    let (Completed { report, .. }, _) = run_source(&site, Source::Directory(fixture("talks-forever"))).await;
    assert_eq!(report.verdict.reason, Reason::TimedOut);
    assert!(report.notes.iter().any(|note| note.contains("the limit of a run")), "{:?}", report.notes);
}

#[tokio::test]
async fn code_that_ends_its_container_gets_a_verdict_all_the_same_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    std::fs::create_dir(&source).unwrap();
    let meta =
        r#"{"name": "kills", "version": "1.0.0", "provides": {"kills": {"file": "kills.sql", "version": "1.0.0"}}}"#;
    std::fs::write(source.join("META.json"), meta).unwrap();
    std::fs::write(source.join("Makefile"), "all:\n\tkill -9 -1\n\tsleep 100\n").unwrap();
    let site = site(&dir.path().join("data")).await;
    let (Completed { report, .. }, _) = run_source(&site, Source::Directory(source)).await;
    assert_eq!((report.verdict.grade(), report.verdict.phase), (Grade::Fail, Phase::Build), "{:?}", report.verdict);
}

#[tokio::test]
async fn an_image_that_is_not_to_be_had_is_the_farms_fault_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    let target: Target = TARGET.parse().unwrap();
    let request =
        Request { run_id: RunId::new(SystemClock.now()), source: Source::Directory(fixture("passes")), target };
    let image = async { Err(crate::Error::Image { target, why: "no source answers".into() }) };
    let Completed { report, .. } = run(&site, &request, image, &Events::unheard()).await;
    report.check().unwrap();
    assert_eq!((report.verdict.reason, report.verdict.phase), (Reason::ImageMissing, Phase::Dependencies));
    assert!(report.verdict.detail.contains("no source answers"), "{}", report.verdict.detail);
}

#[tokio::test]
async fn a_release_that_does_not_support_the_major_costs_no_build_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    let (Completed { report, .. }, _) = run_source(&site, Source::Directory(fixture("needs-newer-postgres"))).await;
    assert_eq!((report.verdict.grade(), report.verdict.phase), (Grade::Na, Phase::Metadata));
    assert_eq!(report.image, None);
}
