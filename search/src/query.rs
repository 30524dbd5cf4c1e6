//! What is asked: where, for what, and which part of the answer.

use std::str::FromStr;

/// A longer text is cut.
const MAX_CHARS: usize = 256;
/// As the API server: so many hits where nothing is said, or nothing that makes sense.
const LIMIT: usize = 50;
/// As the API server: a limit from here on is none that makes sense.
const TOO_MANY: usize = 1024;
/// Nobody looks further; each step costs as much as all before it.
const FURTHEST: usize = 10_000;

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum In {
    /// Documents: READMEs.
    Docs,
    /// Distributions.
    Dists,
    /// Extensions.
    Extensions,
    /// Users.
    Users,
    /// Tags.
    Tags,
}

impl In {
    /// All of them, in the order in which pgxn.org offers them.
    pub const ALL: [Self; 5] = [Self::Docs, Self::Dists, Self::Extensions, Self::Users, Self::Tags];

    /// The word in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::Dists => "dists",
            Self::Extensions => "extensions",
            Self::Users => "users",
            Self::Tags => "tags",
        }
    }
}

impl FromStr for In {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is nothing that can be searched"))
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What for; never empty.
    pub query: String,
    /// How many hits are left out at the beginning.
    pub offset: usize,
    /// How many follow at most.
    pub limit: usize,
}

impl Ask {
    /// Reads a question as the API server does: none where there is nothing to search for, or where a number is none.
    pub fn read(query: Option<&str>, offset: Option<&str>, limit: Option<&str>) -> Option<Self> {
        let query: String = query.unwrap_or_default().trim().chars().take(MAX_CHARS).collect();
        let number = |text: Option<&str>| match text.unwrap_or_default() {
            "" => Some(0),
            text if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(text.parse().unwrap_or(usize::MAX)),
            _ => None,
        };
        let (offset, limit) = (number(offset)?, number(limit)?);
        let limit = if limit == 0 || limit >= TOO_MANY { LIMIT } else { limit };
        if matches!(&*query, "" | "*" | "?") { None } else { Some(Self { query, offset: offset.min(FURTHEST), limit }) }
    }

    /// The question as the index's own language has it, which says `-` for the registry's `AND NOT` and `NOT`. What stands in quotes stays.
    pub(crate) fn words(&self) -> String {
        let plain = |part: &str| part.replace(" AND NOT ", " -").replace(" NOT ", " -");
        let parts = self.query.split('"').enumerate();
        let parts: Vec<_> = parts.map(|(at, part)| if at % 2 == 0 { plain(part) } else { part.to_owned() }).collect();
        parts.join("\"")
    }
}
