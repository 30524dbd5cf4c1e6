//! Makes a META.json for a distribution that has none, from its control files and what Debian says of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::corpus::Entry;
use super::sources::Source;
use super::version;
use crate::Tree;

pub(super) const MAINTAINER: &str = "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>";

static SETTING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*(\w+)\s*=\s*(?:'((?:[^']|'')*)'|([^#\s]+))").expect("it is a regex"));
static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[A-Za-z0-9_-]{2,}$").expect("it is a regex"));

/// An extension that the files describe.
struct Found {
    file: String,
    version: String,
    comment: Option<String>,
    requires: Vec<String>,
}

/// A META.json that says of itself, in a key that the registry drops, that nobody upstream wrote it.
pub(super) fn meta(tree: &Tree, entry: &Entry, source: &Source, upstream: &str) -> Map<String, Value> {
    let found = extensions(tree, upstream);
    let name = name(entry, source, &found);
    let comment = found.iter().find_map(|(_, extension)| extension.comment.clone());
    let mut provides = Map::new();
    for (extension, facts) in &found {
        let mut value = json!({"file": facts.file, "version": facts.version});
        if let Some(comment) = &facts.comment {
            value["abstract"] = Value::from(comment.as_str());
        }
        provides.insert(extension.clone(), value);
    }
    if provides.is_empty() {
        let file = tree.names().find(|name| name.strip_suffix(".c").is_some()).unwrap_or("Makefile");
        provides.insert(name.clone(), json!({"file": file, "version": upstream}));
    }
    let requires = found.iter().flat_map(|(_, extension)| &extension.requires);
    let foreign = requires.filter(|required| found.iter().all(|(known, _)| known != *required));
    let requires: Map<String, Value> = foreign.map(|required| (required.clone(), Value::from("0"))).collect();
    let mut meta = json!({
        "name": name,
        "abstract": comment.unwrap_or_else(|| format!("{name} (PostgreSQL)")),
        "version": upstream,
        "maintainer": [MAINTAINER],
        "license": entry.license.as_deref().unwrap_or("unknown"),
        "release_status": if upstream.contains('-') { "testing" } else { "stable" },
        "provides": provides,
        "tags": ["synthesized"],
        "generated_by": "pgxn-testers sample registry: made from control files, not by upstream",
        "meta-spec": {"version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt"},
        "x_synthesized": true,
    });
    if !requires.is_empty() {
        meta["prereqs"] = json!({"runtime": {"requires": requires}});
    }
    if let Some(homepage) = &source.homepage {
        meta["resources"] = json!({"homepage": homepage});
    }
    match meta {
        Value::Object(meta) => meta,
        _ => Map::new(),
    }
}

/// The list's own name for what is a part of PostgreSQL; else the only extension's, or the package's.
fn name(entry: &Entry, source: &Source, found: &[(String, Found)]) -> String {
    if entry.subdirectory.is_some() {
        return entry.dist.to_string();
    }
    let name = match found {
        [(only, _)] => only.clone(),
        _ => source.package.trim_start_matches("postgresql-").to_owned(),
    };
    if name.contains('_') { name } else { name.replace('-', "_") }
}

/// What the control files nearest to the top describe.
fn extensions(tree: &Tree, upstream: &str) -> Vec<(String, Found)> {
    let mut controls: Vec<&str> = tree.names().filter(|name| control(name).is_some()).collect();
    controls.sort_by_key(|name| (name.matches('/').count(), *name));
    let mut found: Vec<(String, Found)> = Vec::new();
    // What lies deeper than the first is built by another Makefile, if at all (pllua's hstore/).
    let depth = controls.first().map_or(0, |path| path.matches('/').count()).min(2);
    for path in controls.into_iter().filter(|path| path.matches('/').count() <= depth) {
        let extension = control(path).unwrap_or_default();
        if !NAME.is_match(extension) || found.iter().any(|(known, _)| known == extension) {
            continue;
        }
        let settings = settings(&tree.text(path).unwrap_or_default());
        let default = settings.get("default_version").map_or("", String::as_str);
        let is_number = default.starts_with(|c: char| c.is_ascii_digit());
        let requires = settings.get("requires").map(String::as_str).unwrap_or_default();
        let facts = Found {
            file: script(tree, extension, default).unwrap_or_else(|| path.to_owned()),
            version: if is_number { version::semantic(default) } else { upstream.to_owned() },
            comment: settings.get("comment").filter(|comment| !comment.is_empty()).cloned(),
            requires: requires.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        };
        found.push((extension.to_owned(), facts));
    }
    found
}

/// The extension that a file is the control file of.
fn control(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    name.strip_suffix(".control").or_else(|| name.strip_suffix(".control.in"))
}

/// The script that creates the extension.
fn script(tree: &Tree, extension: &str, version: &str) -> Option<String> {
    let stems = [format!("{extension}.sql"), format!("{extension}--{version}.sql")];
    let is_script = |path: &&str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        stems.iter().any(|stem| name == stem || name.strip_suffix(".in") == Some(stem))
    };
    tree.names().find(is_script).map(str::to_owned)
}

fn settings(control: &str) -> BTreeMap<String, String> {
    let setting = |found: regex::Captures<'_>| {
        let value = found.get(2).or_else(|| found.get(3)).map_or("", |value| value.as_str());
        (found[1].to_owned(), value.replace("''", "'"))
    };
    SETTING.captures_iter(control).map(setting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_files_say_what_is_provided_and_what_is_required() {
        let mut tree = Tree::default();
        tree.put_text(
            "unit.control",
            "comment = 'It''s units' # really\ndefault_version = '7'\nrequires = 'hstore, cube'\n",
        )
        .unwrap();
        tree.put_text("sql/unit--7.sql", "").unwrap();
        let text = "dist = 'unit'\nversion = '7.10.0'\nsource = 'postgresql-unit'\nsuite = 'trixie'";
        let entry: Entry = toml::from_str(text).unwrap();
        let source = Source {
            package: "postgresql-unit".to_owned(),
            version: "7.10-1".to_owned(),
            uri: String::new(),
            file: String::new(),
            sha256: String::new(),
            homepage: None,
        };
        let meta = meta(&tree, &entry, &source, "7.10.0");
        assert_eq!(meta["name"], "unit");
        assert_eq!(meta["abstract"], "It's units");
        assert_eq!(
            meta["provides"],
            json!({"unit": {"file": "sql/unit--7.sql", "version": "7.0.0", "abstract": "It's units"}})
        );
        assert_eq!(meta["prereqs"]["runtime"]["requires"], json!({"hstore": "0", "cube": "0"}));
        assert_eq!(meta["x_synthesized"], true);
    }
}
