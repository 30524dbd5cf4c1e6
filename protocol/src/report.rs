//! What a runner reports of a run.

use serde::{Deserialize, Serialize};

use crate::grade::{Blame, Flag, Grade};
use crate::ids::RunId;
use crate::matrix::SourceKind;
use crate::phase::{Outcome, Phase};
use crate::reason::Reason;
use crate::target::Platform;
use crate::time::Timestamp;

/// A report holds at most this many tests; further ones are counted in a note.
const MAX_TESTS: usize = 20_000;
const MAX_FILES: usize = 256;
const MAX_NOTES: usize = 64;
const MAX_TEXT: usize = 4_096;

/// A report that breaks its own bounds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the report is not acceptable: {why}")]
pub struct InvalidReport {
    /// What is wrong.
    pub why: String,
}

/// The decisive outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Verdict {
    /// The phase that decided.
    pub phase: Phase,
    /// Why; the grade and the blame follow from it.
    pub reason: Reason,
    /// Remarks beside the grade.
    #[serde(default)]
    pub flags: Vec<Flag>,
    /// What exactly, in a few words of plain text: the missing header, the tests that failed. Empty where the reason says it all.
    #[serde(default)]
    pub detail: String,
    /// The line that decided, where a log shows it.
    #[serde(default)]
    pub decisive: Option<Decisive>,
}

impl Verdict {
    /// A verdict without flags, detail or line.
    pub fn new(phase: Phase, reason: Reason) -> Self {
        Self { phase, reason, flags: Vec::new(), detail: String::new(), decisive: None }
    }

    /// The same with a detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The grade, which follows from the reason.
    pub const fn grade(&self) -> Grade {
        self.reason.grade()
    }

    /// Who is to blame, which follows from the grade.
    pub const fn blame(&self) -> Option<Blame> {
        self.grade().blame()
    }
}

/// The line of a log that decided a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Decisive {
    /// The name of the file, one of the report's files.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// Its text, without control characters, at most 500 characters.
    pub text: String,
}

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
    /// SQL scripts compared with expected output, by `pg_regress`.
    Regress,
    /// Interleaved sessions, by `pg_isolation_regress`.
    Isolation,
    /// Perl tests in `t/`, by `prove`.
    Tap,
    /// SQL tests that print TAP, by `pg_prove`.
    Pgtap,
}

impl Suite {
    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regress => "regress",
            Self::Isolation => "isolation",
            Self::Tap => "tap",
            Self::Pgtap => "pgtap",
        }
    }
}

impl std::str::FromStr for Suite {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Regress, Self::Isolation, Self::Tap, Self::Pgtap]
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
        }
    }
}

impl std::str::FromStr for FileKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Log, Self::ServerLog, Self::Diffs, Self::Summary, Self::Packages]
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

/// The archive as the runner got it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ArchiveFacts {
    /// SHA-1, in lower-case hexadecimal digits.
    pub sha1: String,
    /// SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// The image that a run used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageFacts {
    /// Its name and tag.
    pub tag: String,
    /// Its content digest, `sha256:…`.
    pub digest: String,
    /// The digest of the recipe it was built from.
    pub recipe: String,
    /// Where its PostgreSQL comes from.
    pub source: SourceKind,
    /// The Debian suite it is based on.
    pub suite: String,
    /// The server's exact version, such as `17.11`.
    pub postgresql: String,
    /// The full line of `SELECT version()` or `pg_config --version`.
    pub postgresql_full: String,
    /// Its platform.
    pub platform: Platform,
    /// Whether the platform is emulated on the runner.
    #[serde(default)]
    pub emulated: bool,
}

/// The runner that made a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunnerFacts {
    /// The version of its program.
    pub version: String,
    /// Its kernel, such as `Linux 6.12.0`.
    pub kernel: String,
    /// Its container engine and version, such as `Docker 20.10.24`.
    pub engine: String,
    /// Processors that a run may use.
    pub cpus: f64,
    /// Memory that a run may use, in bytes.
    pub memory_bytes: u64,
}

/// What a run cost beyond the distribution's own commands, in milliseconds each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Overhead {
    /// Creating and starting the container.
    pub start_ms: u64,
    /// Copying the server's tree and the cluster, and starting the server.
    pub server_ms: u64,
    /// Copying the source in.
    pub copy_in_ms: u64,
    /// What the engine adds around commands.
    pub exec_ms: u64,
    /// Copying results out.
    pub copy_out_ms: u64,
    /// Removing the container.
    pub cleanup_ms: u64,
}

/// Everything that is known of a run when it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// The run.
    pub run_id: RunId,
    /// What it found.
    pub verdict: Verdict,
    /// Its phases, in order; phases after the decisive one are missing.
    pub phases: Vec<PhaseRecord>,
    /// Its tests, in the order in which they ran.
    #[serde(default)]
    pub tests: Vec<TestRecord>,
    /// Its files.
    #[serde(default)]
    pub files: Vec<FileRecord>,
    /// The archive; none where it could not be fetched.
    #[serde(default)]
    pub archive: Option<ArchiveFacts>,
    /// The image; none where the run ended before one was needed.
    #[serde(default)]
    pub image: Option<ImageFacts>,
    /// The runner.
    pub runner: RunnerFacts,
    /// What was done beside the plain commands, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the farm's own steps cost.
    #[serde(default)]
    pub overhead: Overhead,
    /// When the run started, by the runner's clock.
    pub started_at: Timestamp,
    /// When it ended, by the runner's clock.
    pub finished_at: Timestamp,
}

impl Report {
    /// Checks every bound, so that what passes can be stored and shown.
    pub fn check(&self) -> Result<(), InvalidReport> {
        let fail = |why: String| Err(InvalidReport { why });
        let sizes = [
            ("phases", self.phases.len(), Phase::ALL.len()),
            ("tests", self.tests.len(), MAX_TESTS),
            ("files", self.files.len(), MAX_FILES),
            ("notes", self.notes.len(), MAX_NOTES),
            ("flags", self.verdict.flags.len(), Flag::ALL.len()),
        ];
        if let Some((what, have, most)) = sizes.into_iter().find(|(_, have, most)| have > most) {
            return fail(format!("it has {have} {what}, at most {most} are taken"));
        }
        if !self.phases.windows(2).all(|pair| pair[0].phase < pair[1].phase) {
            return fail("its phases are not in order".into());
        }
        if let Some(file) = self.files.iter().find(|file| !is_file_name(&file.name)) {
            return fail(format!("`{}` is not a file name", file.name.chars().take(40).collect::<String>()));
        }
        let texts = self.notes.iter().chain([&self.verdict.detail]).chain(self.tests.iter().map(|test| &test.name));
        if texts.chain(self.phases.iter().map(|phase| &phase.command)).any(|text| text.len() > MAX_TEXT) {
            return fail(format!("one of its texts is longer than {MAX_TEXT} bytes"));
        }
        self.check_references()
    }

    fn check_references(&self) -> Result<(), InvalidReport> {
        let logs = self.phases.iter().filter_map(|phase| phase.log.as_deref());
        let named = logs.chain(self.verdict.decisive.as_ref().map(|decisive| decisive.file.as_str()));
        for name in named {
            if !self.files.iter().any(|file| file.name == name) {
                let shown: String = name.chars().take(40).collect();
                return Err(InvalidReport { why: format!("it names `{shown}`, which is not one of its files") });
            }
        }
        Ok(())
    }
}

/// Whether a text can name a file of a run.
fn is_file_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests;
