//! Phase installcheck: the distribution's own tests, by `make installcheck`; where that runs nothing, by `pg_prove`.
//!
//! A suite that fails on a server that is younger than a few seconds is run once more in the same container, on a new cluster of that age:
//! statistics, background workers and autovacuum need a moment after a start, which a suite on a person's own server never notices. What then
//! passes is flaky, not red.
//!
//! The tests of a library that could not be preloaded are no evidence against it (`bgw_replstatus` 1.0.8 asks a port on which nobody listens
//! before). Nor are those that talk to a stand-in of the farm's.

use std::time::Duration;

use protocol::{Flag, Phase, Reason, Verdict};
use tokio::time::{Instant, sleep_until};

use crate::judge::Finding;
use crate::run::phase::{Attempt, Bench};
use crate::run::{Book, SOURCE_DIR, Step, contact, pgtap, plugin, preload, restart};
use crate::sandbox::{Command, WAIT_FOR_SERVER};

/// How old a server is that no suite takes for a new one.
const GROWN_UP: Duration = Duration::from_secs(5);

/// Tests.
pub(crate) async fn run(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<Verdict> {
    book.begin(Phase::Installcheck).await;
    let shown = bench.make("installcheck");
    let before = format!("{WAIT_FOR_SERVER}{}", contact::BEFORE);
    let command = Command { before, after: contact::AFTER.into(), ..Command::shell(SOURCE_DIR, &shown) };
    let began = Instant::now();
    let mut attempt = bench.attempt(Phase::Installcheck, &command, book).await?;
    let mut look = bench.look(&attempt, book).await?;
    let mut first = None;
    let mut finding = bench.preview(&attempt, &look);
    if preload::heal(bench, (&attempt, &finding), book).await?
        || plugin::heal(bench, (&attempt, &finding), book).await?
    {
        attempt = bench.attempt(Phase::Installcheck, &command, book).await?;
        look = bench.look(&attempt, book).await?;
        finding = bench.preview(&attempt, &look);
    }
    let reason = finding.reason();
    if is_worth_repeating(reason) && began < bench.sandbox.started + GROWN_UP {
        if restart::unchanged(bench, Phase::Installcheck, book).await? {
            sleep_until(bench.sandbox.started + GROWN_UP).await;
            first = Some((attempt, look));
            attempt = bench.attempt(Phase::Installcheck, &command, book).await?;
            look = bench.look(&attempt, book).await?;
        } else {
            book.note(
                "Its tests were not run twice, though the server had just started: no new cluster could be made.",
            )
            .await;
        }
    } else if reason == Some(Reason::NoTests) && !bench.subject.pgtap.is_empty() {
        let verdict = by_pgtap(bench, attempt, book).await?;
        return Ok(beside_a_stand_in(bench, verdict, book).await);
    }
    let (side, replaced) = (attempt.ended.side.clone(), look.replaced.clone());
    let (finding, _) = bench.judged(attempt, look, &shown, book).await;
    contact::remark(&side, &replaced, &finding, book).await;
    if let Some((attempt, look)) = first {
        remember(attempt, look, &finding, book).await;
    }
    let verdict = verdict(finding);
    if bench.subject.preload && is_worth_repeating(Some(verdict.reason)) {
        book.amend(Phase::Installcheck, Reason::PreloadNeeded).await;
        return Ok(not_loaded(verdict));
    }
    Ok(beside_a_stand_in(bench, verdict, book).await)
}

/// Tests that fail, where they talk to something of the farm's instead of the real thing: nobody can tell whose fault that is. A server
/// that crashes does so whatever it is told.
async fn beside_a_stand_in(bench: &Bench<'_>, verdict: Verdict, book: &mut Book<'_>) -> Verdict {
    let Some(what) = &bench.subject.provision.stand_in else { return verdict };
    if !matches!(verdict.reason, Reason::TestsFailed | Reason::TestsBroken | Reason::TimedOut | Reason::Silent) {
        return verdict;
    }
    book.amend(Phase::Installcheck, Reason::PreparationNeeded).await;
    let mut detail = format!("its tests fail with what the farm has in place of {what}");
    if !verdict.detail.is_empty() {
        detail = format!("{detail}; {}", verdict.detail);
    }
    Verdict { reason: Reason::PreparationNeeded, detail, ..verdict }
}

/// Tests that fail without a message that excuses it, of a library that the server never loaded.
fn not_loaded(verdict: Verdict) -> Verdict {
    let detail = match verdict.detail.as_str() {
        "" => "nothing of it was loaded into the server".to_owned(),
        detail => format!("nothing of it was loaded into the server; {detail}"),
    };
    Verdict { reason: Reason::PreloadNeeded, detail, ..verdict }
}

fn is_worth_repeating(reason: Option<Reason>) -> bool {
    matches!(reason, Some(Reason::TestsFailed | Reason::TestsBroken))
}

/// Keeps what the first of two attempts left.
async fn remember(attempt: Attempt, look: crate::run::collect::Look, second: &Finding, book: &mut Book<'_>) {
    let log = attempt.log.finish();
    book.keep("first-installcheck.log", protocol::FileKind::Log, &log);
    look.of_first_attempt().keep(book);
    if second.reason() == Some(Reason::TestsPassed) {
        book.flag(Flag::Flaky);
        book.note("Its tests failed on a server that had just started, and passed on one that was 5 s old.").await;
    } else {
        book.note("Its tests were run twice, as the server had just started at first; they did not pass either time.")
            .await;
    }
}

/// The tests that print TAP.
async fn by_pgtap(bench: &mut Bench<'_>, first: Attempt, book: &mut Book<'_>) -> Step<Verdict> {
    let script = pgtap::script(&bench.subject.pgtap, &bench.subject.create_first, &bench.subject.provides);
    let attempt = bench.attempt(Phase::Installcheck, &Command::shell(SOURCE_DIR, &script), book).await?;
    let log = first.log.finish();
    book.keep("make-installcheck.log", protocol::FileKind::Log, &log);
    book.note("`make installcheck` runs no tests; its pgTAP tests were run by pg_prove.").await;
    let look = bench.look(&attempt, book).await?;
    let dirs: std::collections::BTreeSet<&str> =
        bench.subject.pgtap.iter().filter_map(|test| test.path.split('/').next()).collect();
    let dirs: Vec<&str> = dirs.into_iter().collect();
    let shown = format!("pg_prove --recurse {}", dirs.join(" "));
    let (finding, _) = bench.judged(attempt, look, &shown, book).await;
    Ok(verdict(finding))
}

fn verdict(finding: Finding) -> Verdict {
    finding
        .verdict
        .unwrap_or_else(|| Verdict::new(Phase::Installcheck, Reason::Internal).with_detail("no verdict on the tests"))
}
