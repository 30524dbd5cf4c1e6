//! The runner of `PostGIS`, `regress/run_test.pl`, which others took over: what each SQL script prints is compared with what is expected.
//!
//! ` regress/core/affine .. ok in 45 ms`, with a dot for each step, or ` failed (diff expected obtained: FILE)` and, where it is to be verbose,
//! FILE between two lines of hyphens; at last `Run tests: 123` and `Failed: 0`. A script can fail after it was ok, by what it left behind;
//! what it prints to stderr may stand between the dots and the result. Several runs may stand in one log.

use std::sync::LazyLock;

use protocol::{Suite, TestOutcome, TestRecord};
use regex::Regex;

use super::{Seen, Suites, compiled, duration, record};
use crate::judge::lines::Line;

/// Where the name of a script ends; that of a hook has two words.
static BEGINS: LazyLock<Regex> = LazyLock::new(|| compiled(r"^ (?P<name>[^\s.]\S*(?: \S+)?) \.(?P<rest>.*)$"));
static ENDS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(concat!(
        r"^\.* ?(?:(?P<ok>ok)(?: in (?P<ms>\d+) ms| \(.*\))?",
        r"|(?P<failed>failed \(.*)|(?P<skipped>skipped \(.*))(?: \.\.\. but cleanup sql failed!)?\s*$",
    ))
});
static RUN: LazyLock<Regex> = LazyLock::new(|| compiled(r"^Run tests: \d+$"));
static FAILED: LazyLock<Regex> = LazyLock::new(|| compiled(r"^Failed: (?P<tests>\d{1,6})$"));
/// What frames a file that is shown.
static FRAME: LazyLock<Regex> = LazyLock::new(|| compiled(r"^-{70,}$"));

/// What is counted as failed, and was not told of.
const UNNAMED: &str = "tests that are not named";

/// Reads the lines from `Running tests` to the counts.
#[derive(Debug, Default)]
pub(super) struct RunTest {
    run: Option<Run>,
}

#[derive(Debug, Default)]
struct Run {
    /// How many lines told of a failure.
    failures: usize,
    /// Whether a test was added to the suites.
    told: bool,
    /// The script that has no result yet, and where it began.
    open: Option<(String, u64)>,
    /// Scripts that were left without one.
    unclear: Vec<(String, u64)>,
    part: Part,
}

/// What the next line may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Tests,
    /// The last line told of a failure, so that its file may follow.
    AfterFailure,
    File,
    Counts,
}

impl RunTest {
    /// Whether the line belongs to a run.
    pub(super) fn take(&mut self, line: &Line<'_>, suites: &mut Suites) -> bool {
        let Some(run) = &mut self.run else {
            self.run = (line.text == "Running tests").then(Run::default);
            return self.run.is_some();
        };
        if run.part == Part::Counts {
            run.count(line, suites);
            self.run = None;
        } else {
            run.take(line, suites);
        }
        true
    }

    /// Ends the log: a run that did not say how it ended has lost what had no result, and whatever would have followed.
    pub(super) fn end(self, suites: &mut Suites) {
        suites.lost += self.run.map_or(0, |run| run.unclear.len() + 1);
    }
}

impl Run {
    fn take(&mut self, line: &Line<'_>, suites: &mut Suites) {
        match (self.part, FRAME.is_match(&line.text)) {
            (Part::AfterFailure, true) => {
                self.part = Part::File;
                self.extend(line, suites);
            }
            (Part::File, ends) => {
                self.part = if ends { Part::Tests } else { Part::File };
                self.extend(line, suites);
            }
            _ if RUN.is_match(&line.text) => {
                self.unclear.extend(self.open.take());
                self.part = Part::Counts;
            }
            _ => self.test(line, suites),
        }
    }

    /// A line that begins a test, ends it, or both.
    fn test(&mut self, line: &Line<'_>, suites: &mut Suites) {
        self.part = Part::Tests;
        let begins = BEGINS.captures(&line.text);
        if let Some(captures) = &begins {
            self.unclear.extend(self.open.take());
            self.open = Some((captures["name"].to_owned(), line.number));
        }
        let rest =
            begins.as_ref().map_or(&*line.text, |captures| captures.name("rest").map_or("", |rest| rest.as_str()));
        let Some(captures) = ENDS.captures(rest) else { return };
        let outcome = match (captures.name("ok"), captures.name("failed")) {
            (Some(_), _) => TestOutcome::Passed,
            (None, Some(_)) => TestOutcome::Failed,
            (None, None) => TestOutcome::Skipped,
        };
        if outcome == TestOutcome::Failed {
            self.failures += 1;
            self.part = Part::AfterFailure;
        }
        match self.open.take() {
            Some((name, first)) => self.add(suites, script(&name, outcome, duration(&captures)), (first, line.number)),
            None if outcome == TestOutcome::Failed => self.fail_the_last(line, suites),
            None => {}
        }
    }

    /// The last line: where fewer lines told of failures than it counts, what had no result failed; else that was not run to its end.
    fn count(&mut self, line: &Line<'_>, suites: &mut Suites) {
        let counted = FAILED.captures(&line.text).and_then(|captures| captures["tests"].parse::<usize>().ok());
        let outcome = match counted {
            Some(counted) if counted <= self.failures => TestOutcome::Skipped,
            _ => TestOutcome::Failed,
        };
        if outcome == TestOutcome::Failed && self.unclear.is_empty() {
            self.unclear.push((UNNAMED.to_owned(), line.number));
        }
        for (name, first) in std::mem::take(&mut self.unclear) {
            self.add(suites, script(&name, outcome, None), (first, first));
        }
    }

    fn add(&mut self, suites: &mut Suites, record: TestRecord, lines: (u64, u64)) {
        suites.add(Seen { record, first: lines.0, last: lines.1 });
        self.told = true;
    }

    /// What follows a failure belongs to it.
    fn extend(&self, line: &Line<'_>, suites: &mut Suites) {
        if let Some(seen) = suites.seen.last_mut().filter(|_| self.told) {
            seen.last = line.number;
        }
    }

    /// A script that was ok has left something behind.
    fn fail_the_last(&mut self, line: &Line<'_>, suites: &mut Suites) {
        let last = suites.seen.last_mut().filter(|_| self.told);
        match last.map(|seen| (seen.record.outcome, seen)) {
            Some((TestOutcome::Passed, seen)) => {
                (seen.record.outcome, seen.last) = (TestOutcome::Failed, line.number);
                (suites.passed, suites.failed) = (suites.passed - 1, suites.failed + 1);
            }
            Some((TestOutcome::Failed, seen)) => seen.last = line.number,
            _ => self.add(suites, script(line.text.trim(), TestOutcome::Failed, None), (line.number, line.number)),
        }
    }
}

fn script(name: &str, outcome: TestOutcome, duration_ms: Option<u64>) -> TestRecord {
    record(Suite::Regress, name, outcome, duration_ms)
}
