//! The documents that the registry serves, made of what was published.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Published, Registered};

impl Registered {
    pub(super) fn document(&self, path: &str) -> Option<Value> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts[..] {
            ["index.json"] => Some(json!({
                "dist": "/dist/{dist}.json", "meta": "/dist/{dist}/{version}/META.json", "stats": "/stats/{stats}.json",
                "download": "/dist/{dist}/{version}/{dist}-{version}.zip", "user": "/user/{user}.json",
                "userlist": "/users/{letter}.json",
            })),
            ["stats", "dist.json"] => Some(self.feed()),
            ["users", file] => self.users(file.strip_suffix(".json")?),
            ["user", file] => Some(self.user(file.strip_suffix(".json")?)),
            ["dist", dist, version, "META.json"] => {
                let found = |release: &&Published| release.dist.to_lowercase() == dist && release.version == version;
                self.releases.iter().find(found).map(Published::meta)
            }
            _ => None,
        }
    }

    fn feed(&self) -> Value {
        let mut releases = self.releases.clone();
        releases.sort_by_key(|release| std::cmp::Reverse(release.date));
        let entry =
            |r: &Published| json!({"dist": r.dist, "version": r.version, "date": r.date.to_string(), "user": r.user});
        let recent: Vec<Value> = releases.iter().take(self.feed.unwrap_or(56)).map(entry).collect();
        json!({"count": 1, "releases": releases.len(), "recent": recent})
    }

    fn users(&self, letter: &str) -> Option<Value> {
        let mut users: Vec<&str> =
            self.releases.iter().map(|r| r.user.as_str()).filter(|u| u.starts_with(letter)).collect();
        users.sort_unstable();
        users.dedup();
        let list: Vec<Value> = users.iter().map(|user| json!({"user": user, "name": user})).collect();
        (!list.is_empty()).then(|| json!(list))
    }

    fn user(&self, user: &str) -> Value {
        let mut dists: HashMap<&str, HashMap<&str, Vec<Value>>> = HashMap::new();
        for r in self.releases.iter().filter(|r| r.user == user) {
            let list = dists.entry(&r.dist).or_default().entry(&r.status).or_default();
            list.push(json!({"version": r.version, "date": r.date.to_string()}));
        }
        json!({"nickname": user, "name": user, "releases": dists})
    }
}

impl Published {
    fn meta(&self) -> Value {
        let mut meta = json!({
            "name": self.dist, "version": self.version, "abstract": format!("What {} does", self.dist),
            "release_status": self.status, "user": self.user, "sha1": self.sha1, "date": self.date.to_string(),
            "license": "postgresql", "maintainer": "Ann <ann@example.org>",
            "provides": {&self.dist: {"file": "x.sql", "version": self.version}},
        });
        if let Some(range) = &self.postgres {
            meta["prereqs"] = json!({"runtime": {"requires": {"PostgreSQL": range}}});
        }
        meta
    }
}
