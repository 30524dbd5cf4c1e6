//! A release's page: the same question as for its distribution, for one version, with its runs.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use protocol::{Name, Version};
use serde::Serialize;
use store::releases::StoredRelease;
use store::{Conn, dists, jobs, matrix, releases};

use super::dist;
use super::facts::{self, Facts};
use super::frontend::document;
use super::reading::Reading;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::grid::{Grid, Row, Sources};
use crate::text::{Subject, When, sentence};
use crate::{Dashboard, address};

/// A release's page as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution, as its author writes it.
    pub dist: String,
    /// The distribution's page.
    pub dist_href: String,
    /// The version.
    pub version: String,
    /// Its address.
    pub href: String,
    /// Where it works.
    pub sentence: String,
    /// Its one-line description.
    pub summary: String,
    /// Who uploaded it.
    pub user: String,
    /// When.
    pub released_at: When,
    /// The SHA-1 of its archive.
    pub sha1: String,
    /// Facts from its META.json.
    pub facts: Facts,
    /// Its verdicts.
    pub row: Row,
    /// What it says of itself.
    #[serde(flatten)]
    pub reading: Reading,
    /// The version that should be looked at instead, where this is not the latest.
    pub latest: Option<Link>,
}

#[derive(Template)]
#[template(path = "release.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/dist/{dist}/{version}`: the slash belongs to the address. Or it is a document of the latest release at its top.
pub(crate) async fn redirect(
    State(dashboard): State<Dashboard>,
    Path((dist, version)): Path<(String, String)>,
    ask: Ask,
) -> Result<Response, Fault> {
    if let Some(asked) = document::asked(&version, "") {
        return document::show(&dashboard, &dist, asked, &ask).await;
    }
    let (dist, version) = (address::segment(&dist.to_lowercase()), address::segment(&version));
    Ok(ask.moved(&format!("/dist/{dist}/{version}/")).into_response())
}

/// `/dist/{dist}/{version}/{path}.html`, and without a version.
pub(crate) async fn document(
    State(dashboard): State<Dashboard>,
    Path((dist, version, path)): Path<(String, String, String)>,
    ask: Ask,
) -> Result<Response, Fault> {
    let asked = document::asked(&version, &path).ok_or_else(|| Fault::missing("There is no page at this address."))?;
    document::show(&dashboard, &dist, asked, &ask).await
}

/// `/dist/{dist}/{version}/`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path((dist, version)): Path<(String, String)>,
    ask: Ask,
) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let name = dist::name(&mut conn, &dist).await?;
    let Some(stored) = find(&mut conn, &name, &version).await? else {
        return Err(missing(&mut conn, &name, &version).await?);
    };
    let release = &stored.release;
    if dist != name.key() || version != release.version.as_str() {
        return Ok(ask.moved(&address::release(&release.dist, &release.version)).into_response());
    }
    let mut view = load(&dashboard, &mut conn, &stored).await?;
    drop(conn);
    view.reading = Reading::of(&dashboard, &stored).await;
    ask.answer(&view, || {
        let title = format!("{} {}", view.dist, view.version);
        let frame = Frame::new(dashboard.site(), title, &view.sentence).with_json(format!("{}?format=json", view.href));
        Page { frame, view: &view }
    })
}

/// The release of that version, in whatever case.
async fn find(conn: &mut Conn, name: &Name, version: &str) -> Result<Option<StoredRelease>, Fault> {
    let Ok(exact) = version.parse::<Version>() else { return Ok(None) };
    if let Some(stored) = releases::find(conn, name, &exact).await? {
        return Ok(Some(stored));
    }
    let all = releases::of_dist(conn, name).await?;
    Ok(all.into_iter().find(|stored| stored.release.version.as_str().eq_ignore_ascii_case(version)))
}

async fn missing(conn: &mut Conn, name: &Name, version: &str) -> Result<Fault, Fault> {
    let all = releases::of_dist(conn, name).await?;
    let Some(first) = all.first() else { return dist::missing(conn, name.as_str()).await };
    let version: String = version.chars().take(80).collect();
    let link = |stored: &StoredRelease| Link {
        href: address::release(&stored.release.dist, &stored.release.version),
        text: stored.release.to_string(),
    };
    Ok(Fault::Missing {
        sentence: format!("The farm knows {}, but not its version “{version}”.", first.release.dist),
        near: all.iter().take(8).map(link).collect(),
    })
}

async fn load(dashboard: &Dashboard, conn: &mut Conn, stored: &StoredRelease) -> Result<View, Fault> {
    let now = dashboard.now();
    let release = &stored.release;
    // The whole distribution is read, as "since when" needs the releases before.
    let all = releases::of_dist(conn, &release.dist).await?;
    let cells = matrix::of_dist(conn, &release.dist).await?;
    let waiting = jobs::waiting_of_dist(conn, &release.dist, now).await?;
    let sources = Sources { matrix: dashboard.matrix(), releases: &all, cells: &cells, waiting: &waiting, now };
    let row = Grid::build(sources).rows.into_iter().find(|row| row.version == release.version);
    let row = row.ok_or_else(|| Fault::missing("This release has just been replaced."))?;
    let latest = dists::get(conn, &release.dist).await?.filter(|dist| dist.latest.id != stored.id);
    let meta = releases::meta(conn, stored.id).await?.unwrap_or_default();
    let (dist, version) = (release.dist.to_string(), release.version.to_string());
    Ok(View {
        sentence: sentence(Subject { dist: &dist, version: &version, on: &row.on_majors() }),
        dist_href: address::dist(&release.dist),
        href: address::release(&release.dist, &release.version),
        summary: stored.summary.clone(),
        user: release.user.to_string(),
        released_at: When::new(release.released_at, now),
        sha1: release.sha1.clone(),
        facts: facts::read(&meta),
        reading: Reading::default(),
        row,
        latest: latest.map(|dist| Link {
            href: address::release(&release.dist, &dist.latest.release.version),
            text: dist.latest.release.version.to_string(),
        }),
        dist,
        version,
    })
}
