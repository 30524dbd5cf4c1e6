//! `/badge/{dist}.svg`: what a maintainer pastes into a README. An unknown distribution gets a badge as well, so that no page breaks.

use axum::extract::{Path, State};
use axum::response::Response;
use protocol::Name;
use store::{dists, matrix};

use crate::Dashboard;
use crate::answer::Ask;
use crate::badge;
use crate::fault::Fault;
use crate::grid::{Grid, Row, Sources};
use crate::mark::Mark;
use crate::text;

const CACHE: &str = "public, max-age=300";

/// `/badge/{dist}.svg`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(file): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let Some(asked) = file.strip_suffix(".svg") else {
        return Err(Fault::missing("A badge's address ends in `.svg`, such as `/badge/pgtap.svg`."));
    };
    let (message, mark) = match asked.parse::<Name>() {
        Ok(name) => words(&dashboard, &name).await?,
        Err(_) => unknown(),
    };
    Ok(ask.fresh("image/svg+xml", CACHE, badge::draw("PostgreSQL", &message, mark)?))
}

fn unknown() -> (String, Mark) {
    ("unknown".to_owned(), Mark::Na)
}

async fn words(dashboard: &Dashboard, name: &Name) -> Result<(String, Mark), Fault> {
    let mut conn = dashboard.store().read().await?;
    let Some(dist) = dists::get(&mut conn, name).await? else { return Ok(unknown()) };
    let cells = matrix::of_release(&mut conn, dist.latest.id).await?;
    let releases = [dist.latest];
    let sources =
        Sources { matrix: dashboard.matrix(), releases: &releases, cells: &cells, waiting: &[], now: dashboard.now() };
    let on = Grid::build(sources).rows.first().map(Row::on_majors).unwrap_or_default();
    Ok(text::badge(&on))
}
