//! What a person sees while a test goes on, and where it failed.

use runner::RunEvent;
use tokio::sync::mpsc;

use super::Cell;
use crate::console::{Colour, Console, plain};

/// At most this many lines of a log or a diff are printed where a run failed.
const SHOWN_LINES: usize = 60;

/// Prints phases as they come and go.
pub(super) async fn show(mut heard: mpsc::Receiver<RunEvent>, console: Console) {
    while let Some(event) = heard.recv().await {
        match event {
            RunEvent::PhaseEnded(record) => {
                let seconds = format!("{:.1} s", std::time::Duration::from_millis(record.duration_ms).as_secs_f64());
                console.line(&format!("  {:<14} {:<8} {seconds:>8}", record.phase, record.outcome));
            }
            RunEvent::Note(note) => console.line(&console.paint(Colour::Dim, &format!("  {}", plain(&note)))),
            RunEvent::PhaseStarted(_) | RunEvent::Output(..) => {}
        }
    }
}

/// Prints the verdict and, where somebody can mend something, what there is to see.
pub(super) fn explain(cell: &Cell, console: Console) {
    let verdict = &cell.completed.report.verdict;
    let sentence = plain(&verdict.reason.sentence_with(&verdict.detail));
    console.line(&format!("  {} {sentence}", console.grade(verdict.grade())));
    for warning in &cell.completed.report.circumstances.warnings {
        let head = console.paint(Colour::Yellow, &format!("{} warns:", warning.phase));
        console.line(&format!("  {head} {}", plain(&warning.text)));
    }
    let Some((_, lines)) = cell.shown(SHOWN_LINES) else { return };
    if let Some(decisive) = &verdict.decisive {
        console.line(&format!("  {}:{}: {}", decisive.file, decisive.line, plain(&decisive.text)));
    }
    for line in lines {
        console.line(&format!("  | {}", plain(&line)));
    }
}
