//! META 2 (RFC 3, a draft), as far as it says what META 1 says: extensions, PostgreSQL versions, prerequisites, maintainers; and one thing
//! more, the modules with what has to load them.
//!
//! Prerequisites are package URLs. `pkg:pgxn/…` and `pkg:postgres/…` are what META 1's names are; all others (`pkg:generic/…`, `pkg:cargo/…`)
//! are programs and libraries, which a registry of extensions does not have. Of the variations, those for all of Linux count, as that is
//! what everything here runs on.

use percent_encoding::percent_decode_str;
use protocol::Name;
use serde_json::{Map, Value};

use super::prereqs::{Named, PHASES, Phase, Prerequisite, RELATIONS, Relation};
use super::provides::Provided;
use super::range;
use crate::json;

const MAX: usize = 1_000;

/// What has to load a module before it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preload {
    /// The server, at its start: `shared_preload_libraries`.
    Server,
    /// A session, at its start.
    Session,
}

/// A library that the server loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The name by which the server would load it: that of its file, without directory and suffix.
    pub library: String,
    /// What has to load it before it works, where something has to.
    pub preload: Option<Preload>,
}

/// The extensions of `contents.extensions`.
pub(super) fn provides(object: &Map<String, Value>, problems: &mut Vec<String>) -> Vec<Provided> {
    let mut found = Vec::new();
    for (name, entry) in contents(object, "extensions") {
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

/// The libraries of `contents.modules`.
pub(super) fn modules(object: &Map<String, Value>) -> Vec<Module> {
    let module = |(name, entry): (&String, &Value)| {
        let path = json::text(entry.get("lib")).unwrap_or_else(|| name.clone());
        let preload = match json::text(entry.get("preload")).as_deref() {
            Some("server") => Some(Preload::Server),
            Some("session") => Some(Preload::Session),
            _ => None,
        };
        Module { library: path.rsplit('/').next().unwrap_or_default().trim_end_matches(".so").to_owned(), preload }
    };
    contents(object, "modules").map(module).filter(|module| !module.library.is_empty()).collect()
}

/// The entries of a part of `contents`.
fn contents<'a>(object: &'a Map<String, Value>, part: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let part = object.get("contents").and_then(|contents| contents.get(part)).and_then(Value::as_object);
    part.into_iter().flatten().take(MAX)
}

/// The server version of `dependencies.postgres`, and the packages that are extensions.
pub(super) fn prereqs(object: &Map<String, Value>, problems: &mut Vec<String>) -> Vec<Prerequisite> {
    let mut found = Vec::new();
    let Some(dependencies) = object.get("dependencies") else { return found };
    collect(dependencies, &mut found, problems);
    let variations = dependencies.get("variations").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for variation in variations.iter().filter(|variation| is_for_linux(variation)).take(MAX) {
        collect(variation.get("dependencies").unwrap_or(&Value::Null), &mut found, problems);
    }
    found.sort_by_key(|one| (one.phase, one.relation, one.name.key()));
    found
}

fn is_for_linux(variation: &Value) -> bool {
    json::texts(variation.get("where").and_then(|place| place.get("platforms"))).iter().any(|name| name == "linux")
}

fn collect(dependencies: &Value, found: &mut Vec<Prerequisite>, problems: &mut Vec<String>) {
    if let Some(version) = dependencies.get("postgres").and_then(|postgres| postgres.get("version")) {
        let name: Name = "PostgreSQL".parse().expect("it is a name");
        let range = range(version, "PostgreSQL", problems);
        let (phase, relation) = (Phase::Runtime, Relation::Requires);
        found.push(Prerequisite { phase, relation, named: Named::Server, name, range });
    }
    let Some(packages) = dependencies.get("packages") else { return };
    for (word, phase) in PHASES {
        let relations = packages.get(if phase == Phase::Runtime { "run" } else { word });
        for (word, relation) in RELATIONS {
            let packages = relations.and_then(|relations| relations.get(word)).and_then(Value::as_object);
            for (url, version) in packages.into_iter().flatten() {
                let Some((named, name)) = package(url) else { continue };
                if found.len() >= MAX {
                    problems.push(format!("`dependencies` has more than {MAX} entries; the others are left out"));
                    return;
                }
                match name.parse::<Name>() {
                    Ok(name) => {
                        let range = range(version, name.as_str(), problems);
                        found.push(Prerequisite { phase, relation, named, name, range });
                    }
                    Err(error) => problems.push(format!("a prerequisite is left out: {error}")),
                }
            }
        }
    }
}

/// The name in `pkg:pgxn/name@version?qualifiers#subpath`, and what it names; none for packages of other kinds. What stands before the last
/// slash is whose it is.
fn package(url: &str) -> Option<(Named, String)> {
    let (kind, rest) = url.strip_prefix("pkg:")?.trim_start_matches('/').split_once('/')?;
    let named = match kind.to_lowercase().as_str() {
        "pgxn" => Named::Distribution,
        "postgres" => Named::Server,
        _ => return None,
    };
    let path = rest.split(['@', '?', '#']).next().unwrap_or_default();
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    Some((named, percent_decode_str(name).decode_utf8_lossy().into_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_url_names_a_distribution_or_a_part_of_the_server_or_nothing_of_ours() {
        for (url, expected) in [
            ("pkg:pgxn/pgtap", Some((Named::Distribution, "pgtap"))),
            ("pkg:PGXN/theory/semver@0.40.0?x=y#z", Some((Named::Distribution, "semver"))),
            ("pkg:postgres/plperl", Some((Named::Server, "plperl"))),
            ("pkg:pgxn/a%20b", Some((Named::Distribution, "a b"))),
            ("pkg:generic/python3", None),
            ("pgtap", None),
            ("pkg:pgxn", None),
        ] {
            assert_eq!(package(url), expected.map(|(named, name)| (named, name.to_owned())), "{url}");
        }
    }
}
