//! The canonical bytes of a report: what a runner signs, and what everybody else can make again from what the farm stores and publishes.
//!
//! A header that says what it is and in which version, so that nothing else that a key signs can be taken for it; then one field a line, as
//! `name length:value`, or `name -` where there is none. The length counts bytes, so that no value can end early or look like a field.
//! Lists begin with the number of their items. The order never changes, and a field is only added in another version.
//! `docs/signatures.md` lists every field.
//!
//! Written is what databases keep: U+FFFD for U+0000, which PostgreSQL does not take in texts; numbers up to 2⁶³−1; each flag once, by the alphabet,
//! without UNCONFIRMED, which is not for a runner to say.

use std::fmt::{Display, Write};

use serde::{Deserialize, Serialize};

use crate::ids::RunId;
use crate::name::Name;
use crate::report::Report;
use crate::target::Target;
use crate::version::Version;

mod fields;
mod read;

pub use read::{Field, InvalidStatement};

/// The first line.
const HEADER: &str = "pgxn-testers report 1\n";

/// What was claimed, and so what a report has to be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// The SHA-1 of the release's archive, as the registry has it.
    pub sha1: String,
    /// The target.
    pub target: Target,
}

impl Subject {
    /// A release on a target.
    pub fn of(release: &crate::Release, target: Target) -> Self {
        Self { dist: release.dist.clone(), version: release.version.clone(), sha1: release.sha1.clone(), target }
    }
}

/// The canonical bytes, which are UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Statement(String);

impl Statement {
    /// What a report says about what was claimed.
    pub fn of(report: &Report, subject: &Subject) -> Self {
        let mut writer = Writer(HEADER.to_owned());
        fields::write(&mut writer, report, subject);
        Self(writer.0)
    }

    /// As they are signed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its fields, in order.
    pub fn fields(&self) -> Result<Vec<Field<'_>>, InvalidStatement> {
        read::fields(&self.0, HEADER)
    }

    /// The run that it is about; none where it is not well-formed.
    pub fn run(&self) -> Option<RunId> {
        let fields = self.fields().ok()?;
        fields.iter().find(|field| field.name == "run")?.value?.parse().ok()
    }
}

/// Writes fields.
struct Writer(String);

impl Writer {
    fn text(&mut self, name: &str, value: &str) {
        if value.contains('\0') {
            return self.text(name, &value.replace('\0', "\u{fffd}"));
        }
        self.word(name, value);
    }

    /// A value that holds no U+0000.
    fn word(&mut self, name: &str, value: impl AsRef<str>) {
        let value = value.as_ref();
        // A text takes whatever is written into it.
        let _ = writeln!(self.0, "{name} {}:{value}", value.len());
    }

    fn number(&mut self, name: &str, number: impl Display) {
        self.word(name, number.to_string());
    }

    /// A size or a time, up to what databases keep.
    fn size(&mut self, name: &str, number: u64) {
        self.number(name, number.min(i64::MAX.unsigned_abs()));
    }

    fn nothing(&mut self, name: &str) {
        let _ = writeln!(self.0, "{name} -");
    }

    fn optional<T>(&mut self, name: &str, value: Option<T>, write: impl FnOnce(&mut Self, &str, T)) {
        match value {
            Some(value) => write(self, name, value),
            None => self.nothing(name),
        }
    }

    fn list<T>(&mut self, name: &str, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.number(name, items.len());
        for item in items {
            write(self, item);
        }
    }

    fn texts(&mut self, (name, each): (&str, &str), items: &[String]) {
        self.list(name, items, |writer, item| writer.text(each, item));
    }
}

#[cfg(test)]
mod tests;
