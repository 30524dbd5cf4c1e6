//! The grade of a run, its flags, and who is to blame.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a run found. Only PASS, UNTESTED and a confirmed FAIL count for or against an author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// At least one test ran, and all passed.
    Pass,
    /// It was built and created, and has no tests.
    Untested,
    /// It failed, and the distribution is the cause.
    Fail,
    /// Its metadata or source says that it does not support this target.
    Na,
    /// A distribution that it needs failed or is missing.
    Blocked,
    /// The farm lacks a library, a setting, a device or the network that it needs.
    Env,
    /// The farm itself failed.
    Error,
}

impl Grade {
    /// Every grade.
    pub const ALL: [Self; 7] =
        [Self::Pass, Self::Untested, Self::Fail, Self::Na, Self::Blocked, Self::Env, Self::Error];

    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Untested => "UNTESTED",
            Self::Fail => "FAIL",
            Self::Na => "NA",
            Self::Blocked => "BLOCKED",
            Self::Env => "ENV",
            Self::Error => "ERROR",
        }
    }

    /// Who is to blame; nobody where nothing went wrong.
    pub const fn blame(self) -> Option<Blame> {
        match self {
            Self::Pass | Self::Untested | Self::Na => None,
            Self::Fail => Some(Blame::Extension),
            Self::Blocked | Self::Env | Self::Error => Some(Blame::Farm),
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Grade {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|grade| grade.as_str() == text).ok_or_else(|| format!("`{text}` is not a grade"))
    }
}

/// On whose side the cause lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The author can mend it.
    Extension,
    /// The farm's people can mend it; it does not count against the author.
    Farm,
}

impl Blame {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::Extension, Self::Farm];

    /// The word used in code, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Farm => "farm",
        }
    }

    /// A sentence for people, complete in itself.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Extension => "This counts against the extension: its author can mend it.",
            Self::Farm => "This does not count against the extension: the farm's people can mend it.",
        }
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A remark beside the grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Flag {
    /// The same thing ended differently when it was run again.
    Flaky,
    /// A server process was killed by a signal.
    Crash,
    /// A limit of time or of silence ended a phase.
    Timeout,
    /// The compiler warned.
    Warnings,
    /// No second run has agreed.
    Unconfirmed,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 5] = [Self::Flaky, Self::Crash, Self::Timeout, Self::Warnings, Self::Unconfirmed];

    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flaky => "FLAKY",
            Self::Crash => "CRASH",
            Self::Timeout => "TIMEOUT",
            Self::Warnings => "WARNINGS",
            Self::Unconfirmed => "UNCONFIRMED",
        }
    }

    /// A sentence for people, complete in itself.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Flaky => {
                "The same test ended differently when it was run again, so that this verdict counts for nothing."
            }
            Self::Crash => "A process of the PostgreSQL server was killed by a signal.",
            Self::Timeout => "A phase took longer than its limit, or printed nothing for longer than the limit.",
            Self::Warnings => "The compiler warned; this changes no verdict.",
            Self::Unconfirmed => "No second run has agreed yet, so that this verdict does not count.",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|flag| flag.as_str() == text).ok_or_else(|| format!("`{text}` is not a flag"))
    }
}
