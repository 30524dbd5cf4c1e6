//! `/tag/{tag}/`: the distributions that carry a tag, with the verdicts on each; and `/tag/{tag}.json`, where the registry has no such documents.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use pgxn::{Listed, Listing};
use proxy::Read;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::shelf::Shelf;
use super::{line, own};
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::text::count;
use crate::{Dashboard, address};

/// A tag's page as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The tag.
    pub tag: String,
    /// Why this may be out of date.
    pub stale: Option<String>,
    /// The distributions that carry it.
    #[serde(flatten)]
    pub shelf: Shelf,
}

impl View {
    /// How many there are, in words.
    pub(crate) fn words(&self) -> String {
        count(self.shelf.total as u64, "distribution carries", "distributions carry")
    }
}

#[derive(Template)]
#[template(path = "tag.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a Shelf,
    tag: &'a View,
    href: String,
}

/// `/tag/{tag}`: the slash belongs to the address, but for a document's.
pub(crate) async fn leaf(
    State(dashboard): State<Dashboard>,
    Path(tag): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let Some(tag) = tag.strip_suffix(".json") else { return Ok(ask.moved(&address::tag(&tag)).into_response()) };
    let listing = catalogued(&dashboard, tag);
    if listing.releases.is_empty() { Ok(own::missing()) } else { own::document(&ask, &shape(tag, &listing)) }
}

/// `/tag/{tag}/`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(tag): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    if tag != tag.to_lowercase() {
        return Ok(ask.moved(&address::tag(&tag)).into_response());
    }
    let read = find(&dashboard, &tag).await?;
    let names = read.value.releases.iter().map(|listed| &listed.dist);
    let shelf = Shelf::load(&dashboard, names, ask.get("part")).await?;
    let view = View { tag: line(&tag), stale: read.stale, shelf };
    ask.answer(&view, || {
        let href = address::tag(&tag);
        let description = format!("{} the tag {}; see which of them work.", view.words(), view.tag);
        let json = ask.keeping(&format!("{href}?format=json"), &["part"]);
        let frame =
            Frame::new(dashboard.site(), format!("{}, tag", view.tag), description).with_json(json).with_feed(&href);
        Page { frame, view: &view.shelf, tag: &view, href }
    })
}

/// The releases that carry the tag: as the registry lists them; where it does not, as the farm's catalogue has them.
pub(super) async fn find(dashboard: &Dashboard, tag: &str) -> Result<Read<Listing>, Fault> {
    if let Some(read) = dashboard.documents().tag(tag).await? {
        return Ok(read);
    }
    let value = catalogued(dashboard, tag);
    if value.releases.is_empty() {
        return Err(Fault::Missing {
            sentence: format!("No distribution carries the tag “{}”.", line(tag)),
            near: vec![Link { href: "/tags/".to_owned(), text: "all tags".to_owned() }],
        });
    }
    Ok(Read { value, stale: None })
}

/// The latest releases that carry the tag.
fn catalogued(dashboard: &Dashboard, tag: &str) -> Listing {
    let Some(made) = dashboard.catalogue().made() else { return Listing::default() };
    let listed = |at: usize| {
        let release = &made.dists.get(at)?.latest.release;
        Some(Listed {
            dist: release.dist.clone(),
            version: release.version.clone(),
            status: Some(release.status),
            date: Some(release.released_at),
            user: None,
        })
    };
    Listing { releases: made.index.tagged(tag).into_iter().filter_map(listed).collect(), unreadable: Vec::new() }
}

/// In the shape of PGXN's own document.
fn shape(tag: &str, listing: &Listing) -> Value {
    let mut releases = Map::new();
    for listed in &listing.releases {
        let status = listed.status.map_or("stable", |status| status.as_str());
        let date = listed.date.map(|date| date.to_string());
        releases.insert(listed.dist.to_string(), json!({ status: [{ "version": listed.version, "date": date }] }));
    }
    json!({ "tag": tag, "releases": releases })
}
