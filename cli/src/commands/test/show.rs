//! What a person sees while a test goes on, and where it failed.

use protocol::Target;
use runner::RunEvent;
use tokio::sync::mpsc;

use super::Cell;
use crate::console::{Colour, Console, plain};

/// At most this many lines of a log or a diff are printed where a run failed.
const SHOWN_LINES: usize = 60;

/// The lines about one target; where others are tested at the same time, each says which it is about.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    target: Target,
    /// What every line begins with.
    start: String,
    console: Console,
}

impl Lines {
    pub(super) fn of(target: Target, are_mixed: bool, console: Console) -> Self {
        let start = if are_mixed { console.paint(Colour::Dim, &format!("{target:<12}")) } else { String::new() };
        Self { target, start: start + "  ", console }
    }

    fn line(&self, text: &str) {
        self.console.line(&format!("{}{text}", self.start));
    }

    /// What is tested now.
    pub(super) fn head(&self) {
        let Target { major, platform } = self.target;
        self.console.line(&self.console.paint(Colour::Bold, &format!("PostgreSQL {major} on {platform}")));
    }

    /// Prints phases as they come and go.
    pub(super) async fn follow(&self, mut heard: mpsc::Receiver<RunEvent>) {
        while let Some(event) = heard.recv().await {
            match event {
                RunEvent::PhaseEnded(record) => {
                    let seconds = std::time::Duration::from_millis(record.duration_ms).as_secs_f64();
                    self.line(&format!("{:<14} {:<8} {:>8}", record.phase, record.outcome, format!("{seconds:.1} s")));
                }
                RunEvent::Note(note) => self.line(&self.console.paint(Colour::Dim, &plain(&note))),
                RunEvent::PhaseStarted(_) | RunEvent::Output(..) => {}
            }
        }
    }

    /// Prints the verdict and, where somebody can mend something, what there is to see.
    pub(super) fn explain(&self, cell: &Cell) {
        let verdict = &cell.completed.report.verdict;
        let sentence = plain(&verdict.reason.sentence_with(&verdict.detail));
        self.line(&format!("{} {sentence}", self.console.grade(verdict.grade())));
        for warning in &cell.completed.report.circumstances.warnings {
            let head = self.console.paint(Colour::Yellow, &format!("{} warns:", warning.phase));
            self.line(&format!("{head} {}", plain(&warning.text)));
        }
        let Some((_, lines)) = cell.shown(SHOWN_LINES) else { return };
        if let Some(decisive) = &verdict.decisive {
            self.line(&format!("{}:{}: {}", decisive.file, decisive.line, plain(&decisive.text)));
        }
        for line in lines {
            self.line(&format!("| {}", plain(&line)));
        }
    }
}
