//! Where the documents of a mirror lie, and the URI templates that say so.

use super::write::{Ordered, render};

/// Which URI templates `/index.json` names, and so which documents there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Templates {
    /// The ten of PGXN's master mirror.
    Mirror,
    /// Those, and the API server's `userlist`.
    WithUserList,
}

const MIRROR: [(&str, &str); 10] = [
    ("download", "/dist/{dist}/{version}/{dist}-{version}.zip"),
    ("readme", "/dist/{dist}/{version}/README.txt"),
    ("meta", "/dist/{dist}/{version}/META.json"),
    ("dist", "/dist/{dist}.json"),
    ("extension", "/extension/{extension}.json"),
    ("user", "/user/{user}.json"),
    ("tag", "/tag/{tag}.json"),
    ("stats", "/stats/{stats}.json"),
    ("mirrors", "/meta/mirrors.json"),
    ("spec", "/meta/spec.{format}"),
];

impl Templates {
    /// `/index.json`.
    pub(super) fn document(self) -> String {
        let mut templates = MIRROR.to_vec();
        if self == Self::WithUserList {
            templates.push(("userlist", "/users/{letter}.json"));
        }
        render(&Ordered(templates))
    }
}

pub(super) fn download(dist: &str, version: &str) -> String {
    format!("dist/{dist}/{version}/{dist}-{version}.zip")
}

pub(super) fn readme(dist: &str, version: &str) -> String {
    format!("dist/{dist}/{version}/README.txt")
}

pub(super) fn meta(dist: &str, version: &str) -> String {
    format!("dist/{dist}/{version}/META.json")
}

pub(super) fn dist(dist: &str) -> String {
    format!("dist/{dist}.json")
}

pub(super) fn extension(extension: &str) -> String {
    format!("extension/{extension}.json")
}

pub(super) fn user(user: &str) -> String {
    format!("user/{user}.json")
}

pub(super) fn userlist(letter: char) -> String {
    format!("users/{letter}.json")
}

pub(super) fn tag(tag: &str) -> String {
    format!("tag/{tag}.json")
}

pub(super) fn stats(name: &str) -> String {
    format!("stats/{name}.json")
}
