//! Versions of releases: opaque texts that sort sensibly.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const MAX_CHARS: usize = 128;

/// A text that cannot be a version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a version: {why}")]
pub struct InvalidVersion {
    text: String,
    why: &'static str,
}

/// The version of a release or an extension, kept as written.
///
/// The registry asks for semantic versions today, but keeps old ones such as `1.0.0b3`, so a version is never rejected for its form.
/// Versions order by their numeric and alphabetic parts; a prerelease sorts before its release (semver 2.0.0 §11, read leniently).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct Version(String);

impl Version {
    /// The version as its author wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The semantic version, where this is one.
    pub fn semver(&self) -> Option<semver::Version> {
        semver::Version::parse(&self.0).ok()
    }

    /// Orders by meaning alone, as ranges compare: `12`, `12.0` and `12.0.0+x` are equal.
    pub fn precedence(&self, other: &Self) -> Ordering {
        let ((left, left_rest), (right, right_rest)) = (self.parts(), other.parts());
        left.cmp(&right).then_with(|| match (left_rest.is_empty(), right_rest.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_prereleases(left_rest, right_rest),
        })
    }

    /// Numbers before the first letter or hyphen, and what follows them.
    fn parts(&self) -> (Vec<u64>, &str) {
        let text = self.0.split('+').next().unwrap_or_default();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        let mut numbers: Vec<u64> =
            numbers.split('.').filter(|part| !part.is_empty()).map(|part| part.parse().unwrap_or(u64::MAX)).collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        (numbers, rest.trim_start_matches('-'))
    }
}

/// Orders prerelease texts by their dotted identifiers, numbers by value and before words.
fn compare_prereleases(left: &str, right: &str) -> Ordering {
    let identifier = |text: &str| (text.parse::<u64>().map_or((1, 0), |n| (0, n)), text.to_owned());
    left.split('.').map(identifier).cmp(right.split('.').map(identifier))
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.precedence(other).then_with(|| self.0.cmp(&other.0))
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| Err(InvalidVersion { text: text.chars().take(40).collect(), why });
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.chars().count() > MAX_CHARS {
            return refuse("it has more than 128 characters");
        }
        if text.starts_with('.') || text.chars().any(|c| matches!(c, '/' | '\\') || c.is_whitespace() || c.is_control())
        {
            return refuse("it starts with a dot or holds a slash, a space or a control character");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidVersion;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_sort_as_people_read_them() {
        let sorted = [
            "0.9.10",
            "1.0.0-alpha.2",
            "1.0.0-alpha.10",
            "1.0.0b3",
            "1.0.0",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2.0",
            "0.20190509.0",
        ];
        let mut shuffled: Vec<Version> = sorted.iter().rev().map(|text| version(text)).collect();
        shuffled.sort();
        let texts: Vec<&str> = shuffled.iter().map(Version::as_str).collect();
        assert_eq!(
            texts,
            [
                "0.9.10",
                "0.20190509.0",
                "1.0.0-alpha.2",
                "1.0.0-alpha.10",
                "1.0.0b3",
                "1.0.0",
                "1.0.1",
                "1.2.0",
                "1.10.0",
                "2.0"
            ]
        );
    }

    #[test]
    fn an_old_version_is_kept_though_it_is_not_semantic() {
        assert_eq!(version("1.0.0b3").to_string(), "1.0.0b3");
        assert_eq!(version("1.0.0b3").semver(), None);
    }

    proptest! {
        #[test]
        fn ordering_is_total_and_agrees_with_equality(a in "[0-9a-z.+-]{1,12}", b in "[0-9a-z.+-]{1,12}", c in "[0-9a-z.+-]{1,12}") {
            let (Ok(a), Ok(b), Ok(c)) = (a.parse::<Version>(), b.parse::<Version>(), c.parse::<Version>()) else { return Ok(()) };
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            if a <= b && b <= c { prop_assert!(a <= c); }
        }
    }
}
