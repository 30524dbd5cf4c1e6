//! The `provides` of META 1: the extensions of a distribution, in the author's order.

use protocol::{Name, Version};
use serde::Deserialize;
use serde_json::Value;

use crate::json::{self, Keys};

/// More than this are not read.
const MAX: usize = 1_000;

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provided {
    /// Its name, that of `CREATE EXTENSION`.
    pub name: Name,
    /// Its version, which need not be that of its control file.
    pub version: Option<Version>,
    /// The file that makes it, usually SQL; a hint only.
    pub file: Option<String>,
    /// One line about it.
    pub summary: Option<String>,
    /// The file that documents it.
    pub docfile: Option<String>,
    /// Where the API has its documentation, without a suffix.
    pub docpath: Option<String>,
}

/// The names of `provides` as they stand in the text; empty where it does not parse.
pub(super) fn order(text: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Top {
        #[serde(default)]
        provides: Keys,
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    serde_json::from_slice::<Top>(text).map_or_else(|_| Vec::new(), |top| top.provides.0)
}

/// Reads `provides`; releases from before 2011 may have none.
pub(super) fn first(value: Option<&Value>, order: &[String], problems: &mut Vec<String>) -> Vec<Provided> {
    let map = match value {
        None | Some(Value::Null) => {
            problems.push("`provides` is missing".to_owned());
            return Vec::new();
        }
        Some(Value::Object(map)) => map,
        Some(other) => {
            problems.push(format!("`provides` is {} instead of an object", json::excerpt(other)));
            return Vec::new();
        }
    };
    if map.len() > MAX {
        problems.push(format!("`provides` has more than {MAX} entries; the others are left out"));
    }
    let mut found = Vec::new();
    let position = |name: &str| order.iter().position(|known| known == name).unwrap_or(usize::MAX);
    let mut entries: Vec<_> = map.iter().take(MAX).map(|(name, entry)| (position(name), name, entry)).collect();
    entries.sort_by_key(|(position, _, _)| *position);
    for (_, name, entry) in entries {
        match name.trim().parse() {
            Ok(name) => found.push(one(name, entry, problems)),
            Err(error) => problems.push(format!("an extension is left out: {error}")),
        }
    }
    found
}

fn one(name: Name, entry: &Value, problems: &mut Vec<String>) -> Provided {
    let field = |field: &str| json::text(entry.get(field));
    let version = field("version")
        .and_then(|text| text.parse().map_err(|error| problems.push(format!("the version of `{name}`: {error}"))).ok());
    if !entry.is_object() {
        problems.push(format!("`{name}` in `provides` is {} instead of an object", json::excerpt(entry)));
    }
    Provided {
        name,
        version,
        file: field("file"),
        summary: field("abstract"),
        docfile: field("docfile"),
        docpath: field("docpath"),
    }
}
