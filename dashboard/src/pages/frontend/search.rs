//! `/search`: what there is, the best first, with verdicts; and `/search/{in}/`, the same as PGXN's API server answers it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use protocol::Name;
use search::{Answer, Ask as Question, Hit, In, Index};
use serde::Serialize;
use store::{Conn, dists};

use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::pages::home::{Recent, recent_release};
use crate::{Dashboard, address};

/// So many hits stand on a page.
const PER_PAGE: usize = 30;
const NEAR: u32 = 12;

/// A page of hits as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// What was asked for.
    pub query: String,
    /// What was searched.
    #[serde(rename = "in")]
    pub within: &'static str,
    /// How many hits there are.
    pub count: usize,
    /// The majors of the rows.
    pub majors: Vec<u16>,
    /// Distributions that were found, the best first; named as on the home page, which shows the same list.
    pub recent: Vec<Recent>,
    /// Other things that were found, the best first.
    pub found: Vec<Found>,
    /// Distributions with a name like it, where nothing was found.
    pub near: Vec<Link>,
    /// The page before this one.
    pub previous: Option<String>,
    /// The page after this one.
    pub next: Option<String>,
}

/// A thing that was found.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    /// Its page.
    #[serde(flatten)]
    pub link: Link,
    /// What it is or belongs to.
    pub about: String,
    /// HTML, escaped by the search: the words around what was found.
    pub excerpt: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

impl Page<'_> {
    /// The same question to something else: address, words, whether it is this one.
    fn tabs(&self) -> impl Iterator<Item = (String, &'static str, bool)> {
        let tab = |within: In| {
            (page_address(&self.view.query, within, 0), words(within), within.as_str() == self.view.within)
        };
        [In::Dists, In::Extensions, In::Docs, In::Users, In::Tags].into_iter().map(tab)
    }
}

const fn words(within: In) -> &'static str {
    match within {
        In::Docs => "Documents",
        In::Dists => "Distributions",
        In::Extensions => "Extensions",
        In::Users => "Users",
        In::Tags => "Tags",
    }
}

fn page_address(query: &str, within: In, offset: usize) -> String {
    let from = if offset == 0 { String::new() } else { format!("&o={offset}") };
    format!("/search?q={}&in={}{from}", address::segment(query), within.as_str())
}

/// `/search`. Without a question it is the list of everything.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let within = ask.get("in").and_then(|text| text.parse().ok()).unwrap_or(In::Dists);
    let Some(mut question) = Question::read(ask.get("q"), ask.get("o"), None) else {
        return Ok(Redirect::to("/dists/").into_response());
    };
    question.limit = PER_PAGE;
    let Some(index) = dashboard.catalogue().index() else {
        // A farm that has just begun knows names before it knows words.
        return Ok(Redirect::temporary(&format!("/dists/?q={}", address::segment(&question.query))).into_response());
    };
    let view = load(&dashboard, find(index, within, question).await?, within).await?;
    ask.answer(&view, || {
        let description = format!("What the registry has on {}, with the verdicts.", view.query);
        let mut frame = Frame::new(dashboard.site(), format!("{}: search", view.query), description);
        frame.json = Some(ask.keeping("/search?format=json", &["q", "in", "o"]));
        frame.query.clone_from(&view.query);
        Page { frame, view: &view }
    })
}

/// `/search/{in}/`, in the shapes and with the refusals of PGXN's API server.
pub(crate) async fn answer(
    State(dashboard): State<Dashboard>,
    Path(within): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let plain = |status: StatusCode, text: &'static str| {
        (status, [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], text).into_response()
    };
    let mut response = match (within.parse(), Question::read(ask.get("q"), ask.get("o"), ask.get("l"))) {
        (Err(_), _) => plain(StatusCode::NOT_FOUND, "not found"),
        (_, None) => {
            plain(StatusCode::BAD_REQUEST, "Bad request: q has to say what is searched for, and o and l are numbers.")
        }
        (Ok(within), Some(question)) => match dashboard.catalogue().index() {
            Some(index) => {
                let found = find(index, within, question).await?;
                ask.fresh("application/json", "public, max-age=60", serde_json::to_string(&found)?)
            }
            None => plain(StatusCode::SERVICE_UNAVAILABLE, "The index is being made; ask again in a minute."),
        },
    };
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, axum::http::HeaderValue::from_static("*"));
    Ok(response)
}

async fn find(index: Index, within: In, question: Question) -> Result<Answer, Fault> {
    let found = tokio::task::spawn_blocking(move || index.search(within, &question)).await;
    match found {
        Ok(answer) => Ok(answer?),
        Err(panicked) => Err(Fault::Panicked { text: panicked.to_string() }),
    }
}

async fn load(dashboard: &Dashboard, answer: Answer, within: In) -> Result<View, Fault> {
    let mut conn = dashboard.store().read().await?;
    let (mut recent, mut found) = (Vec::new(), Vec::new());
    for hit in &answer.hits {
        let row = if within == In::Dists { row(dashboard, &mut conn, hit).await? } else { None };
        match row {
            Some(row) => recent.push(row),
            None => found.extend(thing(hit)),
        }
    }
    let near = if answer.count == 0 { near(&mut conn, &answer.query).await? } else { Vec::new() };
    let at = |offset| page_address(&answer.query, within, offset);
    let end = answer.offset + answer.hits.len();
    Ok(View {
        within: within.as_str(),
        count: answer.count,
        majors: dashboard.supported(),
        recent,
        found,
        near,
        previous: (answer.offset > 0).then(|| at(answer.offset.saturating_sub(PER_PAGE))),
        next: (end < answer.count && !answer.hits.is_empty()).then(|| at(end)),
        query: answer.query,
    })
}

/// A distribution with its verdicts.
async fn row(dashboard: &Dashboard, conn: &mut Conn, hit: &Hit) -> Result<Option<Recent>, Fault> {
    let Some(name) = hit.dist.as_ref().and_then(|name| name.parse::<Name>().ok()) else { return Ok(None) };
    let Some(dist) = dists::get(conn, &name).await? else { return Ok(None) };
    Ok(Some(recent_release(dashboard, conn, &dist.latest).await?))
}

/// Anything else that can be found.
fn thing(hit: &Hit) -> Option<Found> {
    let excerpt = hit.excerpt.clone().unwrap_or_default();
    let summary = hit.summary.clone().unwrap_or_default();
    let version = hit.version.clone().unwrap_or_default();
    let (href, text, about) = if let Some(tag) = &hit.tag {
        (address::tag(tag), tag, String::new())
    } else if let Some(extension) = &hit.extension {
        let of = hit.dist.clone().unwrap_or_default();
        (address::extension(extension), extension, format!("in {of} {version}: {summary}"))
    } else if let Some(dist) = &hit.dist {
        let page = format!("/dist/{}/", address::segment(&dist.to_lowercase()));
        let page = if hit.docpath.is_some() { format!("{page}#readme") } else { page };
        (page, dist, format!("{version}: {summary}"))
    } else {
        let user = hit.user.as_ref()?;
        (address::user(user), user, hit.name.clone().filter(|name| name != user).unwrap_or_default())
    };
    // What a user is called is said already.
    let excerpt = if hit.dist.is_some() { excerpt } else { String::new() };
    Some(Found { link: Link { href, text: text.clone() }, about, excerpt })
}

/// Distributions whose name has the text in it.
async fn near(conn: &mut Conn, query: &str) -> Result<Vec<Link>, Fault> {
    let link = |dist: &dists::Dist| Link { href: address::dist(&dist.name), text: dist.name.to_string() };
    let mut found = dists::list(conn, query, None, NEAR).await?;
    if found.is_empty() {
        found = dists::holding(conn, query, NEAR).await?;
    }
    Ok(found.iter().map(link).collect())
}
