//! Runs in the container of the one before.

use std::path::Path;

use protocol::{Clock, Phase, Reason, RunId, SystemClock};

use super::whole::{fixture, site};
use crate::event::Events;
use crate::run::hold::{Hold, Standing, command};
use crate::run::{Bench, Request, Source, run_held};
use crate::sandbox::tests::{TARGET, engine_and_image};

/// The first run of a directory, and what is left of it.
async fn first(dir: &Path, source: &Path) -> Standing {
    let mut site = site(dir).await;
    // The last of them uninstalls.
    site.lanes = crate::config::Lanes::None;
    let (_, image) = engine_and_image().await;
    let (run_id, target) = (RunId::new(SystemClock.now()), TARGET.parse().unwrap());
    let request = Request { run_id, source: Source::Directory(source.to_owned()), target };
    let image = std::future::ready(Ok(image));
    let over = Box::pin(run_held(&site, &request, image, &Events::unheard(), Hold::to_resume())).await;
    assert_eq!(over.completed.unwrap().report.verdict.reason, Reason::TestsPassed);
    over.standing.unwrap()
}

/// Whether a script does well in its container.
async fn holds(standing: &mut Standing, script: &str) -> bool {
    let sandbox = standing.sandbox.take().unwrap();
    let subject = super::subject(&[]);
    let bench = Bench::new(&standing.site, &standing.image, sandbox, subject, standing.request.target);
    let holds = command(&bench, script).await.unwrap();
    standing.sandbox = Some(bench.sandbox);
    holds
}

#[tokio::test]
async fn what_the_run_before_installed_is_gone_and_what_it_built_is_not_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    let copied = std::process::Command::new("cp").arg("-r").arg(fixture("passes")).arg(&source).status().unwrap();
    assert!(copied.success());
    let update = source.join("sql/passes--1.0.0--2.0.0.sql");
    std::fs::write(&update, "").unwrap();
    let mut standing = Box::pin(first(dir.path(), &source)).await;
    let there = "[ -e \"$($PG_CONFIG --sharedir)/extension/passes--1.0.0--2.0.0.sql\" ]";
    let built = "stat -c %y /sandbox/src/src/passes.o >/run/built-before";
    assert!(holds(&mut standing, &format!("{there} && {built} && psql -XAtc 'CREATE ROLE left_behind'")).await);

    std::fs::remove_file(&update).unwrap();
    let report = Box::pin(standing.resume(&Events::unheard())).await.unwrap().report;
    assert_eq!(report.verdict.reason, Reason::TestsPassed, "{report:?}");
    let same = "[ \"$(stat -c %y /sandbox/src/src/passes.o)\" = \"$(cat /run/built-before)\" ]";
    let no_role = "[ -z \"$(psql -XAtc \"SELECT 1 FROM pg_roles WHERE rolname = 'left_behind'\")\" ]";
    assert!(holds(&mut standing, &format!("! {there} && {same} && {no_role}")).await);

    // What is older than the objects is built all the same where it is another.
    let c = source.join("src/passes.c");
    let text = std::fs::read_to_string(&c).unwrap();
    std::fs::write(&c, text + "#error \"no more\"\n").unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(24 * 365);
    std::fs::File::options().write(true).open(&c).unwrap().set_modified(long_ago).unwrap();
    let report = Box::pin(standing.resume(&Events::unheard())).await.unwrap().report;
    assert_eq!(report.verdict.phase, Phase::Build, "{report:?}");

    // What META.json asks for comes before anything is there.
    std::fs::write(source.join("META.json"), std::fs::read_to_string(source.join("META.json")).unwrap() + "\n")
        .unwrap();
    assert!(Box::pin(standing.resume(&Events::unheard())).await.is_none());
    standing.remove().await;
}
