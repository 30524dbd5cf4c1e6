//! `/design/`: every component of the pages, in both themes beside each other, so that a change of one is seen in all its uses.
//!
//! What stands here is made by the same macros, marks and functions as the pages; only the data is made up.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::Flag;
use serde::Serialize;

use crate::Dashboard;
use crate::answer::Ask;
use crate::badge::Badge;
use crate::chart::{Drawn, draw};
use crate::fault::Fault;
use crate::frame::Frame;
use crate::grid::Row;
use crate::log::{Line, beginning};
use crate::mark::Mark;

mod made_up;

/// The themes: the class that forces one, and what it is called.
const THEMES: [(&str, &str); 2] = [("theme-light", "Light"), ("theme-dark", "Dark")];

/// The shapes as data: what else is here is pictures.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// Every shape.
    pub marks: Vec<Shown>,
}

/// A shape.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// Its class.
    pub class: &'static str,
    /// Its word.
    pub word: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

#[derive(Template)]
#[template(path = "design.html")]
struct Page<'a> {
    frame: Frame<'a>,
    row: Row,
    flags: Vec<Flag>,
    badges: Vec<String>,
    charts: Vec<Drawn<'a>>,
    log: Vec<Line>,
}

/// `/design/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let shown = |mark: Mark| Shown { class: mark.class(), word: mark.word(), meaning: mark.meaning() };
    let view = View { marks: Mark::SHAPES.into_iter().map(shown).collect() };
    let now = dashboard.now();
    let charts = [made_up::bars(now), made_up::curves(now)];
    let charts = charts.iter().map(draw).collect::<Result<Vec<_>, _>>()?;
    let badges = made_up::badges().iter().map(Badge::draw).collect::<Result<Vec<_>, _>>()?;
    ask.answer(&view, || {
        let description = "Every component of these pages in its light and its dark form.";
        let frame = Frame::new(dashboard.site(), "Design", description).with_json("/design/?format=json");
        let (row, log) = (made_up::row(now), beginning(made_up::LOG, 20).1);
        Page { frame, row, flags: Flag::ALL.to_vec(), badges, charts, log }
    })
}
