//! A distribution's page: can I use it, on mine? The sentence, the matrix, the facts, the badge.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use protocol::Name;
use serde::Serialize;
use store::broken::BrokenRelease;
use store::releases::StoredRelease;
use store::{Conn, broken, dists, history, jobs, matrix, pre_releases, releases};
use url::Url;

use super::facts::{self, Facts};
use super::lines::Turned;
use super::reading::Reading;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::grid::{Grid, Row, Sources};
use crate::text::{Subject, When, count, sentence};
use crate::{Dashboard, address};

/// A page shows at most this many releases: with fourteen targets each, it stays below 100 kB.
const ROWS_PER_PAGE: usize = 12;
const NEAR: u32 = 8;
const TURNED: u32 = 8;
/// So many broken releases stand above the matrix, and so much of why.
const MOST_BROKEN: usize = 3;
const MOST_REASON_CHARS: usize = 240;

/// A distribution's page as data; also its `matrix.json`.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution, as its author writes it.
    pub dist: String,
    /// Its address.
    pub href: String,
    /// The release that the sentence is about: the highest stable one.
    pub version: String,
    /// Where it works.
    pub sentence: String,
    /// Its one-line description.
    pub summary: String,
    /// Who uploaded the latest release.
    pub user: String,
    /// When.
    pub released_at: When,
    /// The SHA-1 of its archive.
    pub sha1: String,
    /// Facts from its META.json.
    pub facts: Facts,
    /// What the latest release says of itself.
    #[serde(flatten)]
    pub reading: Reading,
    /// The matrix, or the part of it that this page shows.
    pub grid: Grid,
    /// Which part of the matrix this is, from 1.
    pub part: usize,
    /// How many parts there are.
    pub parts: usize,
    /// What turned red or green and still stands, the latest first.
    pub turned: Vec<Turned>,
    /// Releases that cannot be tested, as they cannot be read, the latest found first; a few of them.
    pub broken: Vec<Broken>,
    /// How many more there are.
    pub more_broken: usize,
    /// How many pre-releases its maintainer's CI sent in, which are on a page of their own.
    #[serde(skip)]
    pub pre_releases: u64,
    /// The badge's address on this site.
    #[serde(skip)]
    pub badge_path: String,
    /// The badge's address, for other sites.
    pub badge: String,
    /// The page's address, for other sites.
    pub public_href: String,
}

/// A release that cannot be read.
#[derive(Debug, Serialize)]
pub(crate) struct Broken {
    /// The distribution.
    pub dist: String,
    /// The version.
    pub version: String,
    /// What is wrong.
    pub reason: String,
    /// Since when.
    pub since: When,
    /// When it is tried again.
    pub next_try_at: When,
}

impl Broken {
    /// A broken release as it looks at `now`.
    pub(crate) fn new(broken: &BrokenRelease, now: protocol::Timestamp) -> Self {
        Self {
            dist: broken.dist.clone(),
            version: broken.version.clone(),
            reason: broken.reason.clone(),
            since: When::new(broken.first_seen_at, now),
            next_try_at: When::new(broken.next_try_at, now),
        }
    }

    /// The same with no more of the reason than fits above a matrix.
    fn shortened(mut self) -> Self {
        if let Some((end, _)) = self.reason.char_indices().nth(MOST_REASON_CHARS) {
            self.reason.truncate(end);
            self.reason.push('…');
        }
        self
    }
}

impl View {
    /// The row of the release that the sentence is about, where this part of the matrix has it.
    pub(crate) fn newest(&self) -> Option<&Row> {
        self.grid.row(&self.version)
    }

    /// The rows of the other releases.
    pub(crate) fn others(&self) -> Vec<&Row> {
        self.grid.rows.iter().filter(|row| row.version.as_str() != self.version).collect()
    }

    /// How many those are, in words.
    pub(crate) fn others_words(&self) -> String {
        count(self.others().len() as u64, "other release", "other releases")
    }

    /// How many more releases cannot be tested, in words.
    pub(crate) fn more_broken_words(&self) -> String {
        count(self.more_broken as u64, "more release", "more releases")
    }

    /// How many pre-releases there are, in words.
    pub(crate) fn pre_releases_words(&self) -> String {
        count(self.pre_releases, "pre-release report", "pre-release reports")
    }

    /// The page with every badge, and other languages to paste.
    pub(crate) fn badges_href(&self) -> String {
        self.badge_path.replace(".svg", "/")
    }

    /// The badge as Markdown to copy.
    pub(crate) fn markdown(&self) -> String {
        format!("[![PostgreSQL]({})]({})", self.badge, self.public_href)
    }
}

#[derive(Template)]
#[template(path = "dist.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/dist/{dist}`: the slash belongs to the address.
pub(crate) async fn redirect(Path(dist): Path<String>, ask: Ask) -> Redirect {
    ask.moved(&format!("/dist/{}/", address::segment(&dist.to_lowercase())))
}

/// `/dist/{dist}/` and `/dist/{dist}/matrix.json`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(dist): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let name = name(&mut conn, &dist).await?;
    if dist != name.key() && !ask.wants_json() && !ask.wants_csv() {
        return Ok(ask.moved(&address::dist(&name)).into_response());
    }
    let part = ask.get("part").and_then(|part| part.parse().ok()).unwrap_or(1);
    // A file is one piece.
    let rows = if ask.wants_csv() { usize::MAX } else { ROWS_PER_PAGE };
    let (mut view, latest) = load(&dashboard, &mut conn, &name, (part, rows)).await?;
    drop(conn);
    view.reading = Reading::of(&dashboard, &latest).await;
    if ask.wants_csv() {
        let targets = dashboard.matrix().platforms.as_slice();
        return Ok(ask.table(&format!("{}-matrix", name.key()), view.grid.csv(&view.dist, targets)));
    }
    ask.answer(&view, || {
        let json = ask.keeping(&format!("{}matrix.json", view.href), &["part"]);
        let frame = Frame::new(dashboard.site(), &view.dist, &view.sentence)
            .with_json(json)
            .with_feed(&view.href)
            .with_verdicts(&view.href);
        Page { frame, view: &view }
    })
}

/// The name that a path asks for, or a fault that tells what is near.
pub(super) async fn name(conn: &mut Conn, asked: &str) -> Result<Name, Fault> {
    match asked.parse() {
        Ok(name) => Ok(name),
        Err(_) => Err(missing(conn, asked).await?),
    }
}

/// The fault for a distribution that is not there.
pub(super) async fn missing(conn: &mut Conn, asked: &str) -> Result<Fault, Fault> {
    let asked: String = asked.chars().take(80).collect();
    let mut near = Vec::new();
    let mut prefix: String = asked.to_lowercase();
    while near.is_empty() && prefix.chars().count() > 1 {
        prefix.pop();
        near = dists::list(conn, &prefix, None, NEAR).await?;
    }
    let link = |dist: &dists::Dist| Link { href: address::dist(&dist.name), text: dist.name.to_string() };
    Ok(Fault::Missing {
        sentence: format!(
            "The farm knows no distribution “{asked}”. It may be new, or have another name in the registry."
        ),
        near: near.iter().map(link).collect(),
    })
}

async fn load(
    dashboard: &Dashboard,
    conn: &mut Conn,
    name: &Name,
    (part, rows): (usize, usize),
) -> Result<(View, StoredRelease), Fault> {
    let now = dashboard.now();
    let unreadable = broken::of_dist(conn, name).await?;
    let Some(dist) = dists::get(conn, name).await? else {
        return Err(unknown(conn, name, &unreadable).await?);
    };
    let all = releases::of_dist(conn, name).await?;
    let cells = matrix::of_dist(conn, name).await?;
    let waiting = jobs::waiting_of_dist(conn, name, now).await?;
    let sources = Sources { matrix: dashboard.matrix(), releases: &all, cells: &cells, waiting: &waiting, now };
    let mut grid = Grid::build(sources);
    let latest = &dist.latest.release;
    let on = grid.row(latest.version.as_str()).map(Row::on_majors).unwrap_or_default();
    let turned = history::turned_of_dist(conn, name, TURNED).await?;
    let meta = releases::meta(conn, dist.latest.id).await?.unwrap_or_default();
    let parts = grid.rows.len().div_ceil(rows).max(1);
    let part = part.clamp(1, parts);
    grid.rows = grid.rows.into_iter().skip((part - 1).saturating_mul(rows)).take(rows).collect();
    let site = dashboard.site();
    let href = address::dist(name);
    let badge_path = format!("/badge/{}.svg", address::segment(&name.key()));
    let view = View {
        dist: dist.name.to_string(),
        version: latest.version.to_string(),
        sentence: sentence(Subject { dist: dist.name.as_str(), version: latest.version.as_str(), on: &on }),
        summary: dist.latest.summary.clone(),
        user: latest.user.to_string(),
        released_at: When::new(latest.released_at, now),
        sha1: latest.sha1.clone(),
        facts: facts::read(&meta),
        reading: Reading::default(),
        grid,
        part,
        parts,
        turned: turned.iter().map(|turn| Turned::new(turn, now)).collect(),
        broken: unreadable.iter().take(MOST_BROKEN).map(|it| Broken::new(it, now).shortened()).collect(),
        pre_releases: pre_releases::count(conn, name, now).await?,
        more_broken: unreadable.len().saturating_sub(MOST_BROKEN),
        badge: public(&site.public_url, &badge_path),
        badge_path,
        public_href: public(&site.public_url, &href),
        href,
    };
    Ok((view, dist.latest))
}

/// The fault for a distribution without a release that can be read: it may be known as broken.
async fn unknown(conn: &mut Conn, name: &Name, broken: &[BrokenRelease]) -> Result<Fault, Fault> {
    match broken.first() {
        Some(first) => Ok(Fault::missing(format!(
            "The registry announces {} {}, but the farm cannot read it: {} It will be tried again.",
            first.dist, first.version, first.reason
        ))),
        None => missing(conn, name.as_str()).await,
    }
}

/// An address for other sites.
pub(super) fn public(base: &Url, path: &str) -> String {
    format!("{}{path}", base.as_str().trim_end_matches('/'))
}
