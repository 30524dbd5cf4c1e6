//! A registry's tree on disk, with the documents of a bare mirror or of an API server.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tempfile::TempDir;
use url::Url;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What kind of registry a tree belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Api,
    Mirror,
}

/// A tree in a directory of its own.
pub(crate) struct Mirror {
    pub(crate) dir: TempDir,
    kind: Kind,
    /// dist → status → [{version, date}], newest first.
    dists: BTreeMap<String, Value>,
    users: BTreeMap<String, BTreeMap<String, Value>>,
    recent: Vec<Value>,
}

impl Mirror {
    /// An empty registry.
    pub(crate) fn empty(kind: Kind) -> Self {
        let dir = TempDir::new().unwrap();
        let mirror = Self { dir, kind, dists: BTreeMap::new(), users: BTreeMap::new(), recent: Vec::new() };
        let mut index = json!({
            "download": "/dist/{dist}/{version}/{dist}-{version}.zip",
            "readme": "/dist/{dist}/{version}/README.txt",
            "meta": "/dist/{dist}/{version}/META.json",
            "dist": "/dist/{dist}.json",
            "extension": "/extension/{extension}.json",
            "user": "/user/{user}.json",
            "tag": "/tag/{tag}.json",
            "stats": "/stats/{stats}.json",
            "mirrors": "/meta/mirrors.json",
            "spec": "/meta/spec.{format}",
        });
        if kind == Kind::Api {
            index["source"] = "/src/{dist}/{dist}-{version}/".into();
            index["search"] = "/search/{in}/".into();
            index["userlist"] = "/users/{letter}.json".into();
            index["htmldoc"] = "/dist/{dist}/{version}/{+docpath}.html".into();
        }
        mirror.write("index.json", &index);
        mirror.write("meta/mirrors.json", &json!([{"uri": "https://example.org/", "email": "example.org|pgxn"}]));
        mirror.write_text("meta/spec.txt", "PGXN Meta Specification");
        mirror.documents();
        mirror
    }

    /// Three releases of two users, one of them with capitals, one unstable.
    pub(crate) fn filled(kind: Kind) -> Self {
        let mut mirror = Self::empty(kind);
        mirror.release("widget", "1.0.0", "stable", "ann");
        mirror.release("widget", "1.2.0", "stable", "ann");
        mirror.release("pgTAP", "1.3.0-beta1", "testing", "Theory");
        mirror
    }

    /// Publishes a release, as the manager would.
    pub(crate) fn release(&mut self, dist: &str, version: &str, status: &str, user: &str) {
        let (key, version_key) = (dist.to_lowercase(), version.to_lowercase());
        let zip = archive(&key, &version_key);
        let date = format!("2026-11-{:02}T10:00:00Z", self.recent.len() + 1);
        let meta = json!({
            "name": dist, "abstract": format!("Makes {dist}s"), "version": version, "date": date,
            "maintainer": format!("{user} <{user}@example.org>"), "release_status": status, "user": user,
            "sha1": hex::encode(Sha1::digest(&zip)), "license": "postgresql", "tags": ["Key Value"],
            "prereqs": {"runtime": {"requires": {"PostgreSQL": ">= 12.0.0, < 17.0.0"}}},
            "provides": {&key: {"file": format!("sql/{key}.sql"), "version": version}},
        });
        let folder = format!("dist/{key}/{version_key}");
        self.write(&format!("{folder}/META.json"), &meta);
        self.write_text(&format!("{folder}/README.txt"), &format!("This is {dist} {version}.\n"));
        self.write_bytes(&format!("{folder}/{key}-{version_key}.zip"), &zip);
        let entry = json!({"version": version, "date": date});
        prepend(&mut self.dists.entry(dist.to_owned()).or_insert_with(|| json!({}))[status], entry.clone());
        let of_user = self.users.entry(user.to_owned()).or_default();
        prepend(&mut of_user.entry(dist.to_owned()).or_insert_with(|| json!({}))[status], entry);
        self.recent.insert(
            0,
            json!({"dist": dist, "version": version, "abstract": format!("Makes {dist}s"), "date": date,
                   "user": user, "user_name": format!("{user} Example")}),
        );
        self.recent.truncate(56);
        self.documents();
    }

    /// The documents that change with each release.
    fn documents(&self) {
        for (dist, releases) in &self.dists {
            let mut document = json!({"name": dist, "releases": releases});
            if self.kind == Kind::Api {
                // An API server merges in the META of some release, not surely that of the newest.
                document["version"] = "0.0.1".into();
                document["sha1"] = "of another release".into();
            }
            self.write(&format!("dist/{}.json", dist.to_lowercase()), &document);
        }
        let mut letters: BTreeMap<char, Vec<Value>> = BTreeMap::new();
        for (user, releases) in &self.users {
            let key = user.to_lowercase();
            let document = json!({"nickname": user, "name": format!("{user} Example"), "releases": releases,
                "email": format!("{key}@example.org")});
            self.write(&format!("user/{key}.json"), &document);
            letters.entry(key.chars().next().unwrap()).or_default().push(json!({"user": key, "name": "Example"}));
        }
        if self.kind == Kind::Api {
            for (letter, users) in letters {
                self.write(&format!("users/{letter}.json"), &json!(users));
            }
        }
        let releases: usize = self.dists.len();
        self.write("stats/dist.json", &json!({"count": self.dists.len(), "releases": releases, "recent": self.recent}));
        self.write("stats/extension.json", &json!({"count": 0, "recent": []}));
        self.write("stats/user.json", &json!({"count": self.users.len(), "prolific": []}));
        self.write("stats/tag.json", &json!({"count": 0, "popular": []}));
        self.write("stats/summary.json", &json!({"dists": self.dists.len()}));
    }

    pub(crate) fn write(&self, path: &str, value: &Value) {
        self.write_bytes(path, value.to_string().as_bytes());
    }

    pub(crate) fn write_text(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    pub(crate) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path().join(path)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file_url(&self) -> Url {
        Url::from_directory_path(self.path()).unwrap()
    }
}

fn prepend(list: &mut Value, entry: Value) {
    if !list.is_array() {
        *list = json!([]);
    }
    list.as_array_mut().unwrap().insert(0, entry);
}

/// A zip with one file.
pub(crate) fn archive(dist: &str, version: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(format!("{dist}-{version}/META.json"), SimpleFileOptions::default()).unwrap();
    zip.write_all(json!({"name": dist, "version": version}).to_string().as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}
