//! `/tag/{tag}/`: the distributions that carry a tag, with the verdicts on each.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use pgxn::Listing;
use proxy::Read;
use serde::Serialize;

use super::line;
use super::shelf::Shelf;
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

/// `/tag/{tag}`: the slash belongs to the address.
pub(crate) async fn redirect(Path(tag): Path<String>, ask: Ask) -> Redirect {
    ask.moved(&address::tag(&tag))
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

/// The releases that carry the tag.
pub(super) async fn find(dashboard: &Dashboard, tag: &str) -> Result<Read<Listing>, Fault> {
    let read = dashboard.documents().tag(tag).await?;
    read.ok_or_else(|| Fault::Missing {
        sentence: format!("No distribution carries the tag “{}”.", line(tag)),
        near: vec![Link { href: "/tags/".to_owned(), text: "all tags".to_owned() }],
    })
}
