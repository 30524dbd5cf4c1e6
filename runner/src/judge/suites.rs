//! The tests that a log tells of: `pg_regress` old and new, `pg_isolation_regress`, `prove` and `pg_prove`, bare TAP from psql, the
//! `run_test.pl` of `PostGIS`, and `CUnit`.
//!
//! Several suites may stand in one log, in any order. A line of a suite that runs inside of another, such as the subtests that
//! `prove --verbose` shows, is not counted.

mod cunit;
mod run_test;

use std::sync::LazyLock;

use protocol::{Suite, TestOutcome, TestRecord};
use regex::{Captures, Regex};

use self::cunit::Cunit;
use self::run_test::RunTest;
use crate::judge::LogFile;
use crate::judge::lines::{Line, lines, shown};

/// As many tests as a report takes comfortably; further ones are only counted.
const MAX_TESTS: usize = 10_000;
const MAX_NAME_CHARS: usize = 120;

/// PostgreSQL up to 15: `test name ... ok 12 ms`, indented in a parallel group.
static OLD: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^(?:test | {5})(?P<name>\S+)\s+\.\.\. (?P<how>ok|FAILED|failed)\b(?P<rest>.*)$"));
/// PostgreSQL since 16: `not ok 2     + name  33 ms`.
static NEW: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^(?P<not>not )?ok \d+\s+[-+] (?P<name>\S+)\s+(?P<ms>\d+) ms\s*$"));
/// `t/001_x.pl .. ok`, with `--timer` in front and behind.
static FILE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^(?:\[\d\d:\d\d:\d\d\] )?(?P<name>[^\s#]\S*) \.{2,} ?(?P<rest>.*)$"));
static FILE_NAME: LazyLock<Regex> = LazyLock::new(|| compiled(r"\.(?:pl|t|sql|pg|py|sh|rb)$"));
/// How a file's tests ended.
static FILE_RESULT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"^(?:(?P<ok>ok)(?:\s+(?P<ms>\d+) ms.*)?|(?P<skipped>skipped: .*|skipped)|Dubious, test returned .*|Failed \d+/\d+ .*|No subtests run.*|Bailout called.*)\s*$",
    )
});
/// TAP without a harness.
static BARE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^(?P<not>not )?ok (?P<number>\d+)(?:\s+(?:- )?(?P<name>.*))?$"));
static PLAN: LazyLock<Regex> = LazyLock::new(|| compiled(r"^1\.\.(?P<tests>\d{1,6})(?:\s|$)"));
static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)#\s*(?:(?P<todo>todo)|skip)\b"));
static MILLIS: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?P<ms>\d+) ms\s*$"));

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the tests compile every pattern")
}

/// A test and the lines of the log that tell of it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) record: TestRecord,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// All that a log tells of tests.
#[derive(Debug, Default)]
pub(crate) struct Suites {
    pub(crate) seen: Vec<Seen>,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// How many were announced, or began, and did not come to a result.
    pub(crate) lost: usize,
}

impl Suites {
    /// The tests that failed, in order, as far as they were kept.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(|seen| seen.record.outcome == TestOutcome::Failed)
    }

    /// How many ran or were skipped.
    pub(crate) fn total(&self) -> usize {
        self.passed + self.failed + self.skipped
    }

    fn add(&mut self, seen: Seen) {
        let keeps_failure = seen.record.outcome == TestOutcome::Failed && self.failed == 0;
        match seen.record.outcome {
            TestOutcome::Passed => self.passed += 1,
            TestOutcome::Failed => self.failed += 1,
            TestOutcome::Skipped => self.skipped += 1,
        }
        if self.seen.len() < MAX_TESTS {
            self.seen.push(seen);
        } else if keeps_failure && let Some(last) = self.seen.last_mut() {
            *last = seen;
        }
    }
}

/// The tests that a log tells of, in order, at most ten thousand.
pub fn parse_tests(log: &[u8]) -> Vec<TestRecord> {
    read(&LogFile { name: "", bytes: log }).seen.into_iter().map(|seen| seen.record).collect()
}

/// Reads a log.
pub(crate) fn read(log: &LogFile<'_>) -> Suites {
    let mut reader = Reader::default();
    for line in lines(*log).filter(|line| !line.text.is_empty()) {
        reader.take(&line);
    }
    let Reader { mut suites, planned, bare, run_test, cunit, .. } = reader;
    suites.lost = planned.saturating_sub(bare);
    run_test.end(&mut suites);
    cunit.end(&mut suites);
    suites
}

#[derive(Debug, Default)]
struct Reader {
    suites: Suites,
    isolation: bool,
    /// The file whose tests are running: its name and the first line that may tell of it. What its tests print to stderr comes
    /// before its name where the output is not a terminal.
    open: Option<(String, u64)>,
    /// Whether the last test was one of `pg_regress`, to which the next plan belongs.
    after_regress: bool,
    /// The line after the last test.
    next: u64,
    planned: usize,
    bare: usize,
    run_test: RunTest,
    cunit: Cunit,
}

impl Reader {
    fn take(&mut self, line: &Line<'_>) {
        let text = &*line.text;
        if self.run_test.take(line, &mut self.suites) || self.cunit.take(line, &mut self.suites) {
            (self.open, self.after_regress, self.next) = (None, false, line.number + 1);
            return;
        }
        if text.contains("pg_isolation_regress") || text.starts_with("# +++ isolation") {
            self.isolation = true;
        } else if text.contains("/pg_regress ") || text.starts_with("# +++ ") || text.starts_with("+++ ") {
            self.isolation = text.contains("+++ isolation");
        }
        let _ = self.regress(line) || self.file(line) || self.file_end(line) || self.bare(line) || self.plan(text);
    }

    fn regress(&mut self, line: &Line<'_>) -> bool {
        let (captures, outcome) = if let Some(captures) = NEW.captures(&line.text) {
            let outcome = if captures.name("not").is_some() { TestOutcome::Failed } else { TestOutcome::Passed };
            (captures, outcome)
        } else if let Some(captures) = OLD.captures(&line.text) {
            let outcome = match &captures["how"] {
                "ok" => TestOutcome::Passed,
                _ if captures["rest"].starts_with(" (ignored)") => TestOutcome::Skipped,
                _ => TestOutcome::Failed,
            };
            (captures, outcome)
        } else {
            return false;
        };
        let suite = if self.isolation { Suite::Isolation } else { Suite::Regress };
        let duration = duration(&captures).or_else(|| duration(&MILLIS.captures(captures.name("rest")?.as_str())?));
        self.add(record(suite, &captures["name"], outcome, duration), (line.number, line.number));
        (self.open, self.after_regress) = (None, true);
        true
    }

    /// The line of a file of tests, with its result or without.
    fn file(&mut self, line: &Line<'_>) -> bool {
        let Some(captures) = FILE.captures(&line.text) else { return false };
        let (name, rest) = (&captures["name"], &captures["rest"]);
        let first = self.open.take().filter(|(open, _)| open == name).map_or(self.next, |(_, first)| first);
        if let Some(result) = FILE_RESULT.captures(rest) {
            self.close(name, &result, (first, line.number));
        } else if FILE_NAME.is_match(name) {
            self.open = Some((name.to_owned(), first));
        } else {
            return false;
        }
        true
    }

    /// A result that stands in a line of its own, as something was printed after the file's name.
    fn file_end(&mut self, line: &Line<'_>) -> bool {
        let Some((name, first)) = self.open.clone() else { return false };
        if let Some(result) = FILE_RESULT.captures(&line.text) {
            self.close(&name, &result, (first, line.number));
        }
        true
    }

    fn close(&mut self, name: &str, result: &Captures<'_>, lines: (u64, u64)) {
        let outcome = match (result.name("ok"), result.name("skipped")) {
            (Some(_), _) => TestOutcome::Passed,
            (None, Some(_)) => TestOutcome::Skipped,
            (None, None) => TestOutcome::Failed,
        };
        let is_perl = [".pl", ".t", ".py", ".rb", ".sh"].iter().any(|ending| name.ends_with(ending));
        let suite = if is_perl { Suite::Tap } else { Suite::Pgtap };
        self.add(record(suite, name, outcome, duration(result)), lines);
        (self.open, self.after_regress) = (None, false);
    }

    fn bare(&mut self, line: &Line<'_>) -> bool {
        let Some(captures) = BARE.captures(&line.text) else { return false };
        let name = captures.name("name").map_or("", |name| name.as_str());
        let directive = DIRECTIVE.captures(name);
        let outcome = match (captures.name("not"), &directive) {
            (_, Some(directive)) if directive.name("todo").is_none() => TestOutcome::Skipped,
            (Some(_), None) => TestOutcome::Failed,
            (Some(_), Some(_)) => TestOutcome::Skipped,
            (None, _) => TestOutcome::Passed,
        };
        let numbered = format!("test {}", &captures["number"]);
        let lines = (self.next, line.number);
        let name = if name.is_empty() { &numbered } else { name };
        self.add(record(Suite::Pgtap, name, outcome, None), lines);
        self.bare += 1;
        self.after_regress = false;
        true
    }

    fn plan(&mut self, text: &str) -> bool {
        let Some(captures) = PLAN.captures(text) else { return false };
        if !self.after_regress {
            self.planned += captures["tests"].parse::<usize>().unwrap_or(0);
        }
        self.after_regress = false;
        true
    }

    fn add(&mut self, record: TestRecord, lines: (u64, u64)) {
        self.suites.add(Seen { record, first: lines.0, last: lines.1 });
        self.next = lines.1 + 1;
    }
}

fn record(suite: Suite, name: &str, outcome: TestOutcome, duration_ms: Option<u64>) -> TestRecord {
    TestRecord { suite, name: shown(name, MAX_NAME_CHARS), outcome, duration_ms }
}

fn duration(captures: &Captures<'_>) -> Option<u64> {
    captures.name("ms")?.as_str().parse().ok()
}
