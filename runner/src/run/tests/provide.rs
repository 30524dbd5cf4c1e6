//! Whole runs of what needs something beyond the plain image, in real containers.

use std::sync::Arc;

use protocol::{Clock, FileKind, Grade, Overrides, Phase, Reason, Report, RunId, SourceKind, SystemClock, Target};

use sha2::{Digest, Sha256};

use super::requires::written;
use super::whole::{fixture, run_source, site};
use crate::event::Events;
use crate::run::{Completed, Request, Source, run};

async fn run_with(overrides: &str, fate: &str) -> Completed {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(dir.path()).await;
    site.overrides = Arc::new(Overrides::parse(overrides).unwrap());
    run_source(&site, Source::Directory(fixture(fate))).await.0
}

fn found(report: &Report) -> (Grade, Phase, Reason) {
    (report.verdict.grade(), report.verdict.phase, report.verdict.reason)
}

const PASSED: (Grade, Phase, Reason) = (Grade::Pass, Phase::Installcheck, Reason::TestsPassed);

#[tokio::test]
async fn what_asks_to_be_preloaded_is_and_the_phase_is_repeated_which_needs_an_engine() {
    let Completed { report, files } = run_with("", "needs-preload").await;
    assert_eq!(found(&report), PASSED, "{:?}", report.verdict);
    assert_eq!(report.circumstances.provided.preload, ["needs_preload"]);
    assert!(report.circumstances.provided.why[0].contains("has to be preloaded"), "{:?}", report.circumstances);
    assert!(report.notes.iter().any(|note| note.contains("create was repeated")), "{:?}", report.notes);
    let first = files.iter().find(|file| file.record.name == "first-create.log").unwrap();
    assert!(String::from_utf8_lossy(&first.bytes()).contains("must be loaded via shared_preload_libraries"));
}

#[tokio::test]
async fn a_library_with_which_the_server_does_not_start_is_shown_by_the_servers_own_line_which_needs_an_engine() {
    let Completed { report, files } = run_with("", "refuses-to-be-preloaded").await;
    assert_eq!(found(&report), (Grade::Fail, Phase::Create, Reason::CreateFailed), "{:?}", report.verdict);
    let decisive = report.verdict.decisive.as_ref().unwrap();
    assert_eq!(decisive.file, "restart.log");
    assert!(decisive.text.contains("FATAL:  the moon is not full"), "{decisive:?}");
    assert!(files.iter().any(|file| file.record.kind == FileKind::ServerLog));
}

#[tokio::test]
async fn settings_and_preparation_are_there_before_anything_is_created_which_needs_an_engine() {
    let overrides = r#"
        [[override]]
        dist = "passes"
        why = "It is only a test."
        settings = { max_locks_per_transaction = "200", "passes.level" = "it's" }
        environment = { PGXN_GREETING = "hello" }
        prepare = [
            """test "$(psql -X -A -t -c 'SHOW max_locks_per_transaction')" = 200""",
            """test "$(psql -X -A -t -c 'SHOW passes.level')" = "it's" """,
            """test "$PGXN_GREETING" = hello && echo prepared""",
        ]
    "#;
    let Completed { report, files } = run_with(overrides, "passes").await;
    assert_eq!(found(&report), PASSED, "{:?}", report.verdict);
    let provided = &report.circumstances.provided;
    assert_eq!((provided.settings.len(), provided.why.as_slice()), (2, ["It is only a test.".to_owned()].as_slice()));
    let log = files.iter().find(|file| file.record.name == "prepare.log").unwrap();
    assert_eq!(log.bytes(), b"prepared\n");
}

#[tokio::test]
async fn a_phase_is_repeated_on_a_cluster_without_what_the_first_attempt_left_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(&dir.path().join("data")).await;
    let prepare = r#"prepare = ["mkdir -p /tmp/space", "psql -X -q -c 'CREATE ROLE prepared'"]"#;
    let overrides = format!("[[override]]\ndist = \"first\"\nwhy = \"It is only a test.\"\n{prepare}\n");
    site.overrides = Arc::new(Overrides::parse(&overrides).unwrap());
    let makefile = r#"
all:
checks:
	psql -X -v ON_ERROR_STOP=1 -c 'CREATE ROLE once IN ROLE prepared'
	psql -X -v ON_ERROR_STOP=1 -c "CREATE TABLESPACE space LOCATION '/tmp/space'"
	psql -X -v ON_ERROR_STOP=1 -c "ALTER SYSTEM SET work_mem = '5MB'"
	@test "$$(psql -X -A -t -c 'SHOW work_mem')" = 4MB
	@test "$$(psql -X -A -t -c 'SHOW shared_preload_libraries')" = plpgsql || \
		{ echo 'ERROR:  plpgsql must be loaded via shared_preload_libraries'; exit 1; }
	@echo 'ok 1 - it'
	@echo 1..1
installcheck: checks
"#;
    let source = written(dir.path(), "first", None, makefile);
    let Completed { report, files } = run_source(&site, Source::Directory(source)).await.0;
    let log = files.iter().find(|file| file.record.name == "installcheck.log").unwrap();
    assert_eq!(found(&report), PASSED, "{:?} {}", report.verdict, String::from_utf8_lossy(&log.bytes()));
    assert_eq!(report.circumstances.provided.preload, ["plpgsql"]);
}

#[tokio::test]
async fn a_preparation_that_fails_is_the_farms_which_needs_an_engine() {
    let overrides = "[[override]]\ndist = \"passes\"\nwhy = \"It is only a test.\"\nprepare = [\"echo no; false\"]\n";
    let report = run_with(overrides, "passes").await.report;
    assert_eq!(found(&report), (Grade::Env, Phase::Create, Reason::PreparationNeeded), "{:?}", report.verdict);
    assert_eq!(report.verdict.detail, "what the farm prepares failed: no");
}

#[tokio::test]
async fn what_a_build_would_download_is_there_before_it_which_needs_an_engine() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/extra-1.0.txt", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(|| async { "extra\n" });
    crate::Tasks::new().spawn(async move { axum::serve(listener, router).await.unwrap() });
    let overrides = |sha256: &str| {
        format!(
            r#"
            [[override]]
            dist = "passes"
            why = "It is only a test."
            downloads = [{{ url = "{url}", sha256 = "{sha256}" }}]
            before_build = ["grep -qx extra /sandbox/downloads/extra-1.0.txt", "test -e passes.control && echo not built yet"]
            "#
        )
    };
    let Completed { report, files } = run_with(&overrides(&hex::encode(Sha256::digest(b"extra\n"))), "passes").await;
    assert_eq!(found(&report), PASSED, "{:?}", report.verdict);
    let log = files.iter().find(|file| file.record.name == "before-build.log").unwrap();
    assert_eq!(log.bytes(), b"not built yet\n");
    let report = run_with(&overrides(&"0".repeat(64)), "passes").await.report;
    assert_eq!(found(&report), (Grade::Env, Phase::Dependencies, Reason::NetworkNeeded), "{:?}", report.verdict);
    assert!(report.verdict.detail.contains("`extra-1.0.txt` could not be fetched"), "{:?}", report.verdict);
    let record = report.phases.iter().find(|record| record.phase == Phase::Dependencies).unwrap();
    assert_eq!(record.reason, Some(Reason::NetworkNeeded));
}

#[tokio::test]
async fn tests_that_fail_beside_a_stand_in_do_not_count_against_the_author_which_needs_an_engine() {
    let overrides = "[[override]]\ndist = \"fails-tests\"\nwhy = \"It is only a test.\"\nstand_in = \"example.org\"\n";
    let report = run_with(overrides, "fails-tests").await.report;
    assert_eq!(found(&report), (Grade::Env, Phase::Installcheck, Reason::PreparationNeeded), "{:?}", report.verdict);
    assert!(report.verdict.detail.starts_with("its tests fail with what the farm has in place of example.org"));
    assert!(report.verdict.decisive.is_some(), "the test that failed is still shown");
}

#[tokio::test]
async fn a_package_that_an_override_names_is_in_the_image_which_needs_an_engine() {
    let overrides =
        "[[override]]\ndist = \"needs-a-package\"\nwhy = \"It needs Jansson.\"\npackages = [\"libjansson-dev\"]\n";
    let report = run_with(overrides, "needs-a-package").await.report;
    assert_eq!(found(&report), PASSED, "{:?}", report.verdict);
    assert_eq!(report.circumstances.provided.packages, ["libjansson-dev"]);
    assert_eq!(report.circumstances.provided.why, ["It needs Jansson."]);
}

#[tokio::test]
async fn a_release_that_is_skipped_costs_no_container_which_needs_an_engine() {
    let overrides = "[[override]]\ndist = \"passes\"\nwhy = \"It needs a graphics card.\"\nskip = true\n";
    let report = run_with(overrides, "passes").await.report;
    assert_eq!(found(&report), (Grade::Env, Phase::Metadata, Reason::Skipped));
    assert_eq!((report.verdict.detail.as_str(), &report.image), ("It needs a graphics card.", &None));
}

#[tokio::test]
async fn what_one_source_of_a_major_lacks_is_tried_on_another_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(&dir.path().join("data")).await;
    let source = dir.path().join("source");
    std::fs::create_dir_all(source.join("sql")).unwrap();
    std::fs::create_dir_all(source.join("expected")).unwrap();
    let meta = r#"{"name": "speaks", "version": "1.0.0", "provides": {"speaks": {"file": "speaks--1.0.0.sql", "version": "1.0.0"}}}"#;
    for (name, text) in [
        ("META.json", meta),
        (
            "Makefile",
            "EXTENSION = speaks\nDATA = speaks--1.0.0.sql\nREGRESS = basic\nPGXS := $(shell $(PG_CONFIG) --pgxs)\ninclude $(PGXS)\n",
        ),
        ("speaks.control", "default_version = '1.0.0'\nrequires = 'plperl'\n"),
        ("speaks--1.0.0.sql", "CREATE FUNCTION speaks() RETURNS int LANGUAGE plperl AS 'return 42';\n"),
        ("sql/basic.sql", "SELECT 42 AS it;\n"),
        ("expected/basic.out", "SELECT 42 AS it;\n it \n----\n 42\n(1 row)\n\n"),
    ] {
        std::fs::write(source.join(name), text).unwrap();
    }
    let target: Target = format!("pg15-{}", protocol::Platform::native()).parse().unwrap();
    let portable = |source: &protocol::Source| source.kind == SourceKind::Portable;
    let image = site.images.other(target, &portable, &()).await.unwrap().expect("the wheel of PostgreSQL 15");
    let request = Request { run_id: RunId::new(SystemClock.now()), source: Source::Directory(source), target };
    let report = run(&site, &request, async { Ok(image) }, &Events::unheard()).await.report;
    site.idle().await;
    assert_eq!(found(&report), PASSED, "{:?}", report.verdict);
    assert_ne!(report.image.unwrap().source, SourceKind::Portable);
    assert!(report.notes[0].contains("lacks plperl, so that the run was made again"), "{:?}", report.notes);
    assert_eq!(report.circumstances.provided.why, [report.notes[0].clone()]);
}
