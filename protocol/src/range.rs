//! Version ranges of META: comparisons joined by commas, every one of which must hold.
//!
//! A bare version means "at least"; `0` means "any". Versions compare by meaning, so that `12`, `12.0` and `12.0.0` are one, as META asks for
//! three parts where PostgreSQL has two.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::target::PgMajor;
use crate::version::Version;

const MAX_CHARS: usize = 1_024;
const MAX_CLAUSES: usize = 32;

/// A text that is not a range.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a version range: {why}")]
pub struct RangeError {
    text: String,
    why: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    AtLeast,
    AtMost,
    Less,
    Greater,
    Equal,
    Unequal,
}

impl Operator {
    /// Longest first, so that a prefix never hides the operator.
    const ALL: [(&'static str, Self); 7] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::Equal => "==",
            Self::Unequal => "!=",
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::AtLeast => ordering.is_ge(),
            Self::AtMost => ordering.is_le(),
            Self::Less => ordering.is_lt(),
            Self::Greater => ordering.is_gt(),
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause {
    operator: Operator,
    version: Version,
}

/// A set of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Range {
    clauses: Vec<Clause>,
}

impl Range {
    /// The range that holds every version.
    pub const fn any() -> Self {
        Self { clauses: Vec::new() }
    }

    /// Parses what META has: `0`, `12.0.0`, `>= 12.0.0, < 17.0.0`, `!= 13.2.0`, `== 15.0.0`.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        text.parse()
    }

    /// Whether every version is in it.
    pub fn is_any(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Whether `version` is in it.
    pub fn contains(&self, version: &Version) -> bool {
        self.clauses.iter().all(|clause| clause.operator.holds(version.precedence(&clause.version)))
    }

    /// Whether some minor release of that PostgreSQL major is in it: `<= 16.4.0` allows 16, `< 17.0.0` does not allow 17.
    pub fn allows_postgres(&self, major: PgMajor) -> bool {
        self.candidates(major).iter().any(|version| self.contains(version))
    }

    /// The versions in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        for clause in &other.clauses {
            if !joined.clauses.contains(clause) {
                joined.clauses.push(clause.clone());
            }
        }
        joined
    }

    /// Versions of a PostgreSQL major such that, if any is in the range, one of these is: its first, one far beyond, and those at and beside
    /// each boundary. Membership can change nowhere else.
    pub(crate) fn candidates(&self, major: PgMajor) -> Vec<Version> {
        let mut minors = vec![0, 100_000];
        let mut versions = Vec::new();
        for Clause { version, .. } in &self.clauses {
            let mut numbers = version.as_str().split(|c: char| !c.is_ascii_digit());
            if numbers.next().and_then(|number| number.parse().ok()) != Some(major.number()) {
                continue;
            }
            versions.push(version.clone());
            let minor: u32 = numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
            minors.extend([minor.saturating_sub(1), minor, minor.saturating_add(1)]);
        }
        versions.extend(minors.into_iter().filter_map(|minor| format!("{major}.{minor}.0").parse().ok()));
        versions
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| RangeError { text: text.chars().take(80).collect(), why };
        if text.chars().count() > MAX_CHARS {
            return Err(refuse("it is longer than 1024 characters"));
        }
        let mut clauses = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (operator, version) = Operator::ALL
                .into_iter()
                .find_map(|(sign, operator)| part.strip_prefix(sign).map(|rest| (operator, rest.trim())))
                .unwrap_or((Operator::AtLeast, part));
            if !version.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(refuse("a version has to start with a digit"));
            }
            let version: Version = version.parse().map_err(|_| refuse("it holds something that is not a version"))?;
            if operator == Operator::AtLeast && version.as_str().chars().all(|c| matches!(c, '0' | '.')) {
                continue;
            }
            clauses.push(Clause { operator, version });
        }
        if clauses.len() > MAX_CLAUSES {
            return Err(refuse("it has more than 32 parts"));
        }
        let range = Self { clauses };
        // A bare version is written with its operator; what is written has to read back.
        if range.to_string().chars().count() > MAX_CHARS {
            return Err(refuse("it is longer than 1024 characters when it is written out"));
        }
        Ok(range)
    }
}

impl fmt::Display for Range {
    /// One form for all: `>= 12.0.0, < 17.0.0`; `0` for any version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.clauses.is_empty() {
            return f.pad("0");
        }
        let parts: Vec<String> =
            self.clauses.iter().map(|clause| format!("{} {}", clause.operator.as_str(), clause.version)).collect();
        f.pad(&parts.join(", "))
    }
}

impl TryFrom<String> for Range {
    type Error = RangeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.to_string()
    }
}

/// The PostgreSQL versions that a distribution works with, as its META says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresRange {
    /// What it requires.
    pub requires: Range,
    /// What it conflicts with; each on its own.
    pub conflicts: Vec<Range>,
}

impl PostgresRange {
    /// Whether some minor release of that major is required and not in conflict.
    pub fn allows_postgres(&self, major: PgMajor) -> bool {
        let mut candidates = self.requires.candidates(major);
        candidates.extend(self.conflicts.iter().flat_map(|conflict| conflict.candidates(major)));
        candidates.iter().any(|version| self.contains(version))
    }

    /// Whether that version is required and not in conflict.
    pub fn contains(&self, version: &Version) -> bool {
        self.requires.contains(version) && !self.conflicts.iter().any(|conflict| conflict.contains(version))
    }

    /// Whether META says nothing about PostgreSQL.
    pub fn is_any(&self) -> bool {
        self.requires.is_any() && self.conflicts.is_empty()
    }
}

impl fmt::Display for PostgresRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conflicts = self.conflicts.iter().map(|conflict| format!("not {conflict}"));
        let parts: Vec<String> = std::iter::once(self.requires.to_string()).chain(conflicts).collect();
        f.pad(&parts.join("; "))
    }
}

#[cfg(test)]
mod tests;
