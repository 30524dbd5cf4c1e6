//! The home page: what this is, what turned, what runs now, and the latest verdicts.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::{PgMajor, Support, Target};
use serde::Serialize;
use store::farm::Counts;
use store::releases::StoredRelease;
use store::{Conn, farm, history, matrix, queue, releases, runs, verdicts};

use super::lines::{Running, Turned, Verdict};
use super::registry::{Lag, lag};
use super::rows::rows;
use crate::Dashboard;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::grid::{Grid, Row, Sources};
use crate::text::count;

const RECENT: u32 = 16;
const VERDICTS: u32 = 10;
const RUNS: u32 = 8;
const TURNED: u32 = 12;
const A_DAY: Duration = Duration::from_hours(24);

/// The home page as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// Everything counted.
    pub counts: Counts,
    /// Per supported major, how many distributions pass on it.
    pub shares: Vec<Share>,
    /// How far the farm is behind the registry.
    pub registry: Lag,
    /// The queue in words.
    pub queue: String,
    /// What runs now.
    pub running: Vec<Running>,
    /// What turned red or green in the last 24 hours, in the latest releases.
    pub turned: Vec<Turned>,
    /// The latest verdicts.
    pub verdicts: Vec<Verdict>,
    /// The majors of the rows of recent releases.
    pub majors: Vec<u16>,
    /// The latest releases.
    pub recent: Vec<Recent>,
}

impl View {
    /// How much the farm knows, in words.
    pub(crate) fn size(&self) -> String {
        let counts = &self.counts;
        let releases = count(counts.releases, "release", "releases");
        let dists = count(counts.dists, "distribution", "distributions");
        let text = format!("{releases} of {dists}, {} so far.", count(counts.results, "verdict", "verdicts"));
        text.strip_prefix('n').map_or_else(|| text.clone(), |rest| format!("N{rest}"))
    }

    /// How many releases cannot be read.
    pub(crate) fn broken(&self) -> String {
        count(self.counts.broken, "release", "releases")
    }
}

/// How many distributions pass on a major.
#[derive(Debug, Serialize)]
pub(crate) struct Share {
    /// The major.
    pub major: u16,
    /// Distributions whose latest release passes its tests.
    pub passing: u64,
    /// Distributions whose latest release has a verdict that counts.
    pub judged: u64,
}

/// A release in the list.
#[derive(Debug, Serialize)]
pub(crate) struct Recent {
    /// The distribution, as its author writes it.
    pub dist: String,
    /// The distribution's page.
    pub href: String,
    /// Its one-line description.
    pub summary: String,
    /// Who uploaded it.
    pub user: String,
    /// How well it does, where lists can be sorted by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<search::Health>,
    /// Its verdicts.
    pub row: Row,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let view = load(&dashboard).await?;
    let description =
        "Every release of every PostgreSQL extension on PGXN, built and tested on every supported PostgreSQL.";
    ask.answer(&view, || {
        let mut frame = Frame::new(dashboard.site(), "", description).with_json("/?format=json").with_feed("/recent/");
        frame.searches = true;
        Page { frame, view: &view }
    })
}

async fn load(dashboard: &Dashboard) -> Result<View, Fault> {
    let now = dashboard.now();
    let mut conn = dashboard.store().read().await?;
    let counts = farm::counts(&mut conn, now).await?;
    let running = runs::running(&mut conn, RUNS).await?;
    let turned = history::turned(&mut conn, now.minus(A_DAY), TURNED).await?;
    let verdicts = verdicts::latest(&mut conn, None, VERDICTS).await?;
    let latest = releases::latest(&mut conn, RECENT).await?;
    let recent = rows(dashboard, &mut conn, &latest.iter().collect::<Vec<_>>()).await?;
    let columns = |recent: &[Recent]| -> Vec<u16> {
        recent
            .first()
            .map(|first| first.row.cells.iter().map(|cell| cell.column.major.number()).collect())
            .unwrap_or_default()
    };
    Ok(View {
        queue: queue_words(&mut conn, &counts).await?,
        shares: shares(dashboard, &mut conn).await?,
        registry: lag(dashboard, &mut conn).await?,
        running: running.iter().map(|run| Running::new(run, now)).collect(),
        turned: turned.iter().map(|turn| Turned::new(turn, now)).collect(),
        verdicts: verdicts.iter().map(|line| Verdict::new(line, now)).collect(),
        majors: columns(&recent),
        counts,
        recent,
    })
}

/// A release with the verdicts in its cells on the supported majors, so that the rows of a list stand in line.
pub(super) fn recent(dashboard: &Dashboard, stored: &StoredRelease, cells: &[matrix::Cell]) -> Recent {
    let releases = std::slice::from_ref(stored);
    let sources = Sources { matrix: dashboard.matrix(), releases, cells, waiting: &[], now: dashboard.now() };
    let mut row = Grid::build(sources).rows.remove(0);
    row.cells.retain(|cell| cell.column.support == Support::Supported);
    Recent {
        dist: stored.release.dist.to_string(),
        href: crate::address::dist(&stored.release.dist),
        summary: stored.summary.clone(),
        user: stored.release.user.to_string(),
        health: None,
        row,
    }
}

/// On each major that platform's share on which most distributions have a verdict.
async fn shares(dashboard: &Dashboard, conn: &mut Conn) -> Result<Vec<Share>, Fault> {
    let on = farm::shares(conn).await?;
    let share = |major: PgMajor| {
        let targets = dashboard.matrix().platforms.iter().map(|platform| Target { major, platform: *platform });
        let most = targets.filter_map(|target| on.get(&target)).rev().max_by_key(|share| share.judged)?;
        Some(Share { major: major.number(), passing: most.passing, judged: most.judged })
    };
    Ok(dashboard.matrix().supported(dashboard.now()).into_iter().filter_map(share).collect())
}

/// The queue in words: `12 tests wait; pgtap 1.3.4 on PostgreSQL 18 is next.`
async fn queue_words(conn: &mut Conn, counts: &Counts) -> Result<String, Fault> {
    if counts.queued == 0 {
        return Ok("Nothing waits.".to_owned());
    }
    let first = queue::page(conn, None, 1).await?;
    let noun = count(counts.queued, "test waits", "tests wait");
    let Some(first) = first.first() else { return Ok(format!("{noun}.")) };
    Ok(format!("{noun}; {} {} on PostgreSQL {} is next.", first.dist, first.version, first.target.major))
}
