use std::path::Path;

use protocol::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{Node, Tree};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn tree(meta: &Value) -> Tree {
    let mut tree = Tree::default();
    tree.put_text("META.json", &meta.to_string()).unwrap();
    tree.put_text("README.md", "# Read me\n").unwrap();
    tree.put_text("sql/widget.sql", "SELECT 1;\n").unwrap();
    tree
}

fn widget(version: &str) -> Value {
    json!({
        "name": "Widget",
        "abstract": "A widget",
        "version": version,
        "maintainer": ["Ann <ann@example.org>"],
        "license": "postgresql",
        "release_status": if version.contains('-') { "testing" } else { "stable" },
        "provides": {"Widget_Core": {"file": "sql/widget.sql", "version": version, "abstract": "Its core", "x_note": "gone"}},
        "tags": ["Key Value"],
        "prereqs": {"runtime": {"requires": {"PostgreSQL": ">= 12.0.0, < 17.0.0", "hstore": 0}}},
        "resources": {"homepage": "https://example.org/", "x_chat": "gone"},
        "generated_by": "hand",
        "meta-spec": {"version": "1.0.0"},
        "x_custom": true,
    })
}

fn upload(version: &str, date: &str) -> Upload {
    Upload::of_tree(&tree(&widget(version)), User::named("Ann"), at(date)).unwrap()
}

fn small(name: &str, version: &str, day: u8) -> Upload {
    let meta = json!({"name": name, "version": version, "abstract": name, "tags": [name], "provides": {name: {"version": version}}});
    let user = User::named(&format!("user-{name}"));
    Upload::of_bytes(name.as_bytes().to_vec(), meta, user, at(&format!("2025-01-{day:02}T00:00:00Z"))).unwrap()
}

fn text(dir: &Path, path: &str) -> String {
    std::fs::read_to_string(dir.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn document(dir: &Path, path: &str) -> Value {
    serde_json::from_str(&text(dir, path)).unwrap()
}

fn files(dir: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path.to_string_lossy().into_owned());
        }
    }
    out.sort();
    out
}

#[test]
fn every_document_has_the_shape_that_the_registry_gives_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(dir.path()).unwrap();
    mirror.publish(upload("1.0.0", "2025-01-02T03:04:05Z")).unwrap();
    mirror.publish(upload("1.1.0", "2025-02-02T03:04:05Z")).unwrap();
    mirror.publish(upload("1.2.0-b1", "2025-03-02T03:04:05Z")).unwrap();
    let root = dir.path().to_string_lossy().into_owned();
    let mut all = String::new();
    for path in files(dir.path())
        .iter()
        .filter(|path| Path::new(path).extension().is_some_and(|suffix| suffix == "json") && !path.contains("/1.0.0/"))
    {
        let name = path.strip_prefix(&root).unwrap();
        all.extend(["==> ", name, "\n", &std::fs::read_to_string(path).unwrap()]);
    }
    for release in mirror.releases() {
        let digest = format!("<sha1 of {}>", release.version);
        all = all.replace(&release.sha1, &digest);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn names_are_lower_case_in_addresses_and_as_written_inside() {
    let dir = tempfile::tempdir().unwrap();
    Mirror::open(dir.path()).unwrap().publish(upload("1.0.0-RC1", "2025-01-02T03:04:05Z")).unwrap();
    let root = format!("{}/", dir.path().display());
    let names: Vec<String> = files(dir.path()).iter().map(|path| path.replace(&root, "")).collect();
    for name in [
        "dist/widget.json",
        "dist/widget/1.0.0-rc1/META.json",
        "dist/widget/1.0.0-rc1/README.txt",
        "dist/widget/1.0.0-rc1/widget-1.0.0-rc1.zip",
        "extension/widget_core.json",
        "tag/key value.json",
        "user/ann.json",
        "users/a.json",
    ] {
        assert!(names.iter().any(|there| there == name), "{name} in {names:?}");
    }
    assert_eq!(document(dir.path(), "dist/widget.json")["name"], "Widget");
    assert_eq!(document(dir.path(), "user/ann.json")["nickname"], "Ann");
    assert_eq!(document(dir.path(), "users/a.json"), json!([{"user": "ann", "name": "Ann"}]));
    assert_eq!(document(dir.path(), "stats/tag.json")["popular"][0]["tag"], "key value");
}

#[test]
fn the_archive_has_one_lower_case_prefix_and_the_digest_that_its_meta_states() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(dir.path()).unwrap();
    let release = mirror.publish(upload("1.0.0", "2025-01-02T03:04:05Z")).unwrap();
    let bytes = std::fs::read(mirror.archive_path(&release.dist, &release.version)).unwrap();
    assert_eq!(hex::encode(<sha1::Sha1 as sha1::Digest>::digest(&bytes)), release.sha1);
    let archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).unwrap();
    for name in archive.file_names() {
        assert!(name.as_ref().unwrap().starts_with("widget-1.0.0/"), "{name:?}");
    }
    let back = Tree::of_zip(&bytes, "widget").unwrap();
    assert_eq!(back.names().collect::<Vec<_>>(), ["META.json", "README.md", "sql/widget.sql"]);
}

#[test]
fn the_same_files_give_the_same_archive() {
    let mut tree = tree(&widget("1.0.0"));
    let script =
        Node::File { bytes: b"#!/bin/sh\n".to_vec(), executable: true, changed_at: at("1975-01-01T00:00:00Z") };
    tree.put("run.sh", script).unwrap();
    tree.put("link", Node::Link("run.sh".to_owned())).unwrap();
    let zip = tree.zip("widget-1.0.0").unwrap();
    assert_eq!(zip, tree.clone().zip("widget-1.0.0").unwrap());
    let back = Tree::of_zip(&zip, "widget").unwrap();
    assert_eq!(back.names().collect::<Vec<_>>(), tree.names().collect::<Vec<_>>());
    assert_eq!(back.file("run.sh"), tree.file("run.sh"));
}

#[test]
fn no_list_is_longer_than_56_and_the_counts_tell_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(dir.path()).unwrap();
    let uploads = (0..60_u8).map(|n| small(&format!("dist{n:02}"), "1.0.0", n % 28 + 1));
    mirror.publish_all(uploads).unwrap();
    for (name, list) in [("dist", "recent"), ("extension", "recent"), ("user", "prolific"), ("tag", "popular")] {
        let stats = document(dir.path(), &format!("stats/{name}.json"));
        assert_eq!(stats["count"], 60, "{name}");
        assert_eq!(stats[list].as_array().unwrap().len(), 56, "{name}");
    }
    let recent = document(dir.path(), "stats/dist.json")["recent"].clone();
    let dates: Vec<&str> = recent.as_array().unwrap().iter().map(|item| item["date"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|left, right| left >= right), "newest first: {dates:?}");
    assert_eq!(document(dir.path(), "users/u.json").as_array().unwrap().len(), 60);
    assert_eq!(
        document(dir.path(), "stats/summary.json"),
        json!({"dists": 60, "releases": 60, "extensions": 60, "users": 60, "tags": 60, "mirrors": 1})
    );
}

#[test]
fn a_tree_that_is_opened_again_keeps_what_it_had_and_writes_nothing_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(dir.path()).unwrap();
    mirror.publish(upload("1.0.0", "2025-01-02T03:04:05Z")).unwrap();
    mirror.add_user(User::named("zoe")).unwrap();
    let times = |dir: &Path| -> Vec<_> {
        files(dir).into_iter().map(|path| (std::fs::metadata(&path).unwrap().modified().unwrap(), path)).collect()
    };
    let before = times(dir.path());
    let mut again = Mirror::open(dir.path()).unwrap();
    assert_eq!(again.releases().collect::<Vec<_>>(), mirror.releases().collect::<Vec<_>>());
    assert_eq!(times(dir.path()), before);
    again.publish(small("other", "0.1.0", 9)).unwrap();
    assert_eq!(document(dir.path(), "stats/dist.json")["releases"], 2);
    assert!(document(dir.path(), "user/zoe.json").get("releases").is_none());
}

#[test]
fn a_replaced_archive_changes_the_digest_and_keeps_the_date() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(dir.path()).unwrap();
    let first = mirror.publish(upload("1.0.0", "2025-01-02T03:04:05Z")).unwrap();
    let mut files = tree(&widget("1.0.0"));
    files.put_text("CHANGES", "mended\n").unwrap();
    let second = Upload::of_tree(&files, User::named("Ann"), at("2026-01-01T00:00:00Z")).unwrap();
    let second = mirror.publish(second).unwrap();
    assert_ne!(first.sha1, second.sha1);
    assert_eq!(first.date, second.date);
    assert_eq!(document(dir.path(), "extension/widget_core.json")["stable"]["sha1"], second.sha1.as_str());
    assert_eq!(mirror.releases().count(), 1);
}

#[test]
fn a_digest_can_be_wrong_on_purpose() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(dir.path()).unwrap();
    let sha1 = "0".repeat(40);
    mirror.publish(small("liar", "1.0.0", 1).with_sha1(&sha1)).unwrap();
    assert_eq!(document(dir.path(), "dist/liar/1.0.0/META.json")["sha1"], sha1.as_str());
}

#[test]
fn a_plain_mirror_has_no_user_list_and_does_not_name_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open_with(dir.path(), Templates::Mirror).unwrap();
    mirror.publish(upload("1.0.0", "2025-01-02T03:04:05Z")).unwrap();
    assert!(document(dir.path(), "index.json").get("userlist").is_none());
    assert!(!dir.path().join("users").exists());
}

#[test]
fn a_name_or_tag_that_would_leave_the_tree_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(dir.path()).unwrap();
    for meta in [
        json!({"name": "../up", "version": "1.0.0"}),
        json!({"name": "up", "version": "../1"}),
        json!({"name": "up", "version": "1.0.0", "tags": ["../../etc"]}),
        json!({"name": "up", "version": "1.0.0", "provides": {"../up": {"version": "1.0.0"}}}),
    ] {
        let date = Timestamp::from_millis(0);
        let published =
            Upload::of_bytes(Vec::new(), meta.clone(), User::named("eve"), date).and_then(|up| mirror.publish(up));
        assert!(matches!(published, Err(Error::Refused { .. })), "{meta}");
    }
    assert_eq!(mirror.releases().count(), 0);
}
