use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::key::KeyProof;
use crate::{Seal, SignedReport};

/// A report that has every part, so that a walk over its JSON meets every field there is.
fn full() -> Value {
    json!({
        "run_id": "01KAJ0000000000000000000R1",
        "verdict": {"phase": "installcheck", "reason": "tests-failed", "flags": ["WARNINGS"], "detail": "1 of 2",
            "decisive": {"file": "installcheck.log", "line": 7, "text": "not ok 2"}},
        "phases": [{"phase": "installcheck", "outcome": "failed", "reason": "tests-failed", "exit": 2, "signal": 9, "duration_ms": 3,
            "cpu_ms": 4, "peak_memory_bytes": 5, "command": "make installcheck", "log": "installcheck.log"}],
        "tests": [{"suite": "regress", "name": "base", "outcome": "failed", "duration_ms": 6}],
        "files": [{"name": "installcheck.log", "kind": "log", "sha256": "ab", "bytes": 8, "omitted_bytes": 9}],
        "archive": {"sha1": "cd", "sha256": "ef", "bytes": 10},
        "image": {"tag": "t", "digest": "sha256:1", "recipe": "r", "source": "debian", "suite": "trixie", "postgresql": "17.4",
            "postgresql_full": "PostgreSQL 17.4", "platform": "amd64", "emulated": false},
        "runner": {"version": "0.1.0", "kernel": "Linux 6", "engine": "Docker 20", "cpus": 2.0, "memory_bytes": 11},
        "notes": ["bitcode off"],
        "circumstances": {
            "warnings": [{"phase": "uninstall", "text": "left"}],
            "crashes": [{"phase": "create", "process": "client backend", "signal": 11, "query": "SELECT 1", "frames": ["f at g"],
                "file": "installcheck.log"}],
            "prerequisites": [{"wanted": "hstore", "range": ">=1", "dist": "pair", "version": "1.0.0", "sha1": "aa", "origin": "built"}],
            "provided": {"preload": ["pair"], "settings": {"a": "b"}, "packages": ["libc6"], "why": ["so"]},
            "limits": {"memory_bytes": 1, "cpus": 2, "processes": 3, "phase_ms": 4, "run_ms": 5, "silence_ms": 6, "log_bytes": 7}},
        "started_at": 12,
        "finished_at": 13
    })
}

fn subject() -> Subject {
    let sha1 = "cd".into();
    Subject {
        dist: "pair".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        sha1,
        target: "pg17-amd64".parse().unwrap(),
    }
}

fn statement(report: &Value) -> Option<Statement> {
    Some(Statement::of(&serde_json::from_value(report.clone()).ok()?, &subject()))
}

/// What a statement says nothing of; `docs/signatures.md` says so.
fn is_left_out(path: &str) -> bool {
    path == "/runner/cpus" || path == "/runner/memory_bytes" || path.starts_with("/overhead")
}

/// The addresses of everything in a JSON value but the value itself.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        let path = format!("{at}/{key}");
        found.push(path.clone());
        paths(value, &path, found);
    }
}

/// Other values for one: other numbers and texts, other words of our lists, nothing, fewer items, one item more.
fn others(value: &Value) -> Vec<Value> {
    let words = [
        "build",
        "passed",
        "tests-passed",
        "unit",
        "diffs",
        "portable",
        "arm64",
        "missing",
        "FLAKY",
        "01KAJ0000000000000000000R2",
    ];
    let mut others: Vec<Value> = match value {
        Value::Number(number) => {
            vec![json!(number.as_f64().unwrap() + 1.0), json!(number.as_i64().map(|number| number + 1))]
        }
        Value::String(text) => vec![json!(format!("{text}2")), json!(format!("{text}\n"))],
        Value::Bool(bool) => vec![json!(!bool)],
        Value::Array(list) => {
            vec![json!([]), json!(list.iter().chain(list).collect::<Vec<_>>())]
        }
        Value::Object(map) if map.contains_key("a") => vec![json!({}), json!({"a": "b", "c": ""})],
        _ => Vec::new(),
    };
    others.push(Value::Null);
    others.extend(words.map(Value::from));
    others.retain(|other| other != value);
    others
}

#[test]
fn every_change_of_every_field_changes_the_bytes_but_for_those_that_are_left_out() {
    let full = full();
    let bytes = statement(&full).unwrap();
    // A default that the walk did not meet would be a field that nobody decided about.
    let whole = serde_json::to_value(serde_json::from_value::<Report>(full.clone()).unwrap()).unwrap();
    let mut all = Vec::new();
    paths(&whole, "", &mut all);
    assert!(all.len() > 100, "{all:?}");
    for path in all {
        let mut tried = 0;
        // Flags are a set: one of them twice is the same.
        let twice = (path == "/verdict/flags").then(|| json!(["WARNINGS", "WARNINGS"]));
        for other in others(whole.pointer(&path).unwrap()).into_iter().filter(|other| Some(other) != twice.as_ref()) {
            let mut changed = whole.clone();
            *changed.pointer_mut(&path).unwrap() = other.clone();
            let Some(changed) = statement(&changed) else { continue };
            tried += 1;
            assert_eq!(changed == bytes, is_left_out(&path), "{path} as {other}");
        }
        let has_no_other = whole.pointer(&path).unwrap().is_object();
        assert!(tried > 0 || has_no_other, "{path} was never changed");
    }
}

#[test]
fn every_change_of_what_was_claimed_changes_the_bytes() {
    let report = serde_json::from_value(full()).unwrap();
    let bytes = Statement::of(&report, &subject());
    for other in [
        Subject { dist: "Pair".parse().unwrap(), ..subject() },
        Subject { version: "1.0.1".parse().unwrap(), ..subject() },
        Subject { sha1: "ce".into(), ..subject() },
        Subject { target: "pg17-arm64".parse().unwrap(), ..subject() },
    ] {
        assert_ne!(Statement::of(&report, &other), bytes, "{other:?}");
    }
}

#[test]
fn the_bytes_of_the_first_version_stay_as_they_are() {
    insta::assert_snapshot!(statement(&full()).unwrap().as_str());
}

#[test]
fn what_databases_keep_otherwise_is_signed_as_they_keep_it() {
    let (mut one, mut other) = (full(), full());
    one["verdict"]["flags"] = json!(["WARNINGS", "FLAKY", "WARNINGS", "UNCONFIRMED"]);
    other["verdict"]["flags"] = json!(["FLAKY", "WARNINGS"]);
    one["verdict"]["detail"] = json!("a\u{0}b");
    other["verdict"]["detail"] = json!("a\u{fffd}b");
    one["archive"]["bytes"] = json!(u64::MAX);
    other["archive"]["bytes"] = json!(i64::MAX);
    assert_eq!(statement(&one), statement(&other));
}

#[test]
fn what_is_no_statement_is_not_read() {
    let at = |text: &str| serde_json::from_value::<Statement>(json!(text)).unwrap().fields().unwrap_err();
    assert!(matches!(at("pgxn-testers report 2\n"), InvalidStatement::Header(_)));
    for text in [
        "run 3:ab\n",
        "run 2:ab",
        "run +2:ab\n",
        "run 1:ä\n",
        "run 99999999999999999999:a\n",
        "run\n",
        "run -",
        "run 1:\u{e4}\n",
    ] {
        assert_eq!(at(&format!("{HEADER}{text}")), InvalidStatement::Field { at: 22 }, "{text:?}");
    }
}

#[test]
fn a_signed_report_verifies_until_anything_of_it_is_changed() {
    use ed25519_dalek::{Signer, SigningKey};
    let secret = SigningKey::from_bytes(&[7; 32]);
    let (report, subject) = (serde_json::from_value(full()).unwrap(), subject());
    let signature = KeyProof::from(secret.sign(Statement::of(&report, &subject).as_str().as_bytes()));
    let seal = Seal { key: secret.verifying_key().into(), signature };
    assert_eq!(seal.to_string().parse(), Ok(seal));
    seal.verify(&report, &subject).unwrap();
    let signed = SignedReport::new(&report, &subject, seal);
    signed.verify().unwrap();
    assert_eq!(signed.statement.run(), Some(report.run_id));
    let json = serde_json::to_string(&signed).unwrap();
    assert_eq!(serde_json::from_str::<SignedReport>(&json).unwrap(), signed);
    let (start, end) = (json.find("pgxn-testers").unwrap(), json.len());
    for at in (start..end).step_by(5) {
        let mut changed = json.clone().into_bytes();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        let Ok(changed) = serde_json::from_slice::<SignedReport>(&changed) else { continue };
        assert!(changed.verify().is_err(), "byte {at}");
    }
    let more = json.replacen('{', "{\"note\": \"all is well\",", 1);
    assert!(serde_json::from_str::<SignedReport>(&more).is_err(), "what is not signed has no place in the file");
}

/// Texts that try to look like fields.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[^\0]{0,20}",
        "(note|phases|files) [0-9]{0,2}:?[ab\n]{0,6}",
        Just("1:a\nnote 1:b".to_owned()),
        Just("-\nimage -".to_owned()),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..4)
}

proptest! {
    #[test]
    fn no_two_reports_have_the_same_bytes(one in (text(), text(), texts(), texts(), texts()), other in (text(), text(), texts(), texts(), texts())) {
        let of = |(detail, command, notes, preload, why): &(String, String, Vec<String>, Vec<String>, Vec<String>)| {
            let mut report = full();
            report["verdict"]["detail"] = json!(detail);
            report["phases"][0]["command"] = json!(command);
            report["notes"] = json!(notes);
            report["circumstances"]["provided"]["preload"] = json!(preload);
            report["circumstances"]["provided"]["why"] = json!(why);
            statement(&report).unwrap()
        };
        prop_assert_eq!(of(&one) == of(&other), one == other);
        let bytes = of(&one);
        let fields = bytes.fields().unwrap();
        let values = |name: &str| fields.iter().filter(|field| field.name == name).map(|field| field.value.unwrap()).collect::<Vec<_>>();
        prop_assert_eq!(values("verdict.detail"), vec![one.0.as_str()]);
        prop_assert_eq!(values("phase.command"), vec![one.1.as_str()]);
        prop_assert_eq!(values("note"), one.2.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(values("library"), one.3.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
