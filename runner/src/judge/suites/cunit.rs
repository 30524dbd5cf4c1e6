//! `CUnit`, by which `PostGIS` and others test functions in C: `  Test: name ...passed`, or `...FAILED` and a line for each assertion.

use std::sync::LazyLock;

use protocol::{Suite, TestOutcome};
use regex::Regex;

use super::{Seen, Suites, compiled, record};
use crate::judge::lines::Line;

static SUITE: LazyLock<Regex> = LazyLock::new(|| compiled(r"^Suite: \S"));
static TEST: LazyLock<Regex> = LazyLock::new(|| compiled(r"^\s+Test: (?P<name>\S.*?) ?\.\.\.(?P<rest>.*)$"));
/// The result, in the line of the test or after what it printed.
static RESULT: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?P<how>passed|FAILED)\s*$"));
/// `  1. cu_algorithm.c:123  - CU_ASSERT_EQUAL(a,b)`
static ASSERTION: LazyLock<Regex> = LazyLock::new(|| compiled(r"^\s+\d+\. \S+:\d+\s+- "));
static SUMMARY: LazyLock<Regex> = LazyLock::new(|| compiled(r"^(?:--)?Run Summary:"));

/// Reads the lines from the first suite to the summary.
#[derive(Debug, Default)]
pub(super) struct Cunit {
    runs: bool,
    /// The test that has no result yet, and where it began.
    open: Option<(String, u64)>,
    /// Whether the last line told of a failure, so that its assertions may follow.
    after_failure: bool,
}

impl Cunit {
    /// Whether the line belongs to a run.
    pub(super) fn take(&mut self, line: &Line<'_>, suites: &mut Suites) -> bool {
        let text = &*line.text;
        if SUMMARY.is_match(text) && self.runs {
            self.lose(suites);
            self.runs = false;
        } else if SUITE.is_match(text) {
            self.runs = true;
        } else if let Some(captures) = TEST.captures(text).filter(|_| self.runs) {
            self.lose(suites);
            self.open = Some((captures["name"].to_owned(), line.number));
            self.result(&captures["rest"], line, suites);
        } else if self.open.is_some() {
            self.result(text, line, suites);
        } else if self.after_failure && ASSERTION.is_match(text) {
            if let Some(seen) = suites.seen.last_mut() {
                seen.last = line.number;
            }
        } else {
            return false;
        }
        true
    }

    /// Ends the log: what has no result ended the whole run.
    pub(super) fn end(mut self, suites: &mut Suites) {
        self.lose(suites);
    }

    fn lose(&mut self, suites: &mut Suites) {
        suites.lost += usize::from(self.open.take().is_some());
        self.after_failure = false;
    }

    fn result(&mut self, text: &str, line: &Line<'_>, suites: &mut Suites) {
        let Some(captures) = RESULT.captures(text) else { return };
        let Some((name, first)) = self.open.take() else { return };
        self.after_failure = &captures["how"] == "FAILED";
        let outcome = if self.after_failure { TestOutcome::Failed } else { TestOutcome::Passed };
        suites.add(Seen { record: record(Suite::Unit, &name, outcome, None), first, last: line.number });
    }
}
