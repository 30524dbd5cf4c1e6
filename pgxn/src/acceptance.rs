//! What the registry would say to an archive, before anybody uploads it.
//!
//! `first` is META 1 as the registry's own validator reads it, `second` META 2 by its schemas, `layout` the archive around it. A finding is
//! [`Severity::Rejected`] only where the registry refuses the upload; what it takes and somebody regrets later is a [`Severity::Trap`]. Nothing
//! is asked of the registry: whether the version is greater than the last, and whose the extensions are, only it knows.

use std::path::Path;

use serde_json::Value;

use crate::archive::{Limits, UnpackError};
use crate::{json, meta};

mod dictionary;
mod first;
mod layout;
mod place;
mod second;
mod word;

pub use dictionary::LICENSES;
pub use layout::Checked;

/// How bad a finding is; the worse, the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The registry refuses it.
    Rejected,
    /// The registry takes it, and somebody will be sorry: its users, its pages, or the farm.
    Trap,
}

impl Severity {
    /// The word that people and programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Trap => "trap",
        }
    }
}

/// One thing that is wrong with an archive or its META.json.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The rule that it breaks, a word that stays the same.
    pub rule: &'static str,
    /// What is wrong, as a sentence without its full stop.
    pub what: String,
    /// What to do about it, likewise.
    pub mend: String,
    /// The file that it is about, below the distribution's top directory.
    pub file: Option<String>,
    /// The line of that file, counted from 1.
    pub line: Option<u64>,
}

impl Finding {
    /// What the registry refuses.
    pub fn rejected(rule: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        let (what, mend) = (what.into(), mend.into());
        Self { severity: Severity::Rejected, rule, what, mend, file: None, line: None }
    }

    /// What it takes, and should not have been given.
    pub fn trap(rule: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Trap, ..Self::rejected(rule, what, mend) }
    }

    /// The same about a file.
    #[must_use]
    pub fn in_file(self, file: impl Into<String>) -> Self {
        Self { file: Some(file.into()), ..self }
    }
}

/// What a META.json calls the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The distribution, as written.
    pub name: String,
    /// Its version, as written.
    pub version: String,
}

impl Identity {
    /// The directory that everything lies in, `name-version` as the author writes it.
    pub fn directory(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// What is wrong with a META.json, worst first, and what it calls the release where that can stand in a file's name.
pub fn meta(text: &[u8]) -> (Option<Identity>, Vec<Finding>) {
    let value = match json::parse(text) {
        Ok(value) => value,
        Err(error) => {
            let what = format!("META.json does not parse as JSON: {error}");
            let line = u64::try_from(error.line()).ok();
            let finding = Finding::rejected("json", what, "mend it there; a comma after the last item is not JSON");
            return (None, vec![Finding { line, ..finding.in_file(place::META) }]);
        }
    };
    let mut findings = match meta::spec_of(&value) {
        meta::Spec::First => first::check(&value),
        meta::Spec::Second => second::check(&value),
    };
    if text.starts_with(b"\xef\xbb\xbf") {
        let what = "META.json begins with a byte order mark, which the registry's parser does not skip";
        findings.push((Vec::new(), Finding::rejected("json", what, "save it as UTF-8 without one")));
    }
    findings.extend(status(&value));
    let mut placed = place::placed(text, findings);
    placed.sort_by_key(|finding| (finding.severity, finding.line));
    (identity(&value), placed)
}

/// What is wrong with an archive as it would be uploaded. It blocks.
///
/// # Errors
/// Only where the file cannot be read here.
pub fn archive(zip: &Path, limits: &Limits) -> Result<Checked, UnpackError> {
    layout::check(zip, limits)
}

/// A release that calls itself stable by a version that does not.
fn status(value: &Value) -> Option<(Vec<String>, Finding)> {
    let version = value.get("version")?.as_str()?;
    let is_stable = value.get("release_status").is_none_or(|status| status == "stable");
    let is_early = value.get("contents").is_none() && version.contains('-');
    (is_stable && is_early).then(|| {
        let what = format!("`{version}` is released as stable, so that users get it who asked for no prerelease");
        let mend = "add \"release_status\": \"testing\" (or \"unstable\"), or take the suffix from the version";
        (vec!["version".to_owned()], Finding::trap("release-status", what, mend))
    })
}

fn identity(value: &Value) -> Option<Identity> {
    let field = |key: &str| value.get(key)?.as_str().map(str::to_owned);
    let is_plain = |text: &String| word::term(text).is_ok() && !text.starts_with('.') && text.len() <= 200;
    Some(Identity { name: field("name").filter(is_plain)?, version: field("version").filter(is_plain)? })
}

#[cfg(test)]
mod tests;
