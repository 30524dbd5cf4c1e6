//! The parts of a report that come in lists: phases, tests, files.

use serde::{Deserialize, Serialize};

use crate::phase::{Outcome, Phase};
use crate::reason::Reason;

/// One phase of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PhaseRecord {
    /// The phase.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed; none when it did not.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// The exit code of its command, where one ran and ended by itself.
    #[serde(default)]
    pub exit: Option<i32>,
    /// The signal that ended its command.
    #[serde(default)]
    pub signal: Option<i32>,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// Processor time of everything in the sandbox during the phase, in milliseconds.
    #[serde(default)]
    pub cpu_ms: Option<u64>,
    /// The sandbox's highest memory use up to the phase's end, in bytes, file systems in memory included.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// The command as a person would type it; empty for phases that run none.
    #[serde(default)]
    pub command: String,
    /// The name of its log, one of the report's files.
    #[serde(default)]
    pub log: Option<String>,
}

/// The kind of test suite that a test belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suite {
    /// SQL scripts compared with expected output, by `pg_regress` or a runner of the distribution's own.
    Regress,
    /// Interleaved sessions, by `pg_isolation_regress`.
    Isolation,
    /// Perl tests in `t/`, by `prove`.
    Tap,
    /// SQL tests that print TAP, by `pg_prove`.
    Pgtap,
    /// Functions in C, by `CUnit`.
    Unit,
}

impl Suite {
    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regress => "regress",
            Self::Isolation => "isolation",
            Self::Tap => "tap",
            Self::Pgtap => "pgtap",
            Self::Unit => "unit",
        }
    }
}

impl std::str::FromStr for Suite {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Regress, Self::Isolation, Self::Tap, Self::Pgtap, Self::Unit]
            .into_iter()
            .find(|suite| suite.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a test suite"))
    }
}

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// Not run.
    Skipped,
}

impl TestOutcome {
    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl std::str::FromStr for TestOutcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Passed, Self::Failed, Self::Skipped]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a test outcome"))
    }
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestRecord {
    /// The suite it belongs to.
    pub suite: Suite,
    /// Its name, as its own suite prints it.
    pub name: String,
    /// How it ended.
    pub outcome: TestOutcome,
    /// Wall time in milliseconds, where the suite prints it.
    #[serde(default)]
    pub duration_ms: Option<u64>,
}

/// What a file of a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// What a phase printed.
    Log,
    /// The server's log.
    ServerLog,
    /// `regression.diffs`, or what isolation tests write as such.
    Diffs,
    /// `regression.out`.
    Summary,
    /// The packages of the image with their versions.
    Packages,
    /// Where a server process was when a signal killed it.
    Backtrace,
}

impl FileKind {
    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::ServerLog => "server_log",
            Self::Diffs => "diffs",
            Self::Summary => "summary",
            Self::Packages => "packages",
            Self::Backtrace => "backtrace",
        }
    }
}

impl std::str::FromStr for FileKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Log, Self::ServerLog, Self::Diffs, Self::Summary, Self::Packages, Self::Backtrace]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a file kind"))
    }
}

/// A file that belongs to a report; its bytes are uploaded before the report, compressed with zstd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FileRecord {
    /// Its name within the run: letters, digits, `.`, `_` and `-` only, such as `build.log`.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// The SHA-256 of its uncompressed bytes, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The number of its uncompressed bytes.
    pub bytes: u64,
    /// The number of bytes that were left out of its middle, as it exceeded the limit.
    #[serde(default)]
    pub omitted_bytes: u64,
}
