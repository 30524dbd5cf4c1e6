//! Mends a META.json that PGXN would refuse, and says what was changed: the sample registry holds only what a registry could hold.

use pgxn::acceptance::LICENSES;
use serde_json::{Map, Value, json};

use super::version::{is_semantic, semantic};

/// What was changed, a line each; nothing where nothing had to be.
pub(super) fn mend(meta: &mut Map<String, Value>, upstream: &str) -> Vec<String> {
    let mut done = Vec::new();
    versions(meta, upstream, &mut done);
    license(meta, &mut done);
    texts(meta, &mut done);
    ranges(meta, &mut done);
    resources(meta, &mut done);
    done
}

fn replace(what: &str, slot: &mut Value, new: Value, done: &mut Vec<String>) {
    done.push(format!("{what}: {slot} became {new}"));
    *slot = new;
}

/// The version that a text means; one with a mark in it means the tarball's.
fn version_of(value: &Value, upstream: &str) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.contains("__") || text.contains(['@', '%']) { upstream.to_owned() } else { semantic(&text) }
}

fn versions(meta: &mut Map<String, Value>, upstream: &str, done: &mut Vec<String>) {
    let legal = |value: &Value| value.as_str().is_some_and(is_semantic);
    let version = meta.entry("version").or_insert_with(|| Value::from(upstream));
    if !legal(version) {
        let new = version_of(version, upstream);
        replace("version", version, Value::from(new), done);
    }
    for (name, facts) in meta.get_mut("provides").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(version) = facts.get_mut("version").filter(|version| !legal(version)) {
            let new = version_of(version, upstream);
            replace(&format!("provides/{name}/version"), version, Value::from(new), done);
        }
    }
}

fn license(meta: &mut Map<String, Value>, done: &mut Vec<String>) {
    let known = |value: &Value| value.as_str().is_none_or(|license| LICENSES.contains(&license));
    let near = |value: &Value| {
        let text = value.as_str().unwrap_or_default().to_lowercase();
        let word = text.split([' ', '-']).next().unwrap_or_default();
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        match word {
            "mit" | "bsd" | "postgresql" => word.to_owned(),
            "gpl" => "gpl_2".to_owned(),
            "apache" => "apache_2_0".to_owned(),
            _ => "unknown".to_owned(),
        }
    };
    let licenses: Vec<&mut Value> = match meta.get_mut("license") {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for slot in licenses.into_iter().filter(|slot| !known(slot)) {
        let new = Value::from(near(slot));
        replace("license", slot, new, done);
    }
}

fn texts(meta: &mut Map<String, Value>, done: &mut Vec<String>) {
    if let Some(status) = meta.get_mut("release_status")
        && !matches!(status.as_str(), Some("stable" | "testing" | "unstable"))
    {
        replace("release_status", status, Value::from("testing"), done);
    }
    let empty = |value: &Value| value.is_null() || value.as_str().is_some_and(str::is_empty);
    if meta.get("description").is_some_and(empty) {
        meta.remove("description");
        done.push("description: empty, removed".to_owned());
    }
    if meta.get("abstract").is_none_or(empty) {
        let name = meta.get("description").or_else(|| meta.get("name")).and_then(Value::as_str).unwrap_or_default();
        let line: String = name.lines().next().unwrap_or_default().chars().take(200).collect();
        meta.insert("abstract".to_owned(), Value::from(line));
        done.push("abstract: missing, added".to_owned());
    }
    if meta.get("meta-spec").and_then(|spec| spec.get("version")).and_then(Value::as_str) != Some("1.0.0") {
        let spec = json!({"version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt"});
        let slot = meta.entry("meta-spec").or_insert(Value::Null);
        replace("meta-spec", slot, spec, done);
    }
}

/// Ranges of prerequisites need versions of three parts.
fn ranges(meta: &mut Map<String, Value>, done: &mut Vec<String>) {
    let phases = meta.get_mut("prereqs").and_then(Value::as_object_mut).into_iter().flatten();
    let relations = phases.filter_map(|(_, relations)| relations.as_object_mut()).flatten();
    for (name, slot) in relations.filter_map(|(_, terms)| terms.as_object_mut()).flatten() {
        let Some(text) = slot.as_str() else { continue };
        let bare = |text: &str| text.replace(' ', "");
        let new: Vec<String> = text.split(',').map(range).collect();
        let new = new.join(", ");
        if bare(&new) != bare(text) {
            replace(&format!("prereqs/{name}"), slot, Value::from(new), done);
        }
    }
}

fn range(text: &str) -> String {
    let text = text.trim();
    let start = text.find(|c: char| !matches!(c, '<' | '>' | '=' | '!')).unwrap_or(text.len());
    let (operator, version) = text.split_at(start);
    let version = version.trim();
    let version = if version == "0" || is_semantic(version) { version.to_owned() } else { semantic(version) };
    if operator.is_empty() { version } else { format!("{operator} {version}") }
}

/// Empty texts are not allowed anywhere.
fn resources(meta: &mut Map<String, Value>, done: &mut Vec<String>) {
    let Some(Value::Object(resources)) = meta.get_mut("resources") else { return };
    let mut drop_empty = |map: &mut Map<String, Value>| {
        map.retain(|key, value| {
            let keep = value.as_str() != Some("");
            if !keep {
                done.push(format!("resources/{key}: empty, removed"));
            }
            keep
        });
    };
    drop_empty(resources);
    for map in resources.values_mut().filter_map(Value::as_object_mut) {
        drop_empty(map);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgxn_would_refuse_is_mended_and_the_rest_left_alone() {
        let Value::Object(mut meta) = json!({
            "name": "thing", "version": "__VERSION__", "license": "MIT", "release_status": "beta", "description": "",
            "abstract": "A thing", "provides": {"thing": {"file": "thing.sql", "version": "1.2"}},
            "prereqs": {"runtime": {"requires": {"PostgreSQL": ">= 9.4, < 18.0.0", "hstore": 0}}},
            "resources": {"repository": {"url": "", "web": "https://example.org/"}},
            "meta-spec": {"version": "1.1.1"},
        }) else {
            panic!("it is an object")
        };
        let done = mend(&mut meta, "1.4.2");
        assert_eq!(done.len(), 8, "{done:#?}");
        assert_eq!(meta["version"], "1.4.2");
        assert_eq!(meta["provides"]["thing"]["version"], "1.2.0");
        assert_eq!(meta["license"], "mit");
        assert_eq!(meta["prereqs"]["runtime"]["requires"]["PostgreSQL"], ">= 9.4.0, < 18.0.0");
        assert_eq!(meta["resources"], json!({"repository": {"web": "https://example.org/"}}));
        assert_eq!(mend(&mut meta, "1.4.2"), Vec::<String>::new());
    }
}
