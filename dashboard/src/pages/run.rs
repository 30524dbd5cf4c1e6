//! A run's page: why is it red? The verdict and its line first, the command that repeats it, then everything else.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use protocol::{Decisive, FileKind, RunId};
use store::runs::RunDetail;
use store::{Conn, jobs, matrix, releases, runs};

use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::grid::{Grid, Sources};
use crate::mark::Mark;
use crate::{Dashboard, address, log};

mod evidence;
mod headline;
mod parts;
mod repeat;
mod view;

use evidence::Excerpt;
use view::{Rows, View};

/// Lines of context around the decisive one.
const CONTEXT: u64 = 3;

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/run/{id}` and `/run/{id}.json`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(id): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let asked = id.strip_suffix(".json").unwrap_or(&id);
    let run: RunId = parse(asked)?;
    if asked != run.to_string() {
        return Ok(Redirect::permanent(&address::run(run)).into_response());
    }
    let view = load(&dashboard, run).await?;
    ask.answer(&view, || {
        let title = format!("{}: {} {} on PostgreSQL {}", view.headline.words, view.dist, view.version, view.major);
        let frame = Frame::new(dashboard.site(), title, &view.headline.sentence);
        Page { frame: frame.with_json(format!("{}.json", address::run(run))), view: &view }
    })
}

pub(super) fn parse(text: &str) -> Result<RunId, Fault> {
    text.parse().map_err(|error: protocol::InvalidId| {
        let mut sentence = error.to_string();
        sentence.push('.');
        Fault::missing(sentence)
    })
}

/// The run, or the fault that it is not there.
pub(super) async fn detail(conn: &mut Conn, id: RunId) -> Result<RunDetail, Fault> {
    let found = runs::detail(conn, id).await?;
    found.ok_or_else(|| Fault::missing(format!("The farm knows no run {id}.")))
}

async fn load(dashboard: &Dashboard, id: RunId) -> Result<View, Fault> {
    let now = dashboard.now();
    let mut conn = dashboard.store().read().await?;
    let detail = detail(&mut conn, id).await?;
    let rows = Rows {
        runs: runs::of_job(&mut conn, detail.job_id).await?,
        verdicts: matrix::of_job(&mut conn, detail.job_id).await?,
        waiting: jobs::waiting(&mut conn, detail.job_id, now).await?,
        before: before(dashboard, &mut conn, &detail).await?,
        detail,
    };
    drop(conn);
    let result = rows.detail.result.as_ref();
    let decisive = match result.and_then(|result| result.verdict.decisive.as_ref()) {
        Some(decisive) => excerpt(dashboard, id, decisive).await?,
        None => None,
    };
    let diffs = result.and_then(|result| result.files.iter().find(|file| file.kind == FileKind::Diffs));
    let diffs = match diffs {
        Some(file) => {
            let bytes = dashboard.blobs().plain(id, &file.name).await?;
            bytes.map(|bytes| evidence::diffs(id, &file.name, &bytes))
        }
        None => None,
    };
    Ok(View::build(&rows, dashboard.site(), decisive, diffs, now))
}

/// The decisive line with its context; the line alone where the log is gone.
async fn excerpt(dashboard: &Dashboard, id: RunId, decisive: &Decisive) -> Result<Option<Excerpt>, Fault> {
    let bytes = dashboard.blobs().plain(id, &decisive.file).await?.unwrap_or_default();
    let lines = log::context(&bytes, decisive.line, CONTEXT);
    Ok(Some(Excerpt::new(id, decisive, lines)))
}

/// The nearest older release with a verdict that compares on the same target: its version, address and mark.
async fn before(
    dashboard: &Dashboard,
    conn: &mut Conn,
    detail: &RunDetail,
) -> Result<Option<(String, String, Mark)>, Fault> {
    let release = &detail.release.release;
    let all = releases::of_dist(conn, &release.dist).await?;
    let cells = matrix::of_dist(conn, &release.dist).await?;
    let sources =
        Sources { matrix: dashboard.matrix(), releases: &all, cells: &cells, waiting: &[], now: dashboard.now() };
    let grid = Grid::build(sources);
    let older = grid.rows.iter().skip_while(|row| row.version != release.version.as_str()).skip(1);
    let spots =
        older.flat_map(|row| row.cells.iter().flat_map(move |cell| cell.spots.iter().map(move |spot| (row, spot))));
    let comparable = |spot: &crate::grid::Spot| spot.mark.is_good() || (spot.mark == Mark::Fail && spot.is_confirmed());
    let found = spots.into_iter().find(|(_, spot)| spot.target == detail.target && comparable(spot));
    Ok(found.and_then(|(row, spot)| Some((row.version.clone(), spot.href()?, spot.mark))))
}
