//! The things that can be found, made of entries: a document of the index each.

use std::collections::BTreeMap;

use crate::answer::Hit;
use crate::entry::Entry;
use crate::query::In;

/// So much of a README is indexed.
const MAX_README: usize = 256 * 1024;

/// One thing that can be found.
pub(crate) struct Thing<'a> {
    pub(crate) kind: In,
    pub(crate) name: &'a str,
    pub(crate) summary: &'a str,
    pub(crate) tags: String,
    pub(crate) user: String,
    pub(crate) text: &'a str,
    pub(crate) hit: Hit,
}

/// What one distribution brings.
pub(crate) fn of_dist(entry: &Entry) -> impl Iterator<Item = Thing<'_>> {
    let common = Hit {
        summary: Some(entry.summary.clone()),
        dist: Some(entry.dist.clone()),
        version: Some(entry.version.clone()),
        date: Some(entry.date.to_string()),
        user: Some(entry.user.clone()),
        user_name: Some(entry.user_name.clone()),
        ..Hit::default()
    };
    let readme = entry.readme.char_indices().nth(MAX_README).map_or(&*entry.readme, |(end, _)| &entry.readme[..end]);
    let user = format!("{} {}", entry.user, entry.user_name);
    let thing = move |kind, name, summary, text, hit| Thing {
        kind,
        name,
        summary,
        tags: entry.tags.join("\n"),
        user: user.clone(),
        text,
        hit,
    };
    let about = if entry.description.is_empty() { readme } else { &entry.description };
    let dist = thing(In::Dists, &entry.dist, &entry.summary, about, common.clone());
    let title = Some(entry.dist.clone());
    let docpath = Some("README".to_owned());
    let doc = (!readme.is_empty()).then(|| {
        let hit = Hit { title, docpath, ..common.clone() };
        thing(In::Docs, &entry.dist, &entry.summary, readme, hit)
    });
    let extensions: Vec<_> = entry
        .extensions
        .iter()
        .map(|extension| {
            let (name, summary) = (Some(extension.name.clone()), Some(extension.summary.clone()));
            let hit = Hit { extension: name, summary, ..common.clone() };
            thing(In::Extensions, &extension.name, &extension.summary, about, hit)
        })
        .collect();
    std::iter::once(dist).chain(doc).chain(extensions)
}

/// Everybody who uploaded one of them, once.
pub(crate) fn users(entries: &[Entry]) -> impl Iterator<Item = Thing<'_>> {
    let users: BTreeMap<String, &Entry> = entries.iter().map(|entry| (entry.user.to_lowercase(), entry)).collect();
    users.into_values().map(|entry| Thing {
        kind: In::Users,
        name: &entry.user,
        summary: "",
        tags: String::new(),
        user: entry.user_name.clone(),
        text: &entry.user_name,
        hit: Hit { user: Some(entry.user.clone()), name: Some(entry.user_name.clone()), ..Hit::default() },
    })
}

/// Every tag, once.
pub(crate) fn tags(entries: &[Entry]) -> impl Iterator<Item = Thing<'_>> {
    let tags: BTreeMap<String, &str> =
        entries.iter().flat_map(|entry| &entry.tags).map(|tag| (tag.to_lowercase(), tag.as_str())).collect();
    tags.into_values().map(|tag| Thing {
        kind: In::Tags,
        name: tag,
        summary: "",
        tags: String::new(),
        user: String::new(),
        text: "",
        hit: Hit { tag: Some(tag.to_owned()), ..Hit::default() },
    })
}
