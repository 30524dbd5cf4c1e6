//! `/search`: what there is, the best first, with verdicts, narrowed down by them; and `/search/{in}/`, the same as PGXN's API server answers it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use search::{Ask as Question, Choice, Facets, Found as Answered, Hit, In};
use serde::Serialize;
use store::{Conn, dists};

use crate::answer::Ask;
use crate::catalogue::Made;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::pages::filters::{self, Filters};
use crate::pages::home::Recent;
use crate::pages::rows;
use crate::{Dashboard, address};

/// So many hits stand on a page.
const PER_PAGE: usize = 30;
const NEAR: usize = 12;
/// So many names that are spelt almost like it are offered.
const ALIKE: usize = 5;
const ACTION: &str = "/search";

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
    /// What is chosen, and what else could be; none for users and tags, of which nothing can be chosen.
    pub filters: Option<Filters>,
    /// Whether something was chosen of what nothing can be chosen of.
    pub ignored: bool,
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

impl View {
    /// Whether the words found something, and what is chosen took all of it away.
    fn is_narrowed_away(&self) -> bool {
        let facets = self.filters.as_ref().and_then(|filters| filters.facets.as_ref());
        self.count == 0 && facets.is_some_and(|facets| facets.total > 0)
    }
}

impl Page<'_> {
    /// The same question to something else, by the same choice where there can be one: address, words, whether it is this one.
    fn tabs(&self) -> impl Iterator<Item = (String, &'static str, bool)> {
        let chosen = self.view.filters.as_ref().map(|filters| filters.chosen.clone()).unwrap_or_default();
        let tab = move |within: In| {
            let choice = if can_be_chosen(within) { &chosen } else { &Choice::default() };
            let href = filters::href(ACTION, &beside(&self.view.query, within), choice, 0);
            (href, words(within), within.as_str() == self.view.within)
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

/// Whether verdicts and META say anything about it.
const fn can_be_chosen(within: In) -> bool {
    matches!(within, In::Dists | In::Extensions | In::Docs)
}

/// What an address says beside the choice.
fn beside(query: &str, within: In) -> Vec<(&'static str, String)> {
    vec![("q", query.to_owned()), ("in", within.as_str().to_owned())]
}

/// `/search`. Without a question it is the list of everything, by the same choice.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let within = ask.get("in").and_then(|text| text.parse().ok()).unwrap_or(In::Dists);
    let choice = filters::read(&dashboard, &ask)?;
    let Some(mut question) = Question::read(ask.get("q"), ask.get("o"), None) else {
        return Ok(Redirect::to(&filters::href("/dists/", &[], &choice, 0)).into_response());
    };
    question.limit = PER_PAGE;
    if filters::is_wordy(&ask) {
        let short = filters::href(ACTION, &beside(&question.query, within), &choice, question.offset);
        return Ok(Redirect::temporary(&short).into_response());
    }
    let Some(made) = dashboard.catalogue().made() else {
        // A farm that has just begun knows names before it knows words.
        return Ok(Redirect::temporary(&format!("/dists/?q={}", address::segment(&question.query))).into_response());
    };
    let answered = find(&dashboard, &made, (within, question), choice.clone()).await?;
    let view = load(&dashboard, &made, answered, (within, choice)).await?;
    ask.answer(&view, || {
        let description = format!("What the registry has on {}, with the verdicts.", view.query);
        let mut frame = Frame::new(dashboard.site(), format!("{}: search", view.query), description);
        let keys: Vec<&str> = ["q", "in", "o"].into_iter().chain(Choice::KEYS).collect();
        frame.json = Some(ask.keeping("/search?format=json", &keys));
        frame.query.clone_from(&view.query);
        frame.noindex = true;
        Page { frame, view: &view }
    })
}

/// `/search/{in}/`, in the shapes and with the refusals of PGXN's API server; what is left of it can be chosen as on the page.
pub(crate) async fn answer(
    State(dashboard): State<Dashboard>,
    Path(within): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let plain = |status: StatusCode, text: &str| {
        let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
        (status, headers, text.to_owned()).into_response()
    };
    let choice = Choice::read(|key| ask.get(key), dashboard.now());
    let question = Question::read(ask.get("q"), ask.get("o"), ask.get("l"));
    let mut response = match (within.parse(), question, choice) {
        (Err(_), ..) => plain(StatusCode::NOT_FOUND, "not found"),
        (_, None, _) => {
            plain(StatusCode::BAD_REQUEST, "Bad request: q has to say what is searched for, and o and l are numbers.")
        }
        (.., Err(refusal)) => plain(StatusCode::BAD_REQUEST, &format!("Bad request: {refusal}")),
        (Ok(within), Some(question), Ok(choice)) => match dashboard.catalogue().made() {
            Some(made) => {
                let found = find(&dashboard, &made, (within, question), choice).await?;
                ask.fresh("application/json", "public, max-age=60", serde_json::to_string(&found.answer)?)
            }
            None => plain(StatusCode::SERVICE_UNAVAILABLE, "The index is being made; ask again in a minute."),
        },
    };
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, axum::http::HeaderValue::from_static("*"));
    Ok(response)
}

async fn find(
    dashboard: &Dashboard,
    made: &Arc<Made>,
    (within, question): (In, Question),
    choice: Choice,
) -> Result<Answered, Fault> {
    let (made, now) = (made.clone(), dashboard.now());
    let search = move || made.index.search(within, &question, made.narrow(&choice, now));
    match tokio::task::spawn_blocking(search).await {
        Ok(answered) => Ok(answered?),
        Err(panicked) => Err(Fault::Panicked { text: panicked.to_string() }),
    }
}

async fn load(
    dashboard: &Dashboard,
    made: &Made,
    answered: Answered,
    (within, choice): (In, Choice),
) -> Result<View, Fault> {
    let Answered { answer, facets, dists } = answered;
    let (recent, found) = match within {
        In::Dists => (rows::of_catalogue(dashboard, made, &dists).await?, Vec::new()),
        _ => (Vec::new(), answer.hits.iter().filter_map(thing).collect()),
    };
    let near =
        if answer.count == 0 && facets.total == 0 { near(dashboard, made, &answer.query).await? } else { Vec::new() };
    let beside = beside(&answer.query, within);
    let ignored = !can_be_chosen(within) && !choice.is_none();
    let choice = if ignored { Choice::default() } else { choice };
    let at = |offset| filters::href(ACTION, &beside, &choice, offset);
    let end = answer.offset + answer.hits.len();
    let previous = (answer.offset > 0).then(|| at(answer.offset.saturating_sub(PER_PAGE)));
    let next = (end < answer.count && !answer.hits.is_empty()).then(|| at(end));
    let filters = |facets: Facets| Filters::new(dashboard, (ACTION, "best match first"), beside, choice, Some(facets));
    Ok(View {
        within: within.as_str(),
        count: answer.count,
        filters: can_be_chosen(within).then(|| filters(facets)),
        ignored,
        majors: dashboard.supported(),
        recent,
        found,
        near,
        previous,
        next,
        query: answer.query,
    })
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

/// Distributions whose name has the text in it, and those whose name is spelt almost like one of its words.
async fn near(dashboard: &Dashboard, made: &Made, query: &str) -> Result<Vec<Link>, Fault> {
    let link = |dist: &dists::Dist| Link { href: address::dist(&dist.name), text: dist.name.to_string() };
    let mut conn: Conn = dashboard.store().read().await?;
    let most = u32::try_from(NEAR).unwrap_or(u32::MAX);
    let mut found = dists::list(&mut conn, query, None, most).await?;
    if found.is_empty() {
        found = dists::holding(&mut conn, query, most).await?;
    }
    let mut links: Vec<Link> = found.iter().map(link).collect();
    let alike = made.index.near(query, ALIKE);
    for one in alike.iter().filter_map(|at| made.dists.get(*at)).map(link) {
        if links.len() < NEAR && !links.contains(&one) {
            links.push(one);
        }
    }
    Ok(links)
}
