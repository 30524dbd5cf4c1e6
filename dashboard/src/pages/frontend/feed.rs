//! Atom feeds of releases (RFC 4287): of all, of a distribution, of a user, of a tag. A release's entry says where it works, as far as that is known.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use protocol::Name;
use store::releases::{self, StoredRelease};
use store::{Conn, dists};

use super::line;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::feed::Head;
use crate::pages::home::Recent;
use crate::pages::rows::rows;
use crate::text::{Subject, sentence};
use crate::{Dashboard, address};

/// Readers ask often enough for so many.
const ENTRIES: usize = 20;

/// One release.
struct Entry {
    release: Recent,
    sentence: String,
}

#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed {
    head: Head,
    entries: Vec<Entry>,
}

/// `/recent/feed.atom`.
pub(crate) async fn recent(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let latest = releases::latest(&mut conn, u32::try_from(ENTRIES).unwrap_or(u32::MAX)).await?;
    answer(&dashboard, &mut conn, &ask, ("New releases", "/recent/".to_owned()), latest).await
}

/// `/dist/{dist}/feed.atom`.
pub(crate) async fn dist(
    State(dashboard): State<Dashboard>,
    Path(dist): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let name = crate::pages::dist::name(&mut conn, &dist).await?;
    let all = releases::of_dist(&mut conn, &name).await?;
    let Some(first) = all.first() else { return Err(crate::pages::dist::missing(&mut conn, &dist).await?) };
    let title = format!("{}: releases", first.release.dist);
    answer(&dashboard, &mut conn, &ask, (&title, address::dist(&name)), all).await
}

/// `/user/{user}/feed.atom`.
pub(crate) async fn user(
    State(dashboard): State<Dashboard>,
    Path(user): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let read = super::user::find(&dashboard, &user).await?;
    let title = format!("{}: releases", read.value.nickname);
    of(&dashboard, &ask, (&title, address::user(&user)), &read.value.listing).await
}

/// `/tag/{tag}/feed.atom`.
pub(crate) async fn tag(
    State(dashboard): State<Dashboard>,
    Path(tag): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let read = super::tag::find(&dashboard, &tag).await?;
    of(&dashboard, &ask, (&format!("{}: releases", line(&tag)), address::tag(&tag)), &read.value).await
}

/// The latest release of each distribution that a document lists.
async fn of(
    dashboard: &Dashboard,
    ask: &Ask,
    about: (&str, String),
    listing: &pgxn::Listing,
) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let mut found = Vec::new();
    let names: std::collections::BTreeSet<&Name> = listing.releases.iter().map(|listed| &listed.dist).collect();
    for name in names {
        found.extend(dists::get(&mut conn, name).await?.map(|dist| dist.latest));
    }
    answer(dashboard, &mut conn, ask, about, found).await
}

async fn answer(
    dashboard: &Dashboard,
    conn: &mut Conn,
    ask: &Ask,
    (title, page): (&str, String),
    mut found: Vec<StoredRelease>,
) -> Result<Response, Fault> {
    found.sort_by_key(|stored| std::cmp::Reverse(stored.release.released_at));
    found.truncate(ENTRIES);
    let newest = found.first().map(|stored| stored.release.released_at);
    let mut entries = Vec::new();
    for mut release in rows(dashboard, conn, &found.iter().collect::<Vec<_>>()).await? {
        release.summary = line(&release.summary);
        let on = release.row.on_majors();
        let version = release.row.version.to_string();
        let sentence = sentence(Subject { dist: &release.dist, version: &version, on: &on });
        entries.push(Entry { release, sentence });
    }
    let feed = Feed { head: Head::new(dashboard, line(title), (format!("{page}feed.atom"), page), newest), entries };
    Ok(ask.fresh("application/atom+xml", "public, max-age=300", feed.render()?))
}
