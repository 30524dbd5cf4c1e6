//! A suite that is run twice, as its server was young, on a bench whose server is declared to be so: how long the phases before take is
//! the machine's affair.

use std::fs::File;
use std::io::Seek;

use protocol::{Clock, Reason, RunId, SystemClock};
use tokio::time::Instant;

use super::subject;
use super::whole::{fixture, site};
use crate::event::Events;
use crate::run::{Bench, Book, Completed, Request, Source, Subject, dependencies, installcheck};
use crate::sandbox::Sandbox;
use crate::sandbox::tests::{TARGET, engine_and_image};

/// A source that is one Makefile, as a tar file.
fn packed(makefile: &str) -> File {
    let mut archive = tar::Builder::new(tempfile::tempfile().unwrap());
    let mut header = tar::Header::new_gnu();
    header.set_size(makefile.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "src/Makefile", makefile.as_bytes()).unwrap();
    let mut file = archive.into_inner().unwrap();
    file.rewind().unwrap();
    file
}

/// Runs a suite, all rules of a Makefile, on a server that is young for as long as that takes.
async fn run_on_a_young_server(makefile: &str) -> Completed {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    let (_, image) = engine_and_image().await;
    let (run_id, target) = (RunId::new(SystemClock.now()), TARGET.parse().unwrap());
    let request = Request { run_id, source: Source::Directory(fixture("passes")), target };
    let sandbox = Sandbox::start(&site.place, &image, run_id, &site.limits).await.unwrap();
    let subject = Subject { packed: Some(packed(makefile)), ..subject(&["Makefile"]) };
    let events = Events::unheard();
    let mut book = Book::new(&events, SystemClock.now());
    let mut bench = Bench::new(&site, &image, sandbox, subject, target);
    dependencies::run(&mut bench, (&request, true), &mut book).await.unwrap();
    bench.sandbox.started = Instant::now() + std::time::Duration::from_mins(1);
    let verdict = installcheck::run(&mut bench, &mut book).await.unwrap();
    bench.sandbox.remove().await;
    book.complete(run_id, verdict, site.facts(), SystemClock.now())
}

fn file(completed: &Completed, name: &str) -> String {
    let file = completed.files.iter().find(|file| file.record.name == name);
    String::from_utf8(file.unwrap_or_else(|| panic!("no {name}: {:?}", completed.report)).bytes()).unwrap()
}

#[tokio::test]
async fn a_suite_that_fails_on_a_young_server_is_repeated_on_a_new_cluster_which_needs_an_engine() {
    let makefile = "installcheck:\n\tpsql -X -v ON_ERROR_STOP=1 -c 'CREATE ROLE once'\n\
        \t@test -e /tmp/again || { touch /tmp/again; exit 1; }\n\t@echo 'ok 1 - it'\n\t@echo 1..1\n";
    let completed = run_on_a_young_server(makefile).await;
    let report = &completed.report;
    assert_eq!(report.verdict.reason, Reason::TestsPassed, "{report:?}");
    assert!(report.notes.iter().any(|note| note.contains("on one that was 5 s old")), "{:?}", report.notes);
    assert!(file(&completed, "first-installcheck.log").contains("CREATE ROLE"));
}

#[tokio::test]
async fn what_the_first_of_two_attempts_logged_is_not_the_second_one_s_doing_which_needs_an_engine() {
    let makefile = "installcheck:\n\t@mkdir -p /tmp/tries; touch /tmp/tries/$$$$; set -- /tmp/tries/*; \
        psql -X -c \"SELECT 'this is try $$#' / 0\"; echo 'not ok 1 - it'; echo 1..1; exit 1\n";
    let completed = run_on_a_young_server(makefile).await;
    assert_eq!(completed.report.verdict.reason, Reason::TestsFailed, "{:?}", completed.report);
    let logs = [file(&completed, "first-server.log"), file(&completed, "server.log")];
    let has = |attempt: &str| logs.each_ref().map(|log| log.contains(&format!("this is try {attempt}")));
    assert_eq!((has("1"), has("2")), ([true, false], [false, true]), "{logs:?}");
}
