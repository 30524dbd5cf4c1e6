//! `/tags/`: the most used tags.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pgxn::Statistics;
use serde::Serialize;
use serde_json::Value;

use super::line;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::{Dashboard, address};

/// How many sizes there are.
const SIZES: u64 = 5;
/// The registry lists 56.
const MOST: usize = 200;

/// The tags as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The tags, by name.
    pub tags: Vec<Tag>,
    /// Why this may be out of date.
    pub stale: Option<String>,
}

/// A tag of the cloud.
#[derive(Debug, Serialize)]
pub(crate) struct Tag {
    /// Its page.
    #[serde(flatten)]
    pub link: Link,
    /// How many distributions carry it.
    pub dists: u64,
    /// How large it is written, from 1.
    #[serde(skip)]
    pub size: u64,
}

#[derive(Template)]
#[template(path = "tags.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/tags/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let read = dashboard.documents().statistics(Statistics::Tag).await?;
    let view = match read {
        Some(read) => View { tags: cloud(popular(&read.value)), stale: read.stale },
        None => View { tags: cloud(catalogued(&dashboard)), stale: None },
    };
    ask.answer(&view, || {
        let frame = Frame::new(dashboard.site(), "Tags", "What the extensions of the registry are about.");
        Page { frame: frame.with_json("/tags/?format=json"), view: &view }
    })
}

/// Reads `popular` of `stats/tag.json`.
fn popular(statistics: &Value) -> Vec<(String, u64)> {
    let popular = statistics.get("popular").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let read = |entry: &Value| Some((entry.get("tag")?.as_str()?.to_owned(), entry.get("dists")?.as_u64()?));
    popular.iter().filter_map(read).take(MOST).collect()
}

/// The most used tags of the farm's catalogue, for registries that do not count them.
fn catalogued(dashboard: &Dashboard) -> Vec<(String, u64)> {
    let Some(made) = dashboard.catalogue().made() else { return Vec::new() };
    let mut tags: Vec<_> = made.index.tags().into_iter().map(|(tag, dists)| (tag.to_owned(), dists as u64)).collect();
    tags.sort_by_key(|(_, dists)| std::cmp::Reverse(*dists));
    tags.truncate(MOST);
    tags
}

/// Tags by name, each as large as it is used.
fn cloud(mut tags: Vec<(String, u64)>) -> Vec<Tag> {
    tags.sort();
    let most = tags.iter().map(|(_, dists)| *dists).max().unwrap_or(1).max(1);
    let tag = |(tag, dists): (String, u64)| Tag {
        link: Link { href: address::tag(&tag), text: line(&tag) },
        size: 1 + dists.saturating_mul(SIZES - 1) / most,
        dists,
    };
    tags.into_iter().map(tag).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cloud_is_by_name_and_what_is_odd_in_it_is_left_out() {
        let statistics = json!({"popular": [
            {"tag": "b c", "dists": 40}, {"tag": "a", "dists": 1}, {"tag": 3, "dists": 1}, "x", {"tag": "z", "dists": "many"},
            {"tag": "m", "dists": 20},
        ]});
        let cloud = cloud(popular(&statistics));
        let shown: Vec<_> = cloud.iter().map(|tag| (tag.link.href.as_str(), tag.size)).collect();
        assert_eq!(shown, [("/tag/a/", 1), ("/tag/b%20c/", 5), ("/tag/m/", 3)]);
        assert!(super::cloud(popular(&json!([]))).is_empty());
    }
}
