//! META 2 (RFC 3, a draft), as far as it says what META 1 says: extensions, PostgreSQL versions, maintainers.

use protocol::Name;
use serde_json::{Map, Value};

use super::prereqs::{Phase, Prerequisite, Relation};
use super::provides::Provided;
use super::range;
use crate::json;

const MAX: usize = 1_000;

/// The extensions of `contents.extensions`.
pub(super) fn provides(object: &Map<String, Value>, problems: &mut Vec<String>) -> Vec<Provided> {
    let Some(extensions) = object.get("contents").and_then(|c| c.get("extensions")).and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, entry) in extensions.iter().take(MAX) {
        let field = |key: &str| json::text(entry.get(key));
        match name.trim().parse() {
            Ok(name) => found.push(Provided {
                name,
                version: None,
                file: field("sql"),
                summary: field("abstract"),
                docfile: field("doc"),
                docpath: None,
            }),
            Err(error) => problems.push(format!("an extension is left out: {error}")),
        }
    }
    found
}

/// The server version of `dependencies.postgres`.
pub(super) fn prereqs(object: &Map<String, Value>, problems: &mut Vec<String>) -> Vec<Prerequisite> {
    let Some(version) = object.get("dependencies").and_then(|d| d.get("postgres")).and_then(|p| p.get("version"))
    else {
        return Vec::new();
    };
    let name: Name = "PostgreSQL".parse().expect("it is a name");
    let range = range(version, "PostgreSQL", problems);
    vec![Prerequisite { phase: Phase::Runtime, relation: Relation::Requires, name, range }]
}

/// The maintainers as META 1 would write them.
pub(super) fn maintainers(object: &Map<String, Value>) -> Vec<String> {
    let list = object.get("maintainers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter()
        .filter_map(|one| {
            let name = json::text(one.get("name"))?;
            let address = json::text(one.get("email")).or_else(|| json::text(one.get("url")));
            Some(address.map_or_else(|| name.clone(), |address| format!("{name} <{address}>")))
        })
        .collect()
}
