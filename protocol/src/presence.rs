//! Whether a runner that is there takes work, and which language it and its coordinator speak.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::notice::words;
use crate::time::Timestamp;

words! {
    /// Why a runner takes no work for now, though it is there.
    Away, "reason to be away", {
        /// Its volunteer has said so.
        Paused = "paused",
        /// It ends as soon as what it tests is done.
        Draining = "draining",
        /// It works at other times than this.
        Hours = "hours",
        /// Somebody else uses its machine.
        Busy = "busy",
    }
}

/// That a runner takes no work, as it tells the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Absence {
    /// Why.
    pub why: Away,
    /// Until when, where that is known.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// The header in which both ends say which protocol they speak, as `MAJOR.MINOR`. Who says nothing speaks 1.0.
pub const PROTOCOL_HEADER: &str = "x-pgxn-testers-protocol";

/// What this program speaks.
pub const PROTOCOL: ProtocolVersion = ProtocolVersion { major: 1, minor: 0 };

/// The version of what runner and coordinator say to each other. Both have to speak the same major; a minor only adds what the other end may
/// leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolVersion {
    /// Another one is another language.
    pub major: u16,
    /// A higher one says more.
    pub minor: u16,
}

impl ProtocolVersion {
    /// Whether the two understand each other.
    pub const fn understands(self, other: Self) -> bool {
        self.major == other.major
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ProtocolVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('.')
            .and_then(|(major, minor)| Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? }));
        parsed.ok_or_else(|| {
            format!("`{}` is no version of a protocol, such as {PROTOCOL}", text.chars().take(40).collect::<String>())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_major_understand_each_other() {
        let version = |text: &str| text.parse::<ProtocolVersion>().unwrap();
        assert!(version("1.0").understands(version("1.7")));
        assert!(!version("1.0").understands(version("2.0")));
        assert_eq!(version("12.3").to_string(), "12.3");
        for text in ["", "1", "1.x", "-1.0", "1.0.0", "99999999.0"] {
            assert!(text.parse::<ProtocolVersion>().unwrap_err().contains("such as 1.0"), "{text}");
        }
    }

    #[test]
    fn an_absence_that_says_no_end_is_read() {
        let absence: Absence = serde_json::from_str(r#"{"why": "hours"}"#).unwrap();
        assert_eq!(absence, Absence { why: Away::Hours, until: None });
    }
}
