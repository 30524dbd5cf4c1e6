//! What a person sees while a test goes on, and where it failed.

use std::sync::{Arc, Mutex, PoisonError};

use protocol::Target;
use runner::RunEvent;
use tokio::sync::mpsc;

use super::Cell;
use super::board::Row;
use crate::console::{Colour, Console, plain};

/// At most this many lines of a log or a diff are printed where a run failed.
const SHOWN_LINES: usize = 60;

/// Lines that are printed at once.
pub(super) type Block = Arc<Mutex<Vec<String>>>;

/// The lines about one target; where others are tested at the same time, each says which it is about, or they are printed at once at its end.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    target: Target,
    /// What every line begins with.
    start: String,
    console: Console,
    row: Option<Row>,
    /// What is held back until the run is over.
    block: Option<Block>,
}

impl Lines {
    pub(super) fn of(
        target: Target,
        are_mixed: bool,
        console: Console,
        (row, block): (Option<Row>, Option<Block>),
    ) -> Self {
        let start = if are_mixed { console.paint(Colour::Dim, &format!("{target:<12}")) } else { String::new() };
        Self { target, start: start + "  ", console, row, block }
    }

    fn line(&self, text: &str) {
        self.put(format!("{}{text}", self.start));
    }

    fn put(&self, line: String) {
        match &self.block {
            Some(block) => block.lock().unwrap_or_else(PoisonError::into_inner).push(line),
            None => self.console.line(&line),
        }
    }

    /// What is tested now.
    pub(super) fn head(&self) {
        let Target { major, platform } = self.target;
        self.put(self.console.paint(Colour::Bold, &format!("PostgreSQL {major} on {platform}")));
        if let Some(row) = &self.row {
            row.begin();
        }
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
                RunEvent::PhaseStarted(phase) => {
                    if let Some(row) = &self.row {
                        row.phase(phase);
                    }
                }
                RunEvent::Output(..) => {}
            }
        }
    }

    /// Prints the verdict and, where somebody can mend something, what there is to see; nothing more where it paused before.
    pub(super) fn end(&self, cell: Option<&Cell>) {
        if let Some(row) = &self.row {
            row.end(cell);
        }
        let Some(cell) = cell else { return };
        let is_told =
            cell.completed.report.verdict.blame().is_some() || !cell.completed.report.circumstances.warnings.is_empty();
        self.explain(cell);
        if let Some(block) = &self.block {
            let lines = std::mem::take(&mut *block.lock().unwrap_or_else(PoisonError::into_inner));
            if is_told {
                self.console.line(&lines.join("\n"));
            }
        }
    }

    fn explain(&self, cell: &Cell) {
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
