//! The long lists of a run's page: phases on a timeline, tests, files.

use protocol::{FileKind, FileRecord, Outcome, PhaseRecord, RunId, Suite, TestOutcome, TestRecord};
use serde::Serialize;

use super::around::{Around, signal};
use super::evidence::Diffs;
use crate::address;
use crate::mark::Mark;
use crate::text::{bytes, duration};

/// A phase on the timeline.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PhaseLine {
    #[serde(flatten)]
    pub record: PhaseRecord,
    #[serde(skip)]
    pub mark: Mark,
    /// Whether it can only warn.
    pub only_warns: bool,
    /// Whether it found something to mend.
    pub warns: bool,
    pub log_href: Option<String>,
    /// Where its bar starts, in thousandths of the run.
    #[serde(skip)]
    pub from: u64,
    /// How wide its bar is, in thousandths of the run.
    #[serde(skip)]
    pub width: u64,
}

impl PhaseLine {
    pub(crate) fn wall(&self) -> String {
        duration(self.record.duration_ms)
    }

    pub(crate) fn cpu(&self) -> String {
        self.record.cpu_ms.map(duration).unwrap_or_default()
    }

    pub(crate) fn memory(&self) -> String {
        self.record.peak_memory_bytes.map(bytes).unwrap_or_default()
    }

    /// How it ended, in a word.
    pub(crate) const fn outcome(&self) -> &'static str {
        if self.warns { "warned" } else { self.record.outcome.as_str() }
    }

    /// Why it failed, where it decided.
    pub(crate) fn why(&self) -> Option<&'static str> {
        self.record.reason.filter(|_| !self.only_warns).map(protocol::Reason::sentence)
    }

    /// How its command ended, where that is not plain success.
    pub(crate) fn end(&self) -> String {
        match (self.record.exit, self.record.signal) {
            (_, Some(number)) => signal(number),
            (Some(exit), None) if exit != 0 => format!("exit {exit}"),
            _ => String::new(),
        }
    }
}

/// The tests of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Tests {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Each one, those that failed first.
    pub list: Vec<TestLine>,
}

impl Tests {
    pub(super) fn new(id: RunId, tests: &[TestRecord], diffs: Option<&Diffs>) -> Self {
        let number = |outcome| tests.iter().filter(|test| test.outcome == outcome).count();
        let place =
            |record: &TestRecord| diffs.filter(|_| record.outcome == TestOutcome::Failed)?.of_test(id, &record.name);
        let mut list: Vec<TestLine> =
            tests.iter().map(|record| TestLine { record: record.clone(), diff: place(record) }).collect();
        list.sort_by_key(|test| test.record.outcome != TestOutcome::Failed);
        Self {
            passed: number(TestOutcome::Passed),
            failed: number(TestOutcome::Failed),
            skipped: number(TestOutcome::Skipped),
            list,
        }
    }

    /// Those that a page shows at once; the JSON has all.
    pub(crate) fn shown(&self) -> &[TestLine] {
        &self.list[..self.list.len().min(500)]
    }

    /// `11 passed, 1 failed`.
    pub(crate) fn words(&self) -> String {
        let parts = [(self.failed, "failed"), (self.passed, "passed"), (self.skipped, "skipped")];
        let parts: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
        parts.join(", ")
    }
}

/// A test in the list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TestLine {
    #[serde(flatten)]
    pub record: TestRecord,
    /// Where its differences are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl TestLine {
    pub(crate) const fn mark(&self) -> Mark {
        match self.record.outcome {
            TestOutcome::Passed => Mark::Pass,
            TestOutcome::Failed => Mark::Fail,
            TestOutcome::Skipped => Mark::Na,
        }
    }

    /// Its suite, and its time where that is known.
    pub(crate) fn words(&self) -> String {
        let suite = match self.record.suite {
            Suite::Regress => "pg_regress",
            Suite::Isolation => "isolation",
            Suite::Tap => "TAP",
            Suite::Pgtap => "pgTAP",
            Suite::Unit => "CUnit",
        };
        self.record.duration_ms.map_or_else(|| suite.to_owned(), |millis| format!("{suite}, {}", duration(millis)))
    }
}

/// A file in the list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FileLine {
    #[serde(flatten)]
    pub record: FileRecord,
    pub href: String,
}

impl FileLine {
    pub(crate) fn size(&self) -> String {
        bytes(self.record.bytes)
    }

    pub(crate) fn kind(&self) -> &'static str {
        kind_words(self.record.kind)
    }
}

/// What a file is, for people.
pub(crate) const fn kind_words(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Log => "what the phase printed",
        FileKind::ServerLog => "the server's log",
        FileKind::Diffs => "differences from the expected output",
        FileKind::Summary => "what pg_regress printed",
        FileKind::Packages => "packages of the image",
        FileKind::Backtrace => "where the server crashed",
    }
}

/// A file with its address.
pub(super) fn file_line(id: RunId, record: &FileRecord) -> FileLine {
    FileLine { record: record.clone(), href: address::file(id, &record.name) }
}

/// The phases with their bars: each starts where the one before ended, and none is too narrow to be seen.
/// The phase that decided looks as the verdict does.
pub(super) fn timeline(id: RunId, phases: &[PhaseRecord], around: &Around, verdict: Mark) -> Vec<PhaseLine> {
    let total = phases.iter().map(|phase| phase.duration_ms).fold(0, u64::saturating_add).max(1);
    let share = |millis: u64| u64::try_from(u128::from(millis) * 1000 / u128::from(total)).unwrap_or(1000);
    let mut passed = 0_u64;
    let mut line = |record: &PhaseRecord| {
        let from = share(passed).min(994);
        passed = passed.saturating_add(record.duration_ms);
        let only_warns = record.phase.only_warns();
        let warns = only_warns && (record.outcome == Outcome::Failed || around.warns(record.phase));
        PhaseLine {
            mark: match record.outcome {
                _ if warns => Mark::Env,
                Outcome::Failed => verdict,
                outcome => outcome.into(),
            },
            only_warns,
            warns,
            log_href: record.log.as_deref().map(|name| address::file(id, name)),
            from,
            width: share(record.duration_ms).clamp(6, 1000 - from),
            record: record.clone(),
        }
    };
    phases.iter().map(&mut line).collect()
}
