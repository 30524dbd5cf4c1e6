//! What a person watches while several targets are tested at a time: a line for each, which moves. Elsewhere, lines that stay.

use std::sync::{Arc, Mutex};

use indicatif::{ProgressBar, ProgressStyle};
use protocol::{Phase, Target};

use super::Cell;
use super::show::Lines;
use crate::console::{Colour, Console};

/// The lines of all targets; they are gone when this is dropped, and what was printed stays.
pub(super) struct Board {
    console: Console,
    /// Whether each target has one moving line instead of a line for each phase.
    is_table: bool,
    are_mixed: bool,
    rows: Vec<(Target, Row)>,
}

impl Board {
    /// For targets of which so many are tested at a time.
    pub(super) fn new(targets: &[Target], jobs: u16, console: Console) -> Self {
        let are_mixed = jobs > 1;
        let is_table = console.has_rows() && are_mixed && targets.len() > 1;
        let rows = targets.iter().map(|target| (*target, Row::new(*target, is_table, console))).collect();
        Self { console, is_table, are_mixed, rows }
    }

    /// Where a target's run is told.
    pub(super) fn lines(&self, target: Target) -> Lines {
        let row = self.rows.iter().find(|(of, _)| *of == target).map(|(_, row)| row.clone());
        let block = self.is_table.then(|| Arc::new(Mutex::new(Vec::new())));
        Lines::of(target, self.are_mixed && !self.is_table, self.console, (row, block))
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        for (_, row) in &self.rows {
            row.clear();
        }
    }
}

/// The moving line of a target; nothing where no line moves.
#[derive(Clone, Debug)]
pub(super) struct Row {
    target: Target,
    /// Whether it names its target, and stays until all are over.
    in_table: bool,
    console: Console,
    bar: Option<ProgressBar>,
}

impl Row {
    fn new(target: Target, in_table: bool, console: Console) -> Self {
        let row = Self { target, in_table, console, bar: console.row() };
        if in_table {
            row.show("{msg}", &console.paint(Colour::Dim, &waits(target)));
        }
        row
    }

    fn show(&self, template: &str, text: &str) {
        let Some(bar) = &self.bar else { return };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(text.to_owned());
    }

    /// Its run begins now.
    pub(super) fn begin(&self) {
        if let Some(bar) = &self.bar {
            bar.reset_elapsed();
            bar.enable_steady_tick(std::time::Duration::from_millis(200));
        }
    }

    /// This phase goes on.
    pub(super) fn phase(&self, phase: Phase) {
        let text = if self.in_table { goes_on(self.target, phase) } else { format!("  {phase}") };
        self.show("{msg} {elapsed}", &text);
    }

    /// It is over.
    pub(super) fn end(&self, cell: Option<&Cell>) {
        let Some(bar) = &self.bar else { return };
        bar.disable_steady_tick();
        match cell.filter(|_| self.in_table) {
            Some(cell) => {
                let verdict = &cell.completed.report.verdict;
                let (phase, reason) = (verdict.phase, verdict.reason);
                let text =
                    format!("{:<12} {} {phase} {reason}", self.target.to_string(), self.console.grade(cell.grade()));
                self.show("{msg} {elapsed}", &text);
                bar.abandon();
            }
            None => bar.finish_and_clear(),
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn waits(target: Target) -> String {
    format!("{:<12} waits", target.to_string())
}

fn goes_on(target: Target, phase: Phase) -> String {
    format!("{:<12} {:<14}", target.to_string(), phase.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_below_each_other_in_columns() {
        let target = |text: &str| text.parse::<Target>().unwrap();
        assert_eq!(waits(target("pg18-amd64")), "pg18-amd64   waits");
        assert_eq!(goes_on(target("pg17-arm64"), Phase::Build), "pg17-arm64   build         ");
    }

    #[test]
    fn without_a_terminal_nothing_moves_and_every_phase_has_a_line() {
        let targets = ["pg17-amd64", "pg18-amd64"].map(|text| text.parse().unwrap());
        let board = Board::new(&targets, 2, Console::kept());
        assert!(!board.is_table && board.rows.iter().all(|(_, row)| row.bar.is_none()));
    }
}
