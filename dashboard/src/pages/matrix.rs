//! `/matrix/`: the latest release of every distribution on every PostgreSQL, filtered and sorted by the address alone.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::{Name, PgMajor, Platform, RunnerId};
use serde::Serialize;
use store::overview::{self, Filter};
use store::{Conn, runners};

use crate::Dashboard;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::mark::Mark;
use crate::wide::{Sources, Wide};

mod asked;

pub(crate) use asked::{Asked, CHOICES};

use asked::Order;

/// So many distributions are on a page,
const PER_PAGE: u32 = 60;
/// and so many in a file, which somebody opens in one piece.
const PER_FILE: u32 = 1_000;

/// The matrix as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// What is asked for.
    pub asked: Asked,
    /// The same in words, with how many there are.
    pub sentence: String,
    /// How many distributions there are in all.
    pub total: u64,
    /// Which page this is, from 1.
    pub page: u32,
    /// How many pages there are.
    pub pages: u32,
    /// The matrix.
    #[serde(flatten)]
    pub table: Wide,
    /// The filters that are set: the words of each, and where it is not any more.
    pub without: Vec<Link>,
    /// The same as CSV.
    pub csv: String,
    /// The page after this one.
    pub next: Option<String>,
}

impl View {
    /// The pages to link: the first, the last, and those around this one, with their addresses.
    fn near(&self) -> Vec<(u32, String)> {
        let near = |page: &u32| *page == 1 || *page == self.pages || page.abs_diff(self.page) <= 2;
        (1..=self.pages).filter(near).map(|page| (page, self.asked.on_page(page))).collect()
    }
}

#[derive(Template)]
#[template(path = "matrix.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
    /// The choices of the form: whether each is the one that is asked for.
    majors: Vec<(PgMajor, bool)>,
    platforms: [(Platform, bool); 2],
    marks: [(Mark, bool); 10],
    orders: [(Order, bool); 4],
}

impl<'a> Page<'a> {
    fn new(dashboard: &Dashboard, frame: Frame<'a>, view: &'a View) -> Self {
        let Asked { pg, platform, is, sort, .. } = view.asked;
        let majors = dashboard.matrix().postgresql.iter().map(|entry| (entry.major, pg == Some(entry.major)));
        Self {
            frame,
            view,
            majors: majors.collect(),
            platforms: Platform::ALL.map(|one| (one, platform == Some(one))),
            marks: CHOICES.map(|one| (one, is == Some(one))),
            orders: Order::ALL.map(|one| (one, sort == one)),
        }
    }
}

/// `/matrix/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let asked = Asked::read(&ask);
    let among = match &asked.tag {
        tag if tag.is_empty() => None,
        tag => Some(known(&dashboard)?.tagged(tag).to_vec()),
    };
    let view = {
        let mut conn = dashboard.store().read().await?;
        let runner = runner(&mut conn, &asked.runner).await?;
        load(&dashboard, &mut conn, (asked, runner, among.as_deref()), ask.wants_csv()).await?
    };
    if ask.wants_csv() {
        return Ok(ask.table("matrix", view.table.csv(dashboard.matrix())));
    }
    ask.answer(&view, || {
        let frame = Frame::new(dashboard.site(), "Matrix", &view.sentence).with_json(view.asked.as_format("json"));
        Page::new(&dashboard, frame, &view)
    })
}

/// What METAs say of each other.
pub(super) fn known(dashboard: &Dashboard) -> Result<std::sync::Arc<crate::known::Known>, Fault> {
    let sentence = "The farm has just started and is reading what it knows; this page will be here in a moment.";
    dashboard.catalogue().made().map(|made| made.known.clone()).ok_or(Fault::Coming { sentence })
}

/// The runner of that name; none where none is asked for.
async fn runner(conn: &mut Conn, asked: &str) -> Result<Option<RunnerId>, Fault> {
    if asked.is_empty() {
        return Ok(None);
    }
    let found = runners::by_name(conn, asked).await?;
    let link = || Link { href: "/status/".to_owned(), text: "the farm's runners".to_owned() };
    let sentence = || format!("The farm has no runner called “{asked}”.");
    found.map(|runner| Some(runner.id)).ok_or_else(|| Fault::Missing { sentence: sentence(), near: vec![link()] })
}

async fn load(
    dashboard: &Dashboard,
    conn: &mut Conn,
    (asked, runner, among): (Asked, Option<RunnerId>, Option<&[String]>),
    is_file: bool,
) -> Result<View, Fault> {
    let per_page = if is_file { PER_FILE } else { PER_PAGE };
    let filter = Filter { among, runner, ..asked.filter() };
    let page = asked.page;
    let found = overview::page(conn, filter, asked.sort.into(), (page - 1) * per_page, per_page).await?;
    if found.dists.is_empty() && page > 1 {
        let near = vec![Link { href: asked.on_page(1), text: "the first page".to_owned() }];
        return Err(Fault::Missing { sentence: format!("The matrix has no page {page}."), near });
    }
    let ids: Vec<_> = found.dists.iter().map(|dist| dist.latest.id).collect();
    let cells = overview::cells(conn, &ids).await?;
    let sources =
        Sources { matrix: dashboard.matrix(), dists: &found.dists, cells: &cells, runner, now: dashboard.now() };
    let pages = u32::try_from(found.total.div_ceil(u64::from(per_page))).unwrap_or(u32::MAX).max(1);
    Ok(View {
        sentence: asked.sentence(found.total),
        total: found.total,
        page,
        pages,
        table: Wide::build(sources),
        without: asked.without(),
        csv: asked.as_format("csv"),
        next: (page < pages).then(|| asked.on_page(page + 1)),
        asked,
    })
}

/// The key under which a name is looked for; what is no name is nobody's key.
fn key(text: &str) -> String {
    text.parse::<Name>().map_or_else(|_| text.to_lowercase(), |name| name.key())
}
