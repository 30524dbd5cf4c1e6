//! `/recent/`: the newest releases, as many as the registry's own feed has.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use store::releases;

use super::shelf::Shelf;
use crate::Dashboard;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::pages::rows::rows;

/// As `stats/dist.json`.
const MOST: u32 = 56;

#[derive(Template)]
#[template(path = "recent.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a Shelf,
}

/// `/recent/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let latest = releases::latest(&mut conn, MOST).await?;
    let recent = rows(&dashboard, &mut conn, &latest.iter().collect::<Vec<_>>()).await?;
    let majors = dashboard.supported();
    let view = Shelf { majors, total: recent.len(), recent, part: 1, parts: 1, ..Shelf::default() };
    ask.answer(&view, || {
        let frame = Frame::new(dashboard.site(), "Recent releases", "The newest releases, with the verdicts on each.");
        Page { frame: frame.with_json("/recent/?format=json").with_feed("/recent/"), view: &view }
    })
}
