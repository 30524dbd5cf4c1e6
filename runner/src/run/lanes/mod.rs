//! The lanes beyond installcheck: what a release does to those who had an older one (upgrade), who move their database (reload), and who
//! want to be rid of it (uninstall).
//!
//! What they find are warnings, in [`protocol::Circumstances`], and never a verdict: a lane that finds something has failed without a reason.
//! They need no more than that `CREATE EXTENSION` passed, so that they run whatever the tests found, unless that was a limit or the farm's
//! fault. What goes wrong in them on the farm's side is a note.
//!
//! All of them are one script in the container, which works in databases of its own, and tells in a file what it found: a command of its own
//! for each lane would cost more than most of them. They share a limit, so that a run never ends for their sake.

mod difference;
mod fact;
mod lane;
mod script;
mod sentence;

use std::time::Duration;

use protocol::{FileKind, Grade, Outcome, Phase, Verdict, Warning};

use crate::config::Lanes;
use crate::run::phase::{Attempt, Bench};
use crate::run::{Book, SOURCE_DIR, Stop, log_name, stop};
use crate::sandbox::Command;

use sentence::Told;

pub(crate) use script::by_hand;

/// What all lanes of a run may take together.
const SHARED: Duration = Duration::from_mins(2);
/// With less they do not begin.
const LEAST: Duration = Duration::from_secs(10);
/// What the script, which keeps to its time, may need beyond it for the step that it is in.
const GRACE: Duration = Duration::from_secs(40);
/// A report takes no more warnings.
const MAX_WARNINGS: usize = 100;

const ALL: [Phase; 3] = [Phase::Upgrade, Phase::Reload, Phase::Uninstall];

/// Runs them, if that makes sense after such a verdict.
pub(crate) async fn run(bench: &mut Bench<'_>, verdict: &Verdict, book: &mut Book<'_>) {
    if bench.site.lanes == Lanes::None || !can_follow(verdict) || bench.subject.installed.is_empty() {
        return;
    }
    let time = SHARED.min(bench.left() / 4);
    if time < LEAST {
        book.note("The run has no time left for the lanes beyond installcheck.").await;
        return;
    }
    let command =
        Command { after: script::TELL.into(), args: script::arguments(bench, time), ..Command::shell(SOURCE_DIR, "") };
    book.begin(ALL[0]).await;
    match bench.attempt_within(ALL[0], &command, time + GRACE, book).await {
        Ok(attempt) => write_down(bench, attempt, book).await,
        Err(stop) => {
            book.close(|record| record.outcome = Outcome::Skipped).await;
            let why = match stop {
                Stop::Failed(_, error) => stop::in_words(&error),
                Stop::Decided(verdict) => verdict.detail,
                Stop::Paused => unreachable!("no lane pauses"),
            };
            book.note(format!("The lanes beyond installcheck could not run: {why}")).await;
        }
    }
}

/// A limit leaves behind what still runs; what was the farm's fault would be so again.
fn can_follow(verdict: &Verdict) -> bool {
    use protocol::Reason::{OutOfMemory, OutOfSpace, Silent, TimedOut, TooManyProcesses};
    verdict.grade() != Grade::Error
        && !matches!(verdict.reason, TimedOut | Silent | OutOfMemory | OutOfSpace | TooManyProcesses)
}

/// Writes down what each lane found, and how long it took; those that were not reached have no record.
async fn write_down(bench: &mut Bench<'_>, mut attempt: Attempt, book: &mut Book<'_>) {
    let lanes = lane::read(&attempt.ended.side);
    let told: Vec<Told> = lanes.iter().map(|lane| sentence::tell(lane.phase, &lane.facts)).collect();
    if let Some(at) = told.iter().position(|told| told.crashed) {
        attempt.phase = lanes[at].phase;
        // What is seen of the crash is written down by the look itself; that there is none to see changes nothing.
        let _ = bench.look(&attempt, book).await;
    }
    if attempt.ended.exit != Some(0) {
        book.note("The lanes beyond installcheck did not come to their end.").await;
    }
    let Attempt { ended, log, .. } = attempt;
    let logs = lane::split(log.finish(), &lanes);
    for ((lane, told), log) in lanes.iter().zip(told).zip(logs) {
        if lane.phase != ALL[0] {
            book.begin(lane.phase).await;
        }
        let log = if log.bytes.is_empty() { None } else { book.keep(&log_name(lane.phase), FileKind::Log, &log) };
        for note in told.notes {
            book.note(note).await;
        }
        let outcome = match (warn(lane.phase, told.warnings, book), told.shown.is_empty()) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::Skipped,
            (false, false) => Outcome::Passed,
        };
        // A lane is many commands: it has no exit of its own.
        book.close(|record| {
            (record.outcome, record.command, record.log) = (outcome, told.shown, log);
            record.duration_ms = lane.duration_ms.unwrap_or(record.duration_ms);
            record.peak_memory_bytes = ended.peak_bytes;
        })
        .await;
    }
    // Where not even the first one was reached, it is still open.
    book.close(|record| record.outcome = Outcome::Skipped).await;
}

/// Adds warnings that no earlier lane had; whether there were any.
fn warn(phase: Phase, texts: Vec<String>, book: &mut Book<'_>) -> bool {
    let warnings = &mut book.circumstances.warnings;
    let before = warnings.len();
    for text in texts {
        if warnings.len() < MAX_WARNINGS && !warnings.iter().any(|warning| warning.text == text) {
            warnings.push(Warning { phase, text });
        }
    }
    warnings.len() > before
}
