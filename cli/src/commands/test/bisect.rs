//! `--bisect-pg`: where among the majors a distribution begins to fail, or to work.

use std::process::ExitCode;

use anyhow::Result;
use protocol::{Grade, PgMajor};
use runner::Hold;

use super::board::Board;
use super::{Cell, Job, end, test_one};
use crate::args::Bisect;
use crate::console::{Colour, plain};
use search::{Known, Next, next, turns};

mod search;

/// The majors in a row, oldest first, and what was found on them.
struct Row {
    majors: Vec<PgMajor>,
    cells: Vec<Option<Cell>>,
    lacks: Option<String>,
}

/// Tests until it is known where it turns.
pub(super) async fn run(job: &Job<'_>, majors: &[PgMajor], how: Bisect) -> Result<ExitCode> {
    let mut majors = majors.to_vec();
    majors.sort();
    majors.dedup();
    let mut row = Row { cells: majors.iter().map(|_| None).collect(), majors, lacks: None };
    loop {
        let at = match (how, next(&row.known())) {
            (Bisect::Halve, Next::Test(at)) => Some(at),
            (Bisect::Halve, _) => None,
            (Bisect::Every, _) => row.cells.iter().position(Option::is_none),
        };
        let Some(at) = at else { break };
        row.test(job, at).await;
    }
    let cells: Vec<Cell> = row.cells.iter_mut().filter_map(Option::take).collect();
    end::finish(job, &cells, row.lacks.as_deref())?;
    for cell in cells {
        if let Some(at) = row.majors.iter().position(|major| *major == cell.target.major) {
            row.cells[at] = Some(cell);
        }
    }
    row.tell(job, how);
    Ok(row.exit_code())
}

impl Row {
    fn known(&self) -> Vec<Known> {
        let known = |cell: &Option<Cell>| match cell.as_ref().map(Cell::grade) {
            None => Known::Nothing,
            Some(Grade::Pass | Grade::Untested) => Known::Works(true),
            Some(Grade::Fail) => Known::Works(false),
            Some(Grade::Na | Grade::Blocked | Grade::Env | Grade::Error) => Known::Unclear,
        };
        self.cells.iter().map(known).collect()
    }

    async fn test(&mut self, job: &Job<'_>, at: usize) {
        let target = job.target(self.majors[at]);
        let board = Board::new(&[target], 1, job.console);
        let tested = test_one(job, &board.lines(target), target, Hold::default()).await;
        self.cells[at] = tested.cell;
        self.lacks = self.lacks.take().or(tested.lacks);
    }

    /// Says what was found, with the decisive line of both sides.
    fn tell(&self, job: &Job<'_>, how: Bisect) {
        let known = self.known();
        job.console.line("");
        let tested = self.cells.iter().flatten().count();
        let found = match how {
            Bisect::Halve => match next(&known) {
                Next::Turns(before, after) => vec![(before, after)],
                _ => Vec::new(),
            },
            Bisect::Every => turns(&known),
        };
        for (before, after) in &found {
            let works = known[*after] == Known::Works(true);
            let (on, from) = (self.majors[*before], self.majors[*after]);
            let sentence = if works {
                format!("It fails on PostgreSQL {on} and works from {from} on.")
            } else {
                format!("It works on PostgreSQL {on} and fails from {from} on.")
            };
            job.console.line(&job.console.paint(Colour::Bold, &sentence));
            for at in [*before, *after] {
                self.side(job, at);
            }
            let between: Vec<String> = self.majors[before + 1..*after].iter().map(ToString::to_string).collect();
            if !between.is_empty() {
                job.console.line(&format!("Of PostgreSQL {}, there is no verdict.", between.join(", ")));
            }
        }
        if found.is_empty() {
            job.console.line(&self.nothing(&known));
        }
        let told = format!("Tested on {tested} of {} majors.", self.majors.len());
        job.console.line(&job.console.paint(Colour::Dim, &told));
    }

    /// One side of a turn.
    fn side(&self, job: &Job<'_>, at: usize) {
        let Some(cell) = &self.cells[at] else { return };
        let verdict = &cell.completed.report.verdict;
        let line = match &verdict.decisive {
            Some(line) => format!("{}:{}: {}", line.file, line.line, line.text),
            None => verdict.reason.sentence_with(&verdict.detail),
        };
        job.console.line(&format!(
            "  {:<4} {} {}",
            self.majors[at].to_string(),
            job.console.grade(verdict.grade()),
            plain(&line)
        ));
    }

    /// Why no turn was found.
    fn nothing(&self, known: &[Known]) -> String {
        match next(known) {
            Next::Agree(first, last) if first == last => {
                format!("Only PostgreSQL {} has a verdict, so that there is nothing between.", self.majors[first])
            }
            Next::Agree(first, last) => {
                let what = if known[first] == Known::Works(true) { "works" } else { "fails" };
                let (first, last) = (self.majors[first], self.majors[last]);
                format!(
                    "It {what} on PostgreSQL {first} and on {last}: there is no turn to find between them; \
                     `--bisect-pg=every` tests all of them."
                )
            }
            _ => "It has a verdict on no PostgreSQL, so that there is no turn to find.".to_owned(),
        }
    }

    /// 0 where a turn was found, or all is well; 1 where it fails on both ends; 3 without a verdict.
    fn exit_code(&self) -> ExitCode {
        match next(&self.known()) {
            Next::Agree(first, _) if self.known()[first] == Known::Works(false) => ExitCode::from(1),
            Next::Unclear if self.lacks.is_some() => ExitCode::from(4),
            Next::Unclear => ExitCode::from(3),
            _ => ExitCode::SUCCESS,
        }
    }
}
