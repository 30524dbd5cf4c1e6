//! `/user/{user}/`: what a maintainer has to do, and how everything that they released is doing.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use pgxn::User;
use protocol::{JobState, Name, ReleaseId};
use proxy::Read;
use serde::Serialize;
use store::dists::Dist;
use store::matrix::Cell;
use store::{Conn, dists, jobs, matrix, overview};

use super::{line, web};
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::pages::dist::public;
use crate::text::count;
use crate::wide::{self, Wide};
use crate::{Dashboard, address};

mod tasks;

use tasks::Group;

/// So many distributions are on a page.
const PER_PAGE: usize = 100;
/// More distributions of one user are not looked at.
const MOST: usize = 500;
/// Of so many distributions it is said how long they wait.
const MOST_WAITING: usize = 10;

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
    /// How many distributions there are in all.
    pub total: usize,
    /// Why this may be out of date.
    pub stale: Option<String>,
    /// What there is to do, the most urgent first.
    pub tasks: Vec<Group>,
    /// The latest release of each of their distributions on every major, the latest upload first.
    #[serde(flatten)]
    pub table: Wide,
    /// Badges to paste, in the same order.
    pub badges: Vec<Badge>,
    /// Names that the registry lists, and the farm has not read yet.
    pub unread: Vec<String>,
    /// Which part of the list this is, from 1.
    pub part: usize,
    /// How many parts there are.
    pub parts: usize,
}

/// A distribution's badge.
#[derive(Debug, Serialize)]
pub(crate) struct Badge {
    /// The distribution.
    pub dist: String,
    /// Where every kind of its badge is.
    pub href: String,
    /// The badge's address on this site.
    #[serde(skip)]
    pub path: String,
    /// The badge as Markdown to copy.
    pub markdown: String,
}

impl View {
    /// What they have released and how it is doing, in words.
    pub(crate) fn words(&self) -> String {
        let dists = count(self.total as u64, "distribution", "distributions");
        let uploaded = format!("{} of {dists}", count(self.releases, "release", "releases"));
        let counted = self.tasks.iter().map(|group| format!("{} {}", group.total, group.urgency.counted()));
        let counted: Vec<String> = counted.collect();
        if counted.is_empty() {
            format!("{uploaded}; nothing to do")
        } else {
            format!("{uploaded}; {}", counted.join(", "))
        }
    }
}

#[derive(Template)]
#[template(path = "user.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
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
    let view = load(&dashboard, read, ask.get("part").and_then(|part| part.parse().ok())).await?;
    ask.answer(&view, || {
        let href = address::user(view.user.as_str());
        let description = format!("{}: {}.", view.user, view.words());
        let json = ask.keeping(&format!("{href}?format=json"), &["part"]);
        let frame = Frame::new(dashboard.site(), format!("{}, user", view.user), description).with_json(json);
        let frame = frame.with_feed(&href).with_verdicts(&href);
        Page { frame, view: &view, href }
    })
}

/// The user of that nickname.
pub(crate) async fn find(dashboard: &Dashboard, user: &str) -> Result<Read<User>, Fault> {
    let missing = || Fault::missing(format!("The registry knows no user “{}”.", line(user)));
    let name: Name = user.parse().map_err(|_| missing())?;
    dashboard.documents().user(&name).await?.ok_or_else(missing)
}

async fn load(dashboard: &Dashboard, read: Read<User>, part: Option<usize>) -> Result<View, Fault> {
    let listed = &read.value.listing.releases;
    let names: BTreeSet<&Name> = listed.iter().map(|listed| &listed.dist).collect();
    let mut conn = dashboard.store().read().await?;
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for name in names.iter().take(MOST) {
        match dists::get(&mut conn, name).await? {
            Some(dist) => found.push(dist),
            None => unread.push(name.to_string()),
        }
    }
    found.sort_by_key(|dist| std::cmp::Reverse(dist.latest.release.released_at));
    let tasks = tasks(dashboard, &mut conn, &found).await?;
    let parts = found.len().div_ceil(PER_PAGE).max(1);
    let part = part.unwrap_or(1).clamp(1, parts);
    let shown: Vec<Dist> = found.into_iter().skip((part - 1) * PER_PAGE).take(PER_PAGE).collect();
    unread.truncate(PER_PAGE);
    Ok(View {
        user: read.value.nickname.to_string(),
        name: line(read.value.name.as_deref().unwrap_or_default()),
        uri: read.value.uri.as_deref().and_then(web),
        releases: listed.len() as u64,
        total: names.len(),
        stale: read.stale,
        tasks,
        table: table(dashboard, &mut conn, &shown).await?,
        badges: shown.iter().map(|dist| badge(dashboard, dist)).collect(),
        unread,
        part,
        parts,
    })
}

async fn tasks(dashboard: &Dashboard, conn: &mut Conn, found: &[Dist]) -> Result<Vec<Group>, Fault> {
    let now = dashboard.now();
    let ids: Vec<ReleaseId> = found.iter().map(|dist| dist.latest.id).collect();
    let cells = matrix::of_releases(conn, &ids).await?;
    let waits = |dist: &&Dist| {
        let is_queued = |cell: &Cell| cell.release_id == dist.latest.id && cell.state == JobState::Queued;
        cells.iter().any(is_queued)
    };
    let mut waiting = BTreeMap::new();
    for dist in found.iter().filter(waits).take(MOST_WAITING) {
        let places = jobs::waiting_of_dist(conn, &dist.name, now).await?;
        waiting.extend(places.into_iter().map(|place| (place.job_id, place)));
    }
    let sources = tasks::Sources { matrix: dashboard.matrix(), dists: found, cells: &cells, waiting: &waiting, now };
    Ok(tasks::groups(sources))
}

async fn table(dashboard: &Dashboard, conn: &mut Conn, shown: &[Dist]) -> Result<Wide, Fault> {
    let ids: Vec<ReleaseId> = shown.iter().map(|dist| dist.latest.id).collect();
    let cells = overview::cells(conn, &ids).await?;
    let (matrix, now) = (dashboard.matrix(), dashboard.now());
    Ok(Wide::build(wide::Sources { matrix, dists: shown, cells: &cells, runner: None, now }))
}

fn badge(dashboard: &Dashboard, dist: &Dist) -> Badge {
    let base = &dashboard.site().public_url;
    let path = format!("/badge/{}.svg", address::segment(&dist.name.key()));
    let (image, page) = (public(base, &path), public(base, &address::dist(&dist.name)));
    Badge {
        dist: dist.name.to_string(),
        href: address::badges(&dist.name),
        markdown: format!("[![PostgreSQL]({image})]({page})"),
        path,
    }
}
