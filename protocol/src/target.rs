//! What a release is tested on: a PostgreSQL major and a platform.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that names no target, major or platform.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a {kind}: {expected}")]
pub struct InvalidTarget {
    text: String,
    kind: &'static str,
    expected: &'static str,
}

fn invalid(text: &str, kind: &'static str, expected: &'static str) -> InvalidTarget {
    InvalidTarget { text: text.chars().take(40).collect(), kind, expected }
}

/// A PostgreSQL major version, 10 or newer: since 10 the first number alone is the major.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schema(value_type = u16, example = 18)]
pub struct PgMajor(u16);

impl PgMajor {
    /// The major as a number, such as 17.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for PgMajor {
    type Error = InvalidTarget;

    fn try_from(number: u16) -> Result<Self, Self::Error> {
        if (10..=99).contains(&number) {
            Ok(Self(number))
        } else {
            Err(invalid(&number.to_string(), "PostgreSQL major", "expected a number such as 17"))
        }
    }
}

impl From<PgMajor> for u16 {
    fn from(major: PgMajor) -> Self {
        major.0
    }
}

impl FromStr for PgMajor {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number: u16 =
            text.trim().parse().map_err(|_| invalid(text, "PostgreSQL major", "expected a number such as 17"))?;
        Self::try_from(number)
    }
}

impl fmt::Display for PgMajor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A processor architecture, named as Debian and Docker name it; the system is always Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// 64-bit x86.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Platform {
    /// Every platform, in the order in which pages show them.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// The platform as Debian's architectures and Docker's `linux/…` name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The platform that this program was built for.
    pub const fn native() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::Amd64 }
    }
}

impl FromStr for Platform {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.as_str() == text)
            .ok_or_else(|| invalid(text, "platform", "expected amd64 or arm64"))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A PostgreSQL major on a platform, written `pg17-amd64`.
///
/// The Linux distribution is not part of a target: it belongs to the image that a runner could reach, and each run records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    /// The PostgreSQL major.
    pub major: PgMajor,
    /// The processor architecture.
    pub platform: Platform,
}

impl utoipa::PartialSchema for Target {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .examples(["pg17-amd64"])
            .into()
    }
}

impl utoipa::ToSchema for Target {}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || invalid(text, "target", "expected something like pg17-amd64");
        let (major, platform) = text.strip_prefix("pg").and_then(|rest| rest.split_once('-')).ok_or_else(expected)?;
        Ok(Self { major: major.parse().map_err(|_| expected())?, platform: platform.parse().map_err(|_| expected())? })
    }
}

impl TryFrom<String> for Target {
    type Error = InvalidTarget;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("pg{}-{}", self.major, self.platform))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_reads_back_as_it_was_written() {
        let target: Target = "pg17-arm64".parse().unwrap();
        assert_eq!((target.major.number(), target.platform), (17, Platform::Arm64));
        assert_eq!(target.to_string(), "pg17-arm64");
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["17", "pg17", "pg9-amd64", "pg17-riscv", "pg17-amd64-x", "pg-amd64"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
