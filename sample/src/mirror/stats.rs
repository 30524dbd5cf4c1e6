//! The five statistics; `stats/dist.json` is the registry's feed, so it is written last of all.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Name, Version};
use serde::Serialize;

use super::Mirror;
use super::meta::ReleaseMeta;
use super::write::{Ordered, render};

/// No list is longer.
const LIMIT: usize = 56;

/// Every statistic by its name, in the order in which they are to be written.
pub(super) fn all(mirror: &Mirror) -> [(&'static str, String); 5] {
    let mut recent: Vec<&ReleaseMeta> = mirror.releases().collect();
    recent.sort_by(|left, right| {
        right.date.cmp(&left.date).then(left.dist.cmp(&right.dist)).then(right.version.cmp(&left.version))
    });
    [
        ("summary", summary(mirror)),
        ("tag", tags(mirror)),
        ("user", users(mirror)),
        ("extension", extensions(mirror, &recent)),
        ("dist", dists(mirror, &recent)),
    ]
}

#[derive(Serialize)]
struct Upload<'a> {
    date: String,
    user: &'a Name,
    user_name: &'a str,
}

impl<'a> Upload<'a> {
    fn of(mirror: &'a Mirror, release: &'a ReleaseMeta) -> Self {
        let user_name = mirror.users.get(&release.user.key()).map_or(release.user.as_str(), |user| user.name.as_str());
        Self { date: release.date.to_string(), user: &release.user, user_name }
    }
}

fn dists(mirror: &Mirror, recent: &[&ReleaseMeta]) -> String {
    #[derive(Serialize)]
    struct Item<'a> {
        dist: &'a Name,
        version: &'a Version,
        r#abstract: &'a str,
        #[serde(flatten)]
        upload: Upload<'a>,
    }
    #[derive(Serialize)]
    struct Dists<'a> {
        count: usize,
        releases: usize,
        recent: Vec<Item<'a>>,
    }
    let names: BTreeSet<&Name> = recent.iter().map(|release| &release.dist).collect();
    let mut items = Vec::new();
    for &release in recent.iter().take(LIMIT) {
        let upload = Upload::of(mirror, release);
        items.push(Item { dist: &release.dist, version: &release.version, r#abstract: release.summary(), upload });
    }
    render(&Dists { count: names.len(), releases: recent.len(), recent: items })
}

fn extensions(mirror: &Mirror, recent: &[&ReleaseMeta]) -> String {
    #[derive(Serialize)]
    struct Item<'a> {
        extension: &'a str,
        r#abstract: &'a str,
        ext_version: &'a str,
        dist: &'a Name,
        version: &'a Version,
        #[serde(flatten)]
        upload: Upload<'a>,
    }
    #[derive(Serialize)]
    struct Extensions<'a> {
        count: usize,
        recent: Vec<Item<'a>>,
    }
    let mut names = BTreeSet::new();
    let mut items = Vec::new();
    for &release in recent {
        for (extension, (ext_version, r#abstract)) in release.provides() {
            names.insert(extension.to_lowercase());
            if items.len() < LIMIT {
                let (dist, version, upload) = (&release.dist, &release.version, Upload::of(mirror, release));
                items.push(Item { extension, r#abstract, ext_version, dist, version, upload });
            }
        }
    }
    render(&Extensions { count: names.len(), recent: items })
}

fn users(mirror: &Mirror) -> String {
    #[derive(Serialize)]
    struct Item<'a> {
        nickname: &'a Name,
        name: &'a str,
        dists: usize,
        releases: usize,
    }
    #[derive(Serialize)]
    struct Users<'a> {
        count: usize,
        prolific: Vec<Item<'a>>,
    }
    let mut of: BTreeMap<String, (BTreeSet<&Name>, usize)> = BTreeMap::new();
    for release in mirror.releases() {
        let (dists, releases) = of.entry(release.user.key()).or_default();
        dists.insert(&release.dist);
        *releases += 1;
    }
    let item = |(key, (dists, releases)): (String, (BTreeSet<&Name>, usize))| {
        let user = mirror.users.get(&key)?;
        Some(Item { nickname: &user.nickname, name: &user.name, dists: dists.len(), releases })
    };
    let mut prolific: Vec<Item<'_>> = of.into_iter().filter_map(item).collect();
    prolific.sort_by(|left, right| right.dists.cmp(&left.dists).then(left.nickname.cmp(right.nickname)));
    prolific.truncate(LIMIT);
    render(&Users { count: mirror.users.len(), prolific })
}

/// Distributions by lower-case tag.
fn by_tag(mirror: &Mirror) -> BTreeMap<String, BTreeSet<&Name>> {
    let mut dists: BTreeMap<String, BTreeSet<&Name>> = BTreeMap::new();
    for release in mirror.releases() {
        for tag in release.tags() {
            dists.entry(tag.to_lowercase()).or_default().insert(&release.dist);
        }
    }
    dists
}

fn tags(mirror: &Mirror) -> String {
    #[derive(Serialize)]
    struct Item {
        tag: String,
        dists: usize,
    }
    #[derive(Serialize)]
    struct Tags {
        count: usize,
        popular: Vec<Item>,
    }
    let by_tag = by_tag(mirror);
    let count = by_tag.len();
    let mut popular: Vec<Item> = by_tag.into_iter().map(|(tag, dists)| Item { tag, dists: dists.len() }).collect();
    popular.sort_by(|left, right| right.dists.cmp(&left.dists).then_with(|| left.tag.cmp(&right.tag)));
    popular.truncate(LIMIT);
    render(&Tags { count, popular })
}

fn summary(mirror: &Mirror) -> String {
    let dists: BTreeSet<&Name> = mirror.releases().map(|release| &release.dist).collect();
    let extensions: BTreeSet<String> =
        mirror.releases().flat_map(|release| release.provides().map(|(name, _)| name.to_lowercase())).collect();
    render(&Ordered(vec![
        ("dists", dists.len()),
        ("releases", mirror.releases().count()),
        ("extensions", extensions.len()),
        ("users", mirror.users.len()),
        ("tags", by_tag(mirror).len()),
        ("mirrors", 1),
    ]))
}
