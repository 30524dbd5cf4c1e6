//! `/user/{user}/`: who this is, and how what they released is doing.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use pgxn::User;
use protocol::Name;
use proxy::Read;
use serde::Serialize;

use super::shelf::Shelf;
use super::{line, web};
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::text::count;
use crate::{Dashboard, address};

/// A user's page as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// Their nickname, as they write it.
    pub user: String,
    /// Their name for people; empty where the registry has none.
    pub name: String,
    /// Their own page.
    pub uri: Option<String>,
    /// How many releases they have uploaded.
    pub releases: u64,
    /// Why this may be out of date.
    pub stale: Option<String>,
    /// Their distributions.
    #[serde(flatten)]
    pub shelf: Shelf,
}

impl View {
    /// What they have released, in words.
    pub(crate) fn words(&self) -> String {
        let dists = count(self.shelf.total as u64, "distribution", "distributions");
        format!("{} of {dists}", count(self.releases, "release", "releases"))
    }
}

#[derive(Template)]
#[template(path = "user.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a Shelf,
    user: &'a View,
    href: String,
}

/// `/user/{user}`: the slash belongs to the address.
pub(crate) async fn redirect(Path(user): Path<String>, ask: Ask) -> Redirect {
    ask.moved(&address::user(&user))
}

/// `/user/{user}/`. An address is never shown: what the registry publishes is not for robots to collect here.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(user): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    if user != user.to_lowercase() {
        return Ok(ask.moved(&address::user(&user)).into_response());
    }
    let read = find(&dashboard, &user).await?;
    let listed = &read.value.listing.releases;
    let view = View {
        user: read.value.nickname.to_string(),
        name: line(read.value.name.as_deref().unwrap_or_default()),
        uri: read.value.uri.as_deref().and_then(web),
        releases: listed.len() as u64,
        stale: read.stale,
        shelf: Shelf::load(&dashboard, listed.iter().map(|listed| &listed.dist), ask.get("part")).await?,
    };
    ask.answer(&view, || {
        let href = address::user(view.user.as_str());
        let description = format!("{}: {} in the registry, with the verdicts on each.", view.user, view.words());
        let json = ask.keeping(&format!("{href}?format=json"), &["part"]);
        let frame =
            Frame::new(dashboard.site(), format!("{}, user", view.user), description).with_json(json).with_feed(&href);
        Page { frame, view: &view.shelf, user: &view, href }
    })
}

/// The user of that nickname.
pub(super) async fn find(dashboard: &Dashboard, user: &str) -> Result<Read<User>, Fault> {
    let missing = || Fault::missing(format!("The registry knows no user “{}”.", line(user)));
    let name: Name = user.parse().map_err(|_| missing())?;
    dashboard.documents().user(&name).await?.ok_or_else(missing)
}
