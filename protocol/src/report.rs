//! What a runner reports of a run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::circumstances::Circumstances;
use crate::facts::{ArchiveFacts, ImageFacts, Overhead, RunnerFacts};
use crate::grade::{Blame, Flag, Grade};
use crate::ids::RunId;
use crate::phase::Phase;
use crate::reason::Reason;
use crate::record::{FileRecord, PhaseRecord, TestRecord};
use crate::time::Timestamp;

/// A report holds at most this many tests. What a runner leaves out of them, it counts in a note.
const MAX_TESTS: usize = 20_000;
const MAX_FILES: usize = 256;
const MAX_NOTES: usize = 64;
const MAX_TEXT: usize = 4_096;
/// The line that decided has at most this many characters.
const MAX_DECISIVE_CHARS: usize = 500;

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

    /// Checks what holds wherever a verdict comes from.
    pub(crate) fn check(&self) -> Result<(), InvalidReport> {
        let fail = |why: String| Err(InvalidReport { why });
        let Self { phase, reason, flags, detail, decisive } = self;
        if flags.len() > Flag::ALL.len() {
            return fail(format!("it has {} flags, at most {} are taken", flags.len(), Flag::ALL.len()));
        }
        if !reason.is_possible_in(*phase) {
            return fail(format!("its verdict is `{reason}`, which cannot be found in the phase {phase}"));
        }
        let decisive = decisive.as_ref().map_or("", |line| &line.text);
        if detail.len().max(decisive.len()) > MAX_TEXT {
            return fail(format!("one of its texts is longer than {MAX_TEXT} bytes"));
        }
        if decisive.chars().count() > MAX_DECISIVE_CHARS || decisive.chars().any(char::is_control) {
            return fail(format!(
                "the line that decided has control characters, or more than {MAX_DECISIVE_CHARS} others"
            ));
        }
        Ok(())
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

/// Everything that is known of a run when it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// The run.
    pub run_id: RunId,
    /// What it found.
    pub verdict: Verdict,
    /// Its phases, in order. Of those after the decisive one only the lanes beyond installcheck may be there.
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
    /// What it found beside the verdict, and under which conditions it ran.
    #[serde(default)]
    pub circumstances: Circumstances,
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
        ];
        if let Some((what, have, most)) = sizes.into_iter().find(|(_, have, most)| have > most) {
            return fail(format!("it has {have} {what}, at most {most} are taken"));
        }
        self.verdict.check()?;
        if !self.phases.windows(2).all(|pair| pair[0].phase < pair[1].phase) {
            return fail("its phases are not in order".into());
        }
        if let Some(file) = self.files.iter().find(|file| !is_file_name(&file.name)) {
            return fail(format!("`{}` is not a file name", file.name.chars().take(40).collect::<String>()));
        }
        let mut names = BTreeSet::new();
        if let Some(file) = self.files.iter().find(|file| !names.insert(&file.name)) {
            return fail(format!("it has two files `{}`", file.name));
        }
        if self.texts().any(|text| text.len() > MAX_TEXT) {
            return fail(format!("one of its texts is longer than {MAX_TEXT} bytes"));
        }
        if let Some(why) = self.circumstances.too_large() {
            return fail(why);
        }
        self.check_references()
    }

    /// Every text of any length that a row of its own or a page would hold, beside those of the circumstances.
    fn texts(&self) -> impl Iterator<Item = &String> {
        let archive = self.archive.iter().flat_map(|archive| [&archive.sha1, &archive.sha256]);
        let image = self.image.iter().flat_map(|image| {
            [&image.tag, &image.digest, &image.recipe, &image.suite, &image.postgresql, &image.postgresql_full]
        });
        let tests = self.tests.iter().map(|test| &test.name);
        let single = [&self.runner.version, &self.runner.kernel, &self.runner.engine];
        let lists = self.notes.iter().chain(self.phases.iter().map(|phase| &phase.command)).chain(tests);
        let files = self.files.iter().map(|file| &file.sha256);
        single.into_iter().chain(archive).chain(image).chain(lists).chain(files)
    }

    fn check_references(&self) -> Result<(), InvalidReport> {
        let logs = self.phases.iter().filter_map(|phase| phase.log.as_deref());
        let named = logs.chain(self.verdict.decisive.as_ref().map(|decisive| decisive.file.as_str()));
        let named = named.chain(self.circumstances.files());
        for name in named {
            if !self.files.iter().any(|file| file.name == name) {
                let shown: String = name.chars().take(40).collect();
                return Err(InvalidReport { why: format!("it names `{shown}`, which is not one of its files") });
            }
        }
        Ok(())
    }
}

/// Whether a text can name a file of a run: letters, digits, `.`, `_` and `-`, at most 100 of them, and no dot at its beginning.
pub fn is_file_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

mod fit;

#[cfg(test)]
pub(crate) mod tests;
