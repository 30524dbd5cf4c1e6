//! The documents that gather releases: by distribution, extension, user, tag and first letter.

use std::collections::BTreeMap;

use protocol::{Name, Status, Version};
use serde::Serialize;

use super::Mirror;
use super::meta::ReleaseMeta;
use super::write::{Ordered, render};

/// `/meta/spec.txt`: the real text is not ours to copy.
pub(super) const SPEC: &str = "PGXN Meta Spec - The PGXN distribution metadata specification\n\n\
    This mirror holds sample and test releases. Their META.json files follow version 1.0.0 of the\n\
    specification, which is published at https://pgxn.org/spec/ and https://pgxn.org/meta/spec.txt.\n";

/// A release in a list: `{version, date}`.
#[derive(Serialize)]
struct Item {
    version: Version,
    date: String,
}

type ByStatus = Ordered<&'static str, Vec<Item>>;

/// `{<status>: [{version, date}]}`, versions descending; a status without releases is absent.
fn by_status(releases: &[&ReleaseMeta]) -> ByStatus {
    let mut sorted = releases.to_vec();
    sorted.sort_by(|left, right| right.version.cmp(&left.version));
    let of = |status: Status| -> Vec<Item> {
        let with = sorted.iter().filter(|release| release.status == status);
        with.map(|release| Item { version: release.version.clone(), date: release.date.to_string() }).collect()
    };
    let statuses = Status::ALL.into_iter().map(|status| (status.as_str(), of(status)));
    Ordered(statuses.filter(|(_, items)| !items.is_empty()).collect())
}

/// `{<dist>: {<status>: …}}`, sorted by name.
fn by_dist(releases: &[&ReleaseMeta]) -> Ordered<Name, ByStatus> {
    let mut dists: BTreeMap<Name, Vec<&ReleaseMeta>> = BTreeMap::new();
    for release in releases {
        dists.entry(release.dist.clone()).or_default().push(release);
    }
    Ordered(dists.into_iter().map(|(dist, releases)| (dist, by_status(&releases))).collect())
}

fn matching(mirror: &Mirror, wanted: impl Fn(&ReleaseMeta) -> bool) -> Vec<&ReleaseMeta> {
    mirror.releases().filter(|release| wanted(release)).collect()
}

/// The release that was uploaded last: its spelling of a name is the one that is shown.
fn newest<'a>(releases: &[&'a ReleaseMeta]) -> Option<&'a ReleaseMeta> {
    releases.iter().copied().max_by(|left, right| left.date.cmp(&right.date).then(left.version.cmp(&right.version)))
}

/// `/dist/{dist}.json`.
pub(super) fn dist(mirror: &Mirror, key: &str) -> Option<String> {
    #[derive(Serialize)]
    struct Dist<'a> {
        name: &'a Name,
        releases: ByStatus,
    }
    let releases = matching(mirror, |release| release.dist.key() == key);
    Some(render(&Dist { name: &newest(&releases)?.dist, releases: by_status(&releases) }))
}

/// `/tag/{tag}.json`.
pub(super) fn tag(mirror: &Mirror, key: &str) -> Option<String> {
    #[derive(Serialize)]
    struct Tag<'a> {
        tag: &'a str,
        releases: Ordered<Name, ByStatus>,
    }
    let releases = matching(mirror, |release| release.tags().any(|tag| tag.to_lowercase() == key));
    let tag = newest(&releases)?.tags().find(|tag| tag.to_lowercase() == key)?;
    Some(render(&Tag { tag, releases: by_dist(&releases) }))
}

/// `/user/{user}.json`.
pub(super) fn user(mirror: &Mirror, key: &str) -> Option<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        user: &'a super::User,
        #[serde(skip_serializing_if = "Option::is_none")]
        releases: Option<Ordered<Name, ByStatus>>,
    }
    let releases = matching(mirror, |release| release.user.key() == key);
    let releases = (!releases.is_empty()).then(|| by_dist(&releases));
    Some(render(&Document { user: mirror.users.get(key)?, releases }))
}

/// `/users/{letter}.json` of the API server: `[{user, name}]`, sorted; absent where no user has that letter.
pub(super) fn userlist(mirror: &Mirror, letter: char) -> Option<String> {
    #[derive(Serialize)]
    struct Entry<'a> {
        user: &'a str,
        name: &'a str,
    }
    let users = mirror.users.iter().filter(|(key, _)| key.starts_with(letter));
    let entries: Vec<Entry<'_>> = users.map(|(key, user)| Entry { user: key, name: &user.name }).collect();
    (!entries.is_empty()).then(|| render(&entries))
}

#[derive(Serialize)]
struct Latest<'a> {
    dist: &'a Name,
    version: &'a Version,
    sha1: &'a str,
}

#[derive(Serialize)]
struct InVersion<'a> {
    dist: &'a Name,
    version: &'a Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

/// `/extension/{extension}.json`.
pub(super) fn extension(mirror: &Mirror, key: &str) -> Option<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        extension: &'a str,
        latest: Status,
        #[serde(flatten)]
        by_status: Ordered<&'static str, Latest<'a>>,
        versions: Ordered<&'a Version, Vec<InVersion<'a>>>,
    }
    let found = provided(mirror, key);
    let newest = found.first()?;
    let latest = |status: Status| {
        let (_, _, release) = found.iter().find(|(_, _, release)| release.status == status)?;
        let latest = Latest { dist: &release.dist, version: &release.version, sha1: &release.sha1 };
        Some((status.as_str(), latest))
    };
    let mut versions: Vec<(&Version, Vec<InVersion<'_>>)> = Vec::new();
    for (_, version, release) in &found {
        let status = Some(release.status).filter(|status| *status != Status::Stable);
        let entry = InVersion { dist: &release.dist, version: &release.version, status };
        match versions.last_mut() {
            Some((last, entries)) if *last == version => entries.push(entry),
            _ => versions.push((version, vec![entry])),
        }
    }
    let by_status = Ordered(Status::ALL.into_iter().filter_map(latest).collect());
    let (extension, latest) = (newest.0, newest.2.status);
    Some(render(&Document { extension, latest, by_status, versions: Ordered(versions) }))
}

/// Each release that provides the extension, the newest version of the extension and then the newest release first.
fn provided<'a>(mirror: &'a Mirror, key: &str) -> Vec<(&'a str, Version, &'a ReleaseMeta)> {
    let mut found = Vec::new();
    for release in mirror.releases() {
        for (name, (version, _)) in release.provides().filter(|(name, _)| name.to_lowercase() == key) {
            let version = version.parse().unwrap_or_else(|_| release.version.clone());
            found.push((name, version, release));
        }
    }
    found.sort_by(|left, right| right.1.cmp(&left.1).then(right.2.date.cmp(&left.2.date)));
    found
}

/// `/meta/mirrors.json`: this tree is the only mirror that it knows.
pub(super) fn mirrors() -> String {
    render(&[Ordered(vec![
        ("uri", "http://localhost/"),
        ("frequency", "never"),
        ("location", "here"),
        ("organization", "PGXN Testers sample registry (not PGXN)"),
        ("timezone", "UTC"),
        ("email", "example.org|pgxn"),
        ("bandwidth", "local"),
        ("src", "file:///"),
    ])])
}
