//! The lanes beyond installcheck: what a release does to those who had an older one (upgrade), who move their database (reload), and who
//! want to be rid of it (uninstall).
//!
//! What they find are warnings, in [`protocol::Circumstances`], and never a verdict: a lane that finds something has failed without a reason.
//! They need no more than that `CREATE EXTENSION` passed, so that they run whatever the tests found, unless that was a limit or the farm's
//! fault. What goes wrong in them on the farm's side is a note.
//!
//! Each lane is one script in the container, which works in databases of its own, and tells in a file what it found. All share a limit,
//! so that a run never ends for their sake.

mod difference;
mod fact;
mod script;
mod sentence;

use std::time::Duration;

use protocol::{FileKind, Grade, Outcome, Phase, Verdict, Warning};
use tokio::time::Instant;

use crate::config::Lanes;
use crate::run::phase::{Attempt, Bench};
use crate::run::{Book, SOURCE_DIR, Stop, log_name, spoken, stop};
use crate::sandbox::{Command, Log};

pub(crate) use script::by_hand;

/// What all lanes of a run may take together.
const SHARED: Duration = Duration::from_mins(2);
/// With less they do not begin.
const LEAST: Duration = Duration::from_secs(10);
/// What a script that keeps to its time may need beyond it, for the step that it is in.
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
    let deadline = Instant::now() + time;
    for phase in ALL {
        let left = deadline.saturating_duration_since(Instant::now());
        if left < LEAST {
            book.note(format!(
                "The lanes beyond installcheck have {} together; that was over before {phase}.",
                spoken(time)
            ))
            .await;
            return;
        }
        if !lane(bench, phase, left, book).await {
            return;
        }
    }
}

/// A limit leaves behind what still runs; what was the farm's fault would be so again.
fn can_follow(verdict: &Verdict) -> bool {
    use protocol::Reason::{OutOfMemory, OutOfSpace, Silent, TimedOut, TooManyProcesses};
    verdict.grade() != Grade::Error
        && !matches!(verdict.reason, TimedOut | Silent | OutOfMemory | OutOfSpace | TooManyProcesses)
}

/// Runs one; whether the next one can follow.
async fn lane(bench: &mut Bench<'_>, phase: Phase, left: Duration, book: &mut Book<'_>) -> bool {
    book.begin(phase).await;
    let command = Command {
        after: script::TELL.into(),
        args: script::arguments(phase, bench, left),
        ..Command::shell(SOURCE_DIR, "")
    };
    match bench.attempt_within(phase, &command, left + GRACE, book).await {
        Ok(attempt) => write_down(bench, attempt, book).await,
        Err(stop) => {
            book.close(|record| record.outcome = Outcome::Skipped).await;
            let why = match stop {
                Stop::Failed(_, error) => stop::in_words(&error),
                Stop::Decided(verdict) => verdict.detail,
            };
            book.note(format!("The lane {phase} could not run: {why}")).await;
            false
        }
    }
}

async fn write_down(bench: &mut Bench<'_>, attempt: Attempt, book: &mut Book<'_>) -> bool {
    let phase = attempt.phase;
    let facts = fact::read(&attempt.ended.side);
    let told = sentence::tell(phase, &facts);
    if told.crashed {
        // What is seen of the crash is written down by the look itself; that there is none to see is no reason to stop.
        let _ = bench.look(&attempt, book).await;
    }
    let ended = attempt.ended.exit == Some(0);
    for note in told.notes {
        book.note(note).await;
    }
    if !ended {
        book.note(format!("The lane {phase} did not come to its end.")).await;
    }
    let before = book.circumstances.warnings.len();
    for text in told.warnings {
        let known = book.circumstances.warnings.iter().any(|warning| warning.text == text);
        if !known && book.circumstances.warnings.len() < MAX_WARNINGS {
            book.circumstances.warnings.push(Warning { phase, text });
        }
    }
    let has_warned = book.circumstances.warnings.len() > before;
    close(attempt, told.shown, has_warned, book).await;
    ended
}

/// Closes the record. A lane is many commands: it has no exit of its own.
async fn close(attempt: Attempt, shown: String, has_warned: bool, book: &mut Book<'_>) {
    let Attempt { phase, ended, log, .. } = attempt;
    let log = Log::finish(log);
    let name = if log.bytes.is_empty() { None } else { book.keep(&log_name(phase), FileKind::Log, &log) };
    book.close(|record| {
        record.outcome = match (has_warned, shown.is_empty()) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::Skipped,
            (false, false) => Outcome::Passed,
        };
        record.cpu_ms = ended.cpu.map(crate::run::book::millis);
        record.peak_memory_bytes = ended.peak_bytes;
        record.command = shown;
        record.log = name;
    })
    .await;
}
