//! A suite that is run twice, as its server was young, on a bench whose server is declared to be so: how long the phases before take is
//! the machine's affair.

use std::fs::File;
use std::io::Seek;

use protocol::{Clock, Reason, RunId, SystemClock};
use tokio::time::Instant;

use super::subject;
use super::whole::{fixture, site};
use crate::event::Events;
use crate::run::{Bench, Book, Request, Source, Subject, dependencies, installcheck};
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

#[tokio::test]
async fn a_suite_that_fails_on_a_young_server_is_repeated_on_a_new_cluster_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    let (_, image) = engine_and_image().await;
    let (run_id, target) = (RunId::new(SystemClock.now()), TARGET.parse().unwrap());
    let request = Request { run_id, source: Source::Directory(fixture("passes")), target };
    let sandbox = Sandbox::start(&site.place, &image, run_id, &site.limits).await.unwrap();
    let makefile = "installcheck:\n\tpsql -X -v ON_ERROR_STOP=1 -c 'CREATE ROLE once'\n\
        \t@test -e /tmp/again || { touch /tmp/again; exit 1; }\n\t@echo 'ok 1 - it'\n\t@echo 1..1\n";
    let subject = Subject { packed: Some(packed(makefile)), ..subject(&["Makefile"]) };
    let events = Events::unheard();
    let mut book = Book::new(&events, SystemClock.now());
    let mut bench = Bench::new(&site, &image, sandbox, subject, target);
    dependencies::run(&mut bench, (&request, true), &mut book).await.unwrap();
    bench.sandbox.started = Instant::now() + std::time::Duration::from_mins(1);
    let verdict = installcheck::run(&mut bench, &mut book).await.unwrap();
    assert_eq!(verdict.reason, Reason::TestsPassed, "{verdict:?}");
    let report = book.complete(run_id, verdict, site.facts(), SystemClock.now()).report;
    assert!(report.notes.iter().any(|note| note.contains("on one that was 5 s old")), "{:?}", report.notes);
    assert!(report.files.iter().any(|file| file.name == "first-installcheck.log"));
    bench.sandbox.remove().await;
}
