//! The list of distributions, whole or by a part of a name: those that begin with it come first.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use protocol::Name;
use serde::Serialize;
use store::dists;

use super::home::{Recent, recent_release};
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::{Dashboard, address};

const PER_PAGE: u32 = 50;
const MAX_QUERY_CHARS: usize = 128;

/// The list as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// What was searched for; empty for the whole list.
    pub query: String,
    /// How many distributions there are in all.
    pub total: u64,
    /// The majors of the rows.
    pub majors: Vec<u16>,
    /// The distributions, each with its latest release; named as on the home page, which shows the same list.
    pub recent: Vec<Recent>,
    /// The address of the page after this one.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "dists.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/dists/`: an exact name leads straight to its page, and so does a part of a name that only one has.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let query: String = ask.get("q").unwrap_or_default().trim().chars().take(MAX_QUERY_CHARS).collect();
    let after: Option<Name> = ask.get("after").and_then(|name| name.parse().ok());
    let leads_on = !ask.wants_json() && after.is_none() && !query.is_empty();
    if leads_on && let Some(href) = exact(&dashboard, &query).await? {
        return Ok(Redirect::temporary(&href).into_response());
    }
    let view = load(&dashboard, &query, after.as_ref()).await?;
    if let ([only], true) = (view.recent.as_slice(), leads_on) {
        return Ok(Redirect::temporary(&only.href).into_response());
    }
    ask.answer(&view, || {
        let title = if query.is_empty() { "Distributions".to_owned() } else { format!("{query}: distributions") };
        let mut frame =
            Frame::new(dashboard.site(), title, "Distributions with the verdicts on their latest releases.");
        frame.json = Some(ask.keeping("/dists/?format=json", &["q", "after"]));
        frame.query.clone_from(&query);
        Page { frame, view: &view }
    })
}

/// The page of the distribution of exactly that name, in whatever case.
async fn exact(dashboard: &Dashboard, query: &str) -> Result<Option<String>, Fault> {
    let Ok(name) = query.parse::<Name>() else { return Ok(None) };
    let mut conn = dashboard.store().read().await?;
    Ok(dists::get(&mut conn, &name).await?.map(|dist| address::dist(&dist.name)))
}

async fn load(dashboard: &Dashboard, query: &str, after: Option<&Name>) -> Result<View, Fault> {
    let mut conn = dashboard.store().read().await?;
    let mut found = dists::list(&mut conn, query, after, PER_PAGE + 1).await?;
    let more = found.len() > PER_PAGE as usize;
    if after.is_none() && found.len() < PER_PAGE as usize && !query.is_empty() {
        let holding = dists::holding(&mut conn, query, PER_PAGE).await?;
        found.extend(holding.into_iter().filter(|dist| !dist.name.key().starts_with(&query.to_lowercase())));
    }
    found.truncate(PER_PAGE as usize);
    let mut rows = Vec::new();
    for dist in &found {
        rows.push(recent_release(dashboard, &mut conn, &dist.latest).await?);
    }
    let last = found.last().filter(|_| more).map(|dist| dist.name.key());
    let next = last.map(|last| format!("/dists/?q={}&after={}", address::segment(query), address::segment(&last)));
    Ok(View {
        query: query.to_owned(),
        total: dists::count(&mut conn).await?,
        majors: dashboard.supported(),
        recent: rows,
        next,
    })
}
