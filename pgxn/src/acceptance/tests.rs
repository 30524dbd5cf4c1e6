use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use super::*;

fn good() -> Value {
    json!({
        "name": "pair", "abstract": "A pair", "version": "0.1.2", "maintainer": "A <a@example.org>", "license": "postgresql",
        "provides": {"pair": {"file": "sql/pair.sql", "version": "0.1.2", "docfile": "doc/pair.md"}},
        "prereqs": {"runtime": {"requires": {"PostgreSQL": "9.1.0", "plpgsql": 0}, "conflicts": {"xy": ">= 1.0.0, < 2.0.0"}}},
        "resources": {"homepage": "https://example.org/", "bugtracker": {"mailto": "a@example.org"}, "x_more": "y"},
        "tags": ["key value", "pair"], "no_index": {"directory": "test"}, "release_status": "stable",
        "meta-spec": {"version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt"}, "x_any": {"thing": null}
    })
}

/// The findings of a META.json, as `severity rule line`.
fn findings(value: &Value) -> Vec<String> {
    let (_, found) = meta(serde_json::to_string_pretty(value).unwrap().as_bytes());
    found.iter().map(|one| format!("{} {}", one.severity.as_str(), one.rule)).collect()
}

/// The same document but for one key.
fn with(pointer: &str, value: Value) -> Value {
    let mut meta = good();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    meta.pointer_mut(parent).unwrap()[key] = value;
    meta
}

#[test]
fn a_proper_meta_is_taken() {
    assert_eq!(findings(&good()), [] as [&str; 0]);
    for license in [json!(["mit", "bsd"]), json!({"My own": "https://example.org/license"})] {
        assert_eq!(findings(&with("/license", license)), [] as [&str; 0]);
    }
}

#[test]
fn what_the_registry_refuses_is_told_with_its_rule_and_line_and_what_to_write() {
    for (pointer, value, rule) in [
        ("/name", json!("a b"), "name"),
        ("/name", json!("a"), "name"),
        ("/version", json!("2.5"), "version"),
        ("/version", json!("1.0.0b3"), "version"),
        ("/version", json!("01.0.0"), "version"),
        ("/version", json!(1), "version"),
        ("/version", Value::Null, "missing"),
        ("/abstract", json!(""), "value"),
        ("/license", json!("GPLv3"), "license"),
        ("/license", json!(["mit", "mine"]), "license"),
        ("/license", json!({"Mine": "on request"}), "url"),
        ("/license", Value::Null, "missing"),
        ("/provides/pair/version", json!("1.0"), "version"),
        ("/provides/pair/file", Value::Null, "missing"),
        ("/provides/pair/sql", json!("x"), "unknown-key"),
        ("/provides", json!(["pair"]), "type"),
        ("/release_status", json!("beta"), "release-status"),
        ("/resources/repository", json!({"type": "Git"}), "value"),
        ("/resources/homepage", json!("example.org"), "url"),
        ("/resources/bugtracker", json!("https://example.org/"), "type"),
        ("/prereqs/runtime/requires/PostgreSQL", json!("9.1"), "range"),
        ("/prereqs/runtime/requires/PostgreSQL", json!("=> 9.1.0"), "range"),
        ("/prereqs/runtime/needs", json!({}), "unknown-key"),
        ("/prereqs/run", json!({}), "unknown-key"),
        ("/tags", json!(["a/b"]), "tag"),
        ("/user", json!("somebody"), "unknown-key"),
        ("/meta-spec/version", json!("1.1.0"), "meta-spec"),
    ] {
        assert_eq!(findings(&with(pointer, value.clone())), [format!("rejected {rule}")], "{pointer} {value}");
    }
    let text = serde_json::to_string_pretty(&with("/provides/pair/version", json!("1.0"))).unwrap();
    let (_, found) = meta(text.as_bytes());
    let line = text.lines().position(|line| line.contains("\"1.0\"")).unwrap() + 1;
    assert_eq!(found[0].line, Some(line as u64));
    assert_eq!(found[0].what, "`provides.pair.version`: `1.0` is not a semantic version");
    assert_eq!(found[0].mend, "write \"1.0.0\"");
}

#[test]
fn what_is_taken_and_regretted_is_a_trap() {
    assert_eq!(findings(&with("/version", json!("1.0.0-beta.1"))), ["trap release-status"]);
    assert_eq!(findings(&with("/abstract", json!({"en": "A pair"}))), ["trap type"]);
}

#[test]
fn what_is_no_json_says_where() {
    let (identity, found) = meta(b"{\n \"name\": \"pair\",\n}");
    assert_eq!((identity, found[0].rule, found[0].line), (None, "json", Some(3)));
    assert_eq!(findings(&json!([])), ["rejected json"]);
    assert_eq!(meta(&[b"\xef\xbb\xbf", good().to_string().as_bytes()].concat()).1.len(), 1);
}

#[test]
fn the_second_specification_is_checked_by_its_schemas_and_not_taken_yet() {
    let second = json!({
        "name": "pair", "abstract": "A pair", "version": "0.1.8", "maintainers": [{"name": "A", "email": "a@example.org"}],
        "license": "PostgreSQL", "contents": {"extensions": {"pair": {"sql": "sql/pair.sql", "control": "pair.control"}}},
        "meta-spec": {"version": "2.0.0"}
    });
    assert_eq!(findings(&second), ["rejected meta-2"]);
    let mut wrong = second;
    wrong["license"] = json!("my own");
    let text = serde_json::to_string_pretty(&wrong).unwrap();
    let (_, found) = meta(text.as_bytes());
    let at = text.lines().position(|line| line.contains("my own")).unwrap() as u64 + 1;
    let schema: Vec<_> = found.iter().filter(|finding| finding.rule == "meta-2-schema").collect();
    assert!(schema.iter().all(|finding| finding.line == Some(at)), "{found:?}");
    let said = |finding: &&Finding| finding.what == "`license`: 'my own' is not valid license: unknown term";
    assert_eq!(schema.into_iter().filter(said).count(), 1, "{found:?}");
}

#[test]
fn names_that_lead_elsewhere_name_no_file() {
    for name in ["../../x", "/etc", "..x", "a\u{7}b"] {
        let (identity, _) = meta(with("/name", json!(name)).to_string().as_bytes());
        assert_eq!(identity, None, "{name:?}");
    }
}

/// An archive of these members, in this order.
fn zip(members: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.zip");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, text) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    (dir, path)
}

fn rules(members: &[(&str, &str)]) -> Vec<String> {
    let (_dir, path) = zip(members);
    let checked = archive(&path, &Limits::default()).unwrap();
    checked.findings.iter().map(|one| format!("{} {}", one.severity.as_str(), one.rule)).collect()
}

#[test]
fn an_archive_is_checked_around_its_meta() {
    let text = good().to_string();
    let whole = [
        ("pair-0.1.2/META.json", text.as_str()),
        ("pair-0.1.2/README.md", ""),
        ("pair-0.1.2/sql/pair.sql", ""),
        ("pair-0.1.2/doc/pair.md", ""),
    ];
    assert_eq!(rules(&whole), [] as [&str; 0]);
    assert_eq!(rules(&whole[..1]), ["trap readme", "trap provides", "trap provides"]);
    assert_eq!(rules(&whole[1..]), ["rejected no-meta"]);
    let moved = whole.map(|(name, text)| (name.replace("pair-0.1.2", "pair-main"), text));
    let moved: Vec<_> = moved.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    assert_eq!(rules(&moved), ["trap prefix"]);
    assert_eq!(rules(&[&whole[..], &[("notes.txt", "")]].concat()), ["trap unsafe"]);
    assert_eq!(rules(&[&whole[..], &[("pair-0.1.2/../x", "")]].concat()), ["trap unsafe"]);
    let nested = [&[("pair-0.1.2/old/META.json", text.as_str())], &whole[..]].concat();
    assert!(rules(&nested).contains(&"trap which-meta".to_owned()), "the registry takes the first");
    assert!(!is_rejected(&nested));
}

fn is_rejected(members: &[(&str, &str)]) -> bool {
    let (_dir, path) = zip(members);
    archive(&path, &Limits::default()).unwrap().is_rejected()
}

#[test]
fn what_is_no_zip_is_rejected_and_what_is_not_there_is_our_own_failure() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.zip");
    assert!(matches!(archive(&path, &Limits::default()), Err(UnpackError::File { .. })));
    std::fs::write(&path, "text").unwrap();
    let checked = archive(&path, &Limits::default()).unwrap();
    assert_eq!((checked.findings[0].rule, checked.is_rejected()), ("archive", true));
    assert_eq!(checked.sha1, "372ea08cab33e71c02c651dbc83a474d32c676ea");
}

/// Any JSON, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}|[<>=!0-9., ]{0,12}|[a-z:/@?#.]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,8}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_stands_at_a_key_is_told_of_and_harms_nobody(
        key in prop::sample::select(vec!["/name", "/version", "/license", "/provides", "/provides/pair", "/prereqs", "/tags", "/meta-spec",
            "/resources", "/resources/bugtracker", "/no_index", "/contents"]),
        value in any_json(),
    ) {
        let text = with(key, value).to_string();
        let (_, found) = meta(text.as_bytes());
        for finding in found {
            prop_assert!(finding.line == Some(1) && !finding.what.chars().any(char::is_control), "{finding:?}");
        }
    }

    #[test]
    fn what_is_no_json_harms_nobody_either(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let (identity, found) = meta(&text);
        prop_assert!(identity.is_none() && !found.is_empty());
    }
}
