//! The signature of a failure: the first decisive error without what differs from place to place, so that the same symptom is recognised
//! in other distributions, releases and majors.
//!
//! Kept is what names the cause: the compiler's kind of error, PostgreSQL's own symbols, headers and libraries. Dropped are paths, lines,
//! addresses, process ids, times, temporary names, and the distribution's own names and version. Where nothing is left that could mean
//! the same in another distribution, such as the name of a test, the distribution is part of the signature.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::circumstances::Crash;
use crate::grade::Grade;
use crate::name::Name;
use crate::reason::Reason;
use crate::report::Verdict;
use crate::version::Version;

mod normalise;

const MAX_CHARS: usize = 240;

/// A text that is not a signature.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a signature: it takes 16 lower-case hexadecimal digits")]
pub struct InvalidSignature {
    text: String,
}

/// The signature of a failure: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "5e1c7a02b9d4f386")]
pub struct Signature(String);

impl Signature {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Signature {
    type Err = InvalidSignature;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 16 && text.bytes().all(is_digit) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidSignature { text: text.chars().take(40).collect() })
    }
}

impl TryFrom<String> for Signature {
    type Error = InvalidSignature;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        signature.0
    }
}

/// A symptom: what several failures may share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// What tells it from others.
    pub signature: Signature,
    /// The error for people, without what differs from place to place; empty where no line shows one.
    pub text: String,
}

/// A failure, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The server processes that were killed.
    pub crashes: &'a [Crash],
    /// The distribution.
    pub dist: &'a Name,
    /// The version of the release.
    pub version: &'a Version,
    /// The extensions that the release provides.
    pub extensions: &'a [String],
}

impl Failure<'_> {
    /// The symptom of a FAIL, of what the farm lacks and of what blocks; none of anything else.
    pub fn symptom(&self) -> Option<Symptom> {
        let verdict = self.verdict;
        if !matches!(verdict.grade(), Grade::Fail | Grade::Env | Grade::Blocked) {
            return None;
        }
        let own = normalise::Own::new(self.dist, self.version, self.extensions);
        let text: String = own.normalise(&self.error()).chars().take(MAX_CHARS).collect();
        let whose = if self.is_shared(&text) { String::new() } else { self.dist.key() };
        let parts = [verdict.phase.as_str(), verdict.reason.as_str(), &whose, &text];
        let digest = hex::encode(&Sha256::digest(parts.join("\n"))[..8]);
        Some(Symptom { signature: Signature(digest), text })
    }

    /// The text that tells the cause best: the thing that is missing, where the server was, or the decisive line.
    fn error(&self) -> String {
        let verdict = self.verdict;
        let line = verdict.decisive.as_ref().map(|decisive| decisive.text.as_str()).unwrap_or_default();
        if names_its_cause(verdict.reason) && !verdict.detail.is_empty() || line.is_empty() {
            return verdict.detail.clone();
        }
        match self.crashed_in() {
            Some(place) if verdict.reason == Reason::ServerCrashed => place,
            _ => line.to_owned(),
        }
    }

    /// `signal 11 in function`: the innermost function that does not only end the process.
    fn crashed_in(&self) -> Option<String> {
        let enders =
            ["raise", "abort", "__pthread_kill", "pthread_kill", "__assert", "ExceptionalCondition", "errfinish", "??"];
        let crash = self.crashes.first()?;
        let functions = crash.frames.iter().filter_map(|frame| frame.split_whitespace().next());
        let function = functions.into_iter().find(|name| !enders.iter().any(|ender| name.contains(ender)))?;
        Some(format!("signal {} in {function}", crash.signal))
    }

    /// Whether the text could mean the same in another distribution.
    fn is_shared(&self, text: &str) -> bool {
        match self.verdict.reason {
            Reason::TestsFailed | Reason::TestsBroken => normalise::is_server_error(text),
            Reason::ServerCrashed => self.crashed_in().is_some(),
            Reason::TimedOut | Reason::Silent => false,
            _ => !text.is_empty(),
        }
    }
}

/// Whether the detail of a verdict with this reason is the name of what is missing.
const fn names_its_cause(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::MissingHeader
            | Reason::MissingLibrary
            | Reason::MissingProgram
            | Reason::MissingLanguage
            | Reason::MissingLocale
            | Reason::PreloadNeeded
            | Reason::SettingNeeded
            | Reason::PrerequisiteMissing
            | Reason::PrerequisiteFailed
    )
}

#[cfg(test)]
mod tests;
