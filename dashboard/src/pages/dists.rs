//! The list of distributions, whole or by a part of a name, those that begin with it first; or what a choice leaves of it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use protocol::Name;
use search::{Choice, Listed};
use serde::Serialize;
use store::dists;
use store::releases::StoredRelease;

use super::filters::{self, Filters};
use super::home::Recent;
use super::rows;
use crate::answer::Ask;
use crate::catalogue::Made;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::{Dashboard, address};

const PER_PAGE: u32 = 50;
const MAX_QUERY_CHARS: usize = 128;
/// Nobody looks further.
const FURTHEST: usize = 10_000;
const ACTION: &str = "/dists/";

/// The list as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// What was searched for; empty for the whole list.
    pub query: String,
    /// How many distributions there are in all.
    pub total: u64,
    /// How many of them are in the list; none until the catalogue is made.
    pub count: Option<usize>,
    /// What is chosen, and what else could be.
    pub filters: Filters,
    /// The majors of the rows.
    pub majors: Vec<u16>,
    /// The distributions, each with its latest release; named as on the home page, which shows the same list.
    pub recent: Vec<Recent>,
    /// The address of the page before this one, where the list is not by name alone.
    pub previous: Option<String>,
    /// The address of the page after this one.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "dists.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
    filters: &'a Filters,
}

/// What is asked of the list.
struct Asked {
    query: String,
    choice: Choice,
    after: Option<Name>,
    offset: usize,
}

impl Asked {
    fn read(dashboard: &Dashboard, ask: &Ask) -> Result<Self, Fault> {
        Ok(Self {
            query: ask.get("q").unwrap_or_default().trim().chars().take(MAX_QUERY_CHARS).collect(),
            choice: filters::read(dashboard, ask)?,
            after: ask.get("after").and_then(|name| name.parse().ok()),
            offset: ask.get("o").and_then(|text| text.parse().ok()).unwrap_or(0).min(FURTHEST),
        })
    }

    /// What an address says beside the choice.
    fn beside(&self) -> Vec<(&'static str, String)> {
        if self.query.is_empty() { Vec::new() } else { vec![("q", self.query.clone())] }
    }
}

/// `/dists/`: an exact name leads straight to its page, and so does a part of a name that only one has, unless something is chosen.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let asked = Asked::read(&dashboard, &ask)?;
    if filters::is_wordy(&ask) {
        let short = filters::href(ACTION, &asked.beside(), &asked.choice, asked.offset);
        return Ok(Redirect::temporary(&short).into_response());
    }
    let is_plain = asked.choice.is_none();
    let leads_on = is_plain && !ask.wants_json() && asked.after.is_none() && !asked.query.is_empty();
    if leads_on && let Some(href) = exact(&dashboard, &asked.query).await? {
        return Ok(Redirect::temporary(&href).into_response());
    }
    let view = if is_plain { by_name(&dashboard, asked).await? } else { chosen(&dashboard, asked).await? };
    if let ([only], true) = (view.recent.as_slice(), leads_on) {
        return Ok(Redirect::temporary(&only.href).into_response());
    }
    ask.answer(&view, || {
        let query = &view.query;
        let title = if query.is_empty() { "Distributions".to_owned() } else { format!("{query}: distributions") };
        let mut frame =
            Frame::new(dashboard.site(), title, "Distributions with the verdicts on their latest releases.");
        let keys: Vec<&str> = ["q", "after", "o"].into_iter().chain(Choice::KEYS).collect();
        frame.json = Some(ask.keeping("/dists/?format=json", &keys));
        frame.query.clone_from(query);
        frame.noindex = !is_plain || !query.is_empty();
        Page { frame, view: &view, filters: &view.filters }
    })
}

/// The page of the distribution of exactly that name, in whatever case.
async fn exact(dashboard: &Dashboard, query: &str) -> Result<Option<String>, Fault> {
    let Ok(name) = query.parse::<Name>() else { return Ok(None) };
    let mut conn = dashboard.store().read().await?;
    Ok(dists::get(&mut conn, &name).await?.map(|dist| address::dist(&dist.name)))
}

/// The list where nothing is chosen: as the store has it now.
async fn by_name(dashboard: &Dashboard, asked: Asked) -> Result<View, Fault> {
    let (query, after) = (&asked.query, asked.after.as_ref());
    let mut conn = dashboard.store().read().await?;
    let mut found = dists::list(&mut conn, query, after, PER_PAGE + 1).await?;
    let more = found.len() > PER_PAGE as usize;
    if after.is_none() && found.len() < PER_PAGE as usize && !query.is_empty() {
        let holding = dists::holding(&mut conn, query, PER_PAGE).await?;
        found.extend(holding.into_iter().filter(|dist| !dist.name.key().starts_with(&query.to_lowercase())));
    }
    found.truncate(PER_PAGE as usize);
    let releases: Vec<&StoredRelease> = found.iter().map(|dist| &dist.latest).collect();
    let made = dashboard.catalogue().made();
    let mut recent = rows::rows(dashboard, &mut conn, &releases).await?;
    for (row, stored) in recent.iter_mut().zip(&releases) {
        row.health = made.as_ref().and_then(|made| made.health(stored.id));
    }
    let total = dists::count(&mut conn).await?;
    drop(conn);
    let last = found.last().filter(|_| more).map(|dist| dist.name.key());
    let next = last.map(|last| format!("/dists/?q={}&after={}", address::segment(query), address::segment(&last)));
    let listed = made.map(|made| list(dashboard, &made, &asked, 0));
    Ok(View { total, recent, next, ..view(dashboard, asked, listed) })
}

/// What a choice leaves, as the catalogue has it.
async fn chosen(dashboard: &Dashboard, asked: Asked) -> Result<View, Fault> {
    let Some(made) = dashboard.catalogue().made() else {
        return Err(Fault::Coming { sentence: "The farm is making its list of distributions. Try again in a minute." });
    };
    let listed = list(dashboard, &made, &asked, PER_PAGE as usize);
    let recent = rows::of_catalogue(dashboard, &made, &listed.dists).await?;
    let (offset, end, per_page) = (asked.offset, asked.offset + listed.dists.len(), PER_PAGE as usize);
    let at = |offset| filters::href(ACTION, &asked.beside(), &asked.choice, offset);
    let previous = (offset > 0).then(|| at(offset.saturating_sub(per_page)));
    let next = (end < listed.count && !listed.dists.is_empty()).then(|| at(end));
    let total = made.dists.len() as u64;
    Ok(View { total, recent, previous, next, ..view(dashboard, asked, Some(listed)) })
}

fn list(dashboard: &Dashboard, made: &Made, asked: &Asked, limit: usize) -> Listed {
    made.index.list(&asked.query, (asked.offset, limit), made.narrow(&asked.choice, dashboard.now()))
}

/// A list without its rows.
fn view(dashboard: &Dashboard, asked: Asked, listed: Option<Listed>) -> View {
    let count = listed.as_ref().map(|listed| listed.count);
    let facets = listed.map(|listed| listed.facets);
    let filters = Filters::new(dashboard, (ACTION, "by name"), asked.beside(), asked.choice, facets);
    View {
        query: asked.query,
        total: 0,
        count,
        filters,
        majors: dashboard.supported(),
        recent: Vec::new(),
        previous: None,
        next: None,
    }
}
