//! Names of distributions, extensions and users: case is kept, comparison ignores it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longer names than this are refused; the registry sets no limit.
const MAX_CHARS: usize = 128;

/// A text that cannot be a name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a name: {why}")]
pub struct InvalidName {
    text: String,
    why: &'static str,
}

/// A term of the PGXN Meta Specification 1.0.0: at least one character, none of them `/`, `\`, a space or a control character.
///
/// The specification asks for two characters; one is accepted, as lenient reading costs nothing here.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct Name(String);

impl Name {
    /// The name as its author wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The lower-case form that stands in registry addresses and keys.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| Err(InvalidName { text: text.chars().take(40).collect(), why });
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.chars().count() > MAX_CHARS {
            return refuse("it has more than 128 characters");
        }
        if text.chars().any(|c| matches!(c, '/' | '\\') || c.is_whitespace() || c.is_control()) {
            return refuse("it holds a slash, a backslash, a space or a control character");
        }
        if text.starts_with('.') {
            return refuse("it starts with a dot");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Name {}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_are_one_name() {
        let left: Name = "pgTAP".parse().unwrap();
        let right: Name = "pgtap".parse().unwrap();
        assert_eq!(left, right);
        assert_eq!(left.to_string(), "pgTAP");
    }

    #[test]
    fn a_name_cannot_climb_out_of_a_directory() {
        for text in ["", "..", ".", "a/b", "a\\b", "a b", "a\nb", "a\0b"] {
            assert!(text.parse::<Name>().is_err(), "{text:?}");
        }
    }
}
