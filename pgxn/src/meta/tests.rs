use proptest::prelude::*;
use protocol::PgMajor;
use serde_json::json;

use super::*;

fn read(value: &Value) -> Meta {
    Meta::parse(value.to_string().as_bytes()).unwrap()
}

fn majors(meta: &Meta) -> Vec<u16> {
    let range = meta.postgres_range();
    (10..=20).filter(|major| range.allows_postgres(PgMajor::try_from(*major).unwrap())).collect()
}

/// As an API server serves it: `meta-spec` and `x_…` are stripped, `docs`, `special_files` and `releases` merged in.
const API: &str = r#"{
    "name": "pgTAP", "abstract": "Unit testing for PostgreSQL", "description": "pgTAP is a suite of functions.",
    "version": "1.3.3", "date": "2024-04-08T13:48:57Z", "maintainer": ["David E. Wheeler <david@example.org>", "pgTAP List"],
    "release_status": "stable", "user": "theory", "sha1": "0123456789ABCDEF0123456789abcdef01234567",
    "license": {"PostgreSQL": "https://www.postgresql.org/about/licence"},
    "prereqs": {
        "runtime": {"requires": {"plpgsql": 0, "PostgreSQL": "9.1.0"}, "recommends": {"PostgreSQL": "12.0.0"}},
        "build": {"requires": {}},
        "test": {"suggests": {"unit": "> 1.0.0"}}
    },
    "provides": {
        "pgtap": {"file": "sql/pgtap.sql", "docfile": "doc/pgtap.mmd", "docpath": "doc/pgtap", "version": "1.3.3",
                  "abstract": "Unit testing for PostgreSQL"}
    },
    "tags": ["testing", "unit testing"],
    "resources": {"homepage": "https://pgtap.org/", "bugtracker": {"web": "https://example.org/issues"},
                  "repository": {"url": "https://example.org/pgtap.git", "web": "https://example.org/pgtap", "type": "git"}},
    "no_index": {"directory": ["tests"]},
    "special_files": ["Changes", "README.md"], "docs": {"README": {"title": "pgTAP"}},
    "releases": {"stable": [{"version": "1.3.3", "date": "2024-04-08T13:48:57Z"}]}
}"#;

#[test]
fn the_registrys_copy_gives_the_whole_release() {
    let meta = Meta::parse(API.as_bytes()).unwrap();
    assert_eq!(meta.problems, [] as [&str; 0]);
    assert_eq!(meta.spec, Spec::First);
    let release = meta.release().unwrap();
    assert_eq!(release.to_string(), "pgTAP 1.3.3");
    assert_eq!(release.sha1, "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(release.released_at.to_string(), "2024-04-08T13:48:57Z");
    assert_eq!(meta.maintainers.len(), 2);
    assert_eq!(meta.licenses[0].name, "PostgreSQL");
    assert_eq!(meta.provides[0].docpath.as_deref(), Some("doc/pgtap"));
    assert_eq!(meta.resources.repository_web.as_deref(), Some("https://example.org/pgtap"));
    let needed: Vec<String> =
        meta.prereqs.iter().map(|p| format!("{:?} {:?} {} {}", p.phase, p.relation, p.name, p.range)).collect();
    assert_eq!(
        needed,
        [
            "Test Suggests unit > 1.0.0",
            "Runtime Requires plpgsql 0",
            "Runtime Requires PostgreSQL >= 9.1.0",
            "Runtime Recommends PostgreSQL >= 12.0.0"
        ]
    );
    assert_eq!(meta.source()["no_index"]["directory"][0], "tests");
}

#[test]
fn a_bare_minimum_is_enough() {
    let meta = read(&json!({"name": "old", "version": "0.1"}));
    assert_eq!((meta.status, meta.version.as_str()), (Status::Stable, "0.1"));
    assert_eq!(meta.problems, ["`provides` is missing"]);
    assert!(meta.postgres_range().is_any());
}

#[test]
fn what_names_no_release_is_refused_with_the_field() {
    for (text, word) in [
        ("", "is empty instead of JSON"),
        ("<html>", "is an HTML or XML page instead of JSON"),
        ("{\"name\": \"a\",", "is JSON that breaks off"),
        ("{'name': 'a'}", "is something else instead of JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "no `name`"),
        ("{\"name\":\"\",\"version\":\"1\"}", "no `name`"),
        ("{\"name\":[\"a\"],\"version\":\"1\"}", "no `name`"),
        ("{\"name\":\"a/b\",\"version\":\"1\"}", "unusable `name`"),
        ("{\"name\":\"a\"}", "no `version`"),
        ("{\"name\":\"a\",\"version\":\"../1\"}", "unusable `version`"),
    ] {
        let error = Meta::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(word), "{text}: {error}");
    }
}

#[test]
fn each_way_of_writing_a_field_is_read() {
    let meta = |key: &str, value: Value| read(&json!({"name": "a", "version": 1.5, "provides": {}, key: value}));
    assert_eq!(meta("x", json!(1)).version.as_str(), "1.5");
    assert_eq!(meta("maintainer", json!("A <a@b>")).maintainers, ["A <a@b>"]);
    assert_eq!(meta("maintainer", json!(["A", 1, null, ""])).maintainers, ["A", "1"]);
    for (license, names) in [
        (json!("postgresql"), vec!["postgresql"]),
        (json!(["mit", "bsd"]), vec!["mit", "bsd"]),
        (json!({"My own": "https://example.org/license"}), vec!["My own"]),
        (json!(null), vec![]),
    ] {
        let read = meta("license", license).licenses;
        assert_eq!(read.iter().map(|license| license.name.as_str()).collect::<Vec<_>>(), names);
    }
    assert_eq!(meta("release_status", json!("Testing")).status, Status::Testing);
    let odd = meta("release_status", json!("beta"));
    assert_eq!((odd.status, odd.problems.len()), (Status::Stable, 1));
    assert_eq!(meta("tags", json!("one")).tags, ["one"]);
    let plain =
        meta("resources", json!({"repository": "https://example.org/r", "bugtracker": "https://example.org/b"}));
    assert_eq!(plain.resources.repository_url.as_deref(), Some("https://example.org/r"));
    let bad = meta("sha1", json!("abc"));
    assert_eq!((bad.sha1.clone(), bad.problems.len()), (None, 1));
    assert!(bad.release().unwrap_err().to_string().contains("no `user`"));
}

#[test]
fn extensions_keep_their_authors_order() {
    let text = br#"{"provides": {"zeta": {"version": "1"}, "alpha": {"file": "a.sql", "version": 2},
        "bad name": {}, "mid": "x"}, "version": "1.0.0", "name": "many"}"#;
    let meta = Meta::parse(text).unwrap();
    let names: Vec<&str> = meta.provides.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["zeta", "alpha", "mid"]);
    assert_eq!(meta.provides[1].version.as_ref().unwrap().as_str(), "2");
    assert_eq!(meta.problems.len(), 2, "{:?}", meta.problems);
    let with_mark = [b"\xef\xbb\xbf", &text[..]].concat();
    assert_eq!(Meta::parse(&with_mark).unwrap().provides, meta.provides);
}

#[test]
fn the_postgres_range_joins_all_phases_of_a_test() {
    let meta = |prereqs: Value| read(&json!({"name": "a", "version": "1", "provides": {}, "prereqs": prereqs}));
    for (prereqs, expected) in [
        (json!({"runtime": {"requires": {"PostgreSQL": ">= 12.0.0, < 17.0.0"}}}), (12..=16).collect::<Vec<u16>>()),
        (
            json!({"runtime": {"requires": {"postgresql": "13.0.0"}}, "build": {"requires": {"PostgreSQL": "< 16.0.0"}}}),
            vec![13, 14, 15],
        ),
        (
            json!({"configure": {"requires": {"PostgreSQL": "15.0.0"}}, "test": {"requires": {"PostgreSQL": "<= 17.2.0"}}}),
            vec![15, 16, 17],
        ),
        (json!({"develop": {"requires": {"PostgreSQL": "17.0.0"}}}), (10..=20).collect()),
        (json!({"runtime": {"recommends": {"PostgreSQL": "17.0.0"}}}), (10..=20).collect()),
        (json!({"runtime": {"requires": {"PostgreSQL": 14}, "conflicts": {"PostgreSQL": "17.0.0"}}}), vec![14, 15, 16]),
        (json!({"runtime": {"requires": {"PostgreSQL": 0}}}), (10..=20).collect()),
        (json!({"runtime": {"requires": {"PostgreSQL": "some day"}}}), (10..=20).collect()),
        (json!({"runtime": {"requires": {"hstore": "17.0.0"}}}), (10..=20).collect()),
    ] {
        assert_eq!(majors(&meta(prereqs.clone())), expected, "{prereqs}");
    }
    let unclear = meta(json!({"runtime": {"requires": {"PostgreSQL": "some day"}}}));
    assert!(unclear.problems[0].contains("some day"), "{:?}", unclear.problems);
}

#[test]
fn prerequisites_of_a_wrong_shape_lose_only_themselves() {
    let meta = read(&json!({"name": "a", "version": "1", "provides": {}, "prereqs": {
        "runtime": {"requires": {"good": "1.0.0", "bad name": "1", "list": [1], "none": null}, "needs": {}, "x_own": 1},
        "install": {"requires": {"lost": 0}}, "x_mine": {}, "build": "make", "test": null,
    }}));
    let names: Vec<&str> = meta.prereqs.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["good", "list", "none"]);
    assert_eq!(meta.problems.len(), 5, "{:?}", meta.problems);
}

#[test]
fn meta_2_is_read_for_what_is_alike() {
    let meta = read(&json!({
        "name": "pair", "version": "1.2.0", "abstract": "A pair type", "meta-spec": {"version": "2.0.0"},
        "maintainers": [{"name": "Ann", "email": "ann@example.org"}, {"name": "Bob"}, "x"],
        "license": "PostgreSQL OR MIT",
        "contents": {"extensions": {"pair": {"control": "pair.control", "sql": "sql/pair.sql", "doc": "doc/pair.md"}}},
        "dependencies": {"postgres": {"version": ">= 14, < 17.0", "with": ["xml"]}},
    }));
    assert!(meta.prereqs[0].is_postgres() && meta.prereqs.len() == 1 && meta.modules.is_empty());
    assert_eq!(meta.spec, Spec::Second);
    assert_eq!(meta.problems, [] as [&str; 0]);
    assert_eq!(meta.maintainers, ["Ann <ann@example.org>", "Bob"]);
    assert_eq!((meta.provides[0].name.as_str(), meta.provides[0].file.as_deref()), ("pair", Some("sql/pair.sql")));
    assert_eq!(majors(&meta), [14, 15, 16]);
}

#[test]
fn meta_2_names_its_prerequisites_by_package_urls() {
    let packages = json!({
        "configure": {"requires": {"pkg:cargo/cargo-pgrx": "==0.11.4"}},
        "test": {"requires": {"pkg:postgres/plpgsql": 0, "pkg:pgxn/pgtap": "1.1.0"}},
        "run": {"requires": {"pkg:pgxn/hostname": 0, "pkg:generic/python3": 0}, "recommends": {"pkg:pgxn/unit": ">=1,<2"}},
        "develop": "x", "x_own": 1,
    });
    let linux = json!({"packages": {"build": {"requires": {"pkg:pgxn/semver": "0.40"}}}});
    let meta = read(&json!({
        "name": "pair", "version": "1.2.0", "meta-spec": {"version": "2.0.0"},
        "contents": {"modules": {
            "pair": {"type": "bgw", "lib": "src/pair_worker", "preload": "server"},
            "hook": {"type": "hook", "lib": "lib/hook.so", "preload": "session"},
            "plain": {"type": "extension"},
        }},
        "dependencies": {"packages": packages, "variations": [
            {"where": {"platforms": ["linux"]}, "dependencies": linux},
            {"where": {"platforms": ["darwin"]}, "dependencies": {"packages": {"run": {"requires": {"pkg:pgxn/mac": 0}}}}},
        ]},
    }));
    let needed: Vec<String> = meta
        .prereqs
        .iter()
        .map(|p| format!("{:?} {:?} {:?} {} {}", p.phase, p.relation, p.named, p.name, p.range))
        .collect();
    assert_eq!(
        needed,
        [
            "Build Requires Distribution semver >= 0.40",
            "Test Requires Distribution pgtap >= 1.1.0",
            "Test Requires Server plpgsql 0",
            "Runtime Requires Distribution hostname 0",
            "Runtime Recommends Distribution unit >= 1, < 2"
        ]
    );
    let libraries: Vec<&str> = meta.modules.iter().map(|module| module.library.as_str()).collect();
    assert_eq!(libraries, ["hook", "pair_worker", "plain"]);
    assert_eq!(meta.server_preload().collect::<Vec<_>>(), ["pair_worker"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Meta::parse(&bytes);
    }

    /// Any JSON at any place of a good document: never a panic, and never an error but for the two fields that are needed.
    #[test]
    fn any_value_in_any_field_loses_only_that_field(field in 0..12_usize, value in any_json()) {
        let mut document: Value = serde_json::from_str(API).unwrap();
        let fields = ["abstract", "maintainer", "license", "prereqs", "provides", "tags", "resources", "release_status",
            "user", "sha1", "date", "meta-spec"];
        document[fields[field]] = value;
        let meta = read(&document);
        prop_assert_eq!(meta.name.as_str(), "pgTAP");
        let _ = (meta.release(), meta.postgres_range().to_string());
    }

    #[test]
    fn any_prerequisites_are_read(value in any_json()) {
        let document = json!({"name": "a", "version": "1", "provides": {"a": value.clone()},
            "prereqs": {"runtime": {"requires": {"PostgreSQL": value.clone(), "x": value.clone()}, "conflicts": value}}});
        prop_assert!(read(&document).prereqs.len() >= 2);
    }

    #[test]
    fn any_dependencies_are_read(value in any_json()) {
        let packages = json!({"run": {"requires": {"pkg:pgxn/x": value.clone()}, "suggests": value.clone()}, "test": value.clone()});
        let document = json!({"name": "a", "version": "1", "meta-spec": {"version": "2.0.0"}, "contents": {"modules": value.clone()},
            "dependencies": {"packages": packages, "variations": [{"where": value.clone(), "dependencies": value}]}});
        prop_assert!(!read(&document).prereqs.is_empty());
    }
}

/// JSON values a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[<>=!]{0,2} ?[0-9.]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,6}|requires|runtime|version|PostgreSQL", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
