//! A release of a distribution, as the registry names it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::time::Timestamp;
use crate::version::Version;

/// What its author calls a release (PGXN Meta Specification 1.0.0, `release_status`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// For everybody.
    #[default]
    Stable,
    /// For testers.
    Testing,
    /// For nobody yet.
    Unstable,
}

impl Status {
    /// Every status, most mature first.
    pub const ALL: [Self; 3] = [Self::Stable, Self::Testing, Self::Unstable];

    /// The word used in the registry, code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Testing => "testing",
            Self::Unstable => "unstable",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a release status"))
    }
}

/// One archive of one version of a distribution. It is keyed by (dist, version, sha1), as an archive can be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Release {
    /// The distribution.
    pub dist: Name,
    /// Its version.
    pub version: Version,
    /// What its author calls it.
    pub status: Status,
    /// The user who uploaded it.
    pub user: Name,
    /// The SHA-1 of the archive as the release's own META.json states it: 40 lower-case hexadecimal digits.
    pub sha1: String,
    /// When it was uploaded, by the registry's clock.
    pub released_at: Timestamp,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.dist, self.version)
    }
}
