//! What a maintainer's own CI tells a farm of a tree that is not released. A farm shows it apart, as what somebody says, and concludes nothing from it.
//!
//! It is less than a report: nothing of the machine, no log but the lines around the decisive one. Whoever has a token may send anything, so that
//! all of it is bounded and without control characters.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::grade::{Flag, Grade};
use crate::ids::PreReleaseId;
use crate::name::Name;
use crate::report::{InvalidReport, Report, Verdict, is_file_name};
use crate::target::Target;
use crate::version::Version;

/// Its JSON may have at most this many bytes.
pub const MAX_PRE_RELEASE_BYTES: usize = 256 * 1024;

/// There are fewer targets.
const MAX_RESULTS: usize = 64;
const MAX_DETAIL_BYTES: usize = 1_000;
const MAX_POSTGRESQL_BYTES: usize = 40;
const MAX_LINES: usize = 40;
const MAX_LINE_BYTES: usize = 400;
/// All lines of an excerpt together.
const MAX_EXCERPT_BYTES: usize = 4_096;
const MAX_REF_BYTES: usize = 200;

/// `POST /api/v1/pre-releases`: what was found of one tree. More of the same tree, from other jobs of the same workflow, is put beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PreRelease {
    /// The distribution, as the tree's META.json calls it.
    pub dist: Name,
    /// The version that META.json states, which may be that of an earlier release.
    pub version: Version,
    /// The commit, as 7 to 64 lower-case hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What the commit was found by, such as `refs/heads/main`: at most 200 ASCII characters.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The SHA-256 of the source that was tested, in lower-case hexadecimal digits: of the archive, or of all files of the directory.
    pub source_sha256: String,
    /// What was found, at most once on a target.
    pub results: Vec<PreReleaseResult>,
}

/// What was found on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PreReleaseResult {
    /// The target.
    pub target: Target,
    /// The verdict, which is not ERROR: that says nothing of a distribution. Its flags are only those that one run can tell.
    pub verdict: Verdict,
    /// The server's exact version, such as `17.11`; empty where the run ended before there was one.
    #[serde(default)]
    pub postgresql: String,
    /// The part of a file that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
}

/// A part of a file: at most 40 lines of 400 bytes, 4096 bytes in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Excerpt {
    /// The file's name, such as `build.log`.
    pub file: String,
    /// The lines, without control characters.
    pub lines: Vec<String>,
}

/// The answer to what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PreReleaseTaken {
    /// Where it is: the part of the distribution's page of pre-releases that has this id.
    pub id: PreReleaseId,
    /// Whether any of it was new.
    pub is_new: bool,
}

impl PreRelease {
    /// Whether a text can be its commit.
    pub fn is_commit(text: &str) -> bool {
        is_hex(text, 7..=64)
    }

    /// Whether a text can be its ref, which one in another alphabet cannot.
    pub fn is_ref(text: &str) -> bool {
        (1..=MAX_REF_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Checks every bound, so that what passes can be stored and shown.
    pub fn check(&self) -> Result<(), InvalidReport> {
        let fail = |why: String| Err(InvalidReport { why });
        if !self.commit.as_deref().is_none_or(Self::is_commit) {
            return fail("`commit` has to be 7 to 64 lower-case hexadecimal digits".into());
        }
        if !self.git_ref.as_deref().is_none_or(Self::is_ref) {
            return fail(format!("`ref` has to be 1 to {MAX_REF_BYTES} ASCII characters without spaces"));
        }
        if !is_hex(&self.source_sha256, 64..=64) {
            return fail("`source_sha256` has to be 64 lower-case hexadecimal digits".into());
        }
        if !(1..=MAX_RESULTS).contains(&self.results.len()) {
            return fail(format!("it has {} results, from 1 to {MAX_RESULTS} are taken", self.results.len()));
        }
        let mut targets = BTreeSet::new();
        if let Some(twice) = self.results.iter().find(|result| !targets.insert(result.target.to_string())) {
            return fail(format!("it has two results on {}", twice.target));
        }
        self.results.iter().try_for_each(|result| {
            result
                .check()
                .map_err(|InvalidReport { why }| InvalidReport { why: format!("on {}, {why}", result.target) })
        })
    }
}

impl PreReleaseResult {
    /// What a run's report says, with the lines of a file that tell most. Cut to what is taken.
    pub fn of(target: Target, report: &Report, shown: Option<(String, Vec<String>)>) -> Self {
        let mut verdict = report.verdict.clone();
        verdict.flags.retain(|flag| is_of_one_run(*flag));
        clean(&mut verdict.detail, MAX_DETAIL_BYTES);
        let mut postgresql = report.image.as_ref().map(|image| image.postgresql.clone()).unwrap_or_default();
        clean(&mut postgresql, MAX_POSTGRESQL_BYTES);
        let excerpt = shown.filter(|(_, lines)| !lines.is_empty()).map(|(file, lines)| Excerpt::of(file, lines));
        Self { target, verdict, postgresql, excerpt }
    }

    fn check(&self) -> Result<(), InvalidReport> {
        let fail = |why: String| Err(InvalidReport { why });
        self.verdict.check()?;
        if self.verdict.grade() == Grade::Error {
            return fail("the grade is ERROR, which says nothing of the distribution".into());
        }
        if let Some(flag) = self.verdict.flags.iter().find(|flag| !is_of_one_run(**flag)) {
            return fail(format!("the flag {flag} is not for one run to tell"));
        }
        if !is_clean(&self.verdict.detail, MAX_DETAIL_BYTES) || !is_clean(&self.postgresql, MAX_POSTGRESQL_BYTES) {
            return fail(format!(
                "`detail` (at most {MAX_DETAIL_BYTES} bytes) or `postgresql` (at most {MAX_POSTGRESQL_BYTES}) is too long or has control characters"
            ));
        }
        let names = self.verdict.decisive.iter().map(|line| &line.file).chain(self.excerpt.iter().map(|it| &it.file));
        if let Some(name) = names.into_iter().find(|name| !is_file_name(name)) {
            return fail(format!("`{}` is not a file name", name.chars().take(40).collect::<String>()));
        }
        if !self.excerpt.as_ref().is_none_or(Excerpt::is_bounded) {
            return fail(format!(
                "`excerpt` takes {MAX_LINES} lines of {MAX_LINE_BYTES} bytes, {MAX_EXCERPT_BYTES} in all, without control characters"
            ));
        }
        Ok(())
    }
}

impl Excerpt {
    /// The last of so many lines as are taken; where they are too long together, each is cut to its share, so that none is lost.
    fn of(file: String, mut lines: Vec<String>) -> Self {
        lines.drain(..lines.len().saturating_sub(MAX_LINES));
        for line in &mut lines {
            clean(line, MAX_LINE_BYTES);
        }
        if lines.iter().map(String::len).sum::<usize>() > MAX_EXCERPT_BYTES {
            let share = MAX_EXCERPT_BYTES / lines.len();
            for line in &mut lines {
                clean(line, share);
            }
        }
        Self { file, lines }
    }

    fn is_bounded(&self) -> bool {
        self.lines.len() <= MAX_LINES
            && self.lines.iter().map(String::len).sum::<usize>() <= MAX_EXCERPT_BYTES
            && self.lines.iter().all(|line| is_clean(line, MAX_LINE_BYTES))
    }
}

/// Whether a flag is of what one run can see; the others come of comparing runs, which is the farm's.
const fn is_of_one_run(flag: Flag) -> bool {
    matches!(flag, Flag::Crash | Flag::Timeout | Flag::Warnings)
}

fn is_hex(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_clean(text: &str, most: usize) -> bool {
    text.len() <= most && !text.chars().any(char::is_control)
}

/// Makes spaces of control characters, and cuts what is too long.
fn clean(text: &mut String, most: usize) {
    *text = text.replace(char::is_control, " ");
    text.truncate(text.floor_char_boundary(most));
}

#[cfg(test)]
mod tests;
