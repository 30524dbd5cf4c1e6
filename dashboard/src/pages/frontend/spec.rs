//! `/spec/`: the specification of META.json, as the registry has it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::Dashboard;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;

/// The specification as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// Its text, in `MultiMarkdown`.
    pub text: String,
    /// Why this may be out of date.
    pub stale: Option<String>,
}

#[derive(Template)]
#[template(path = "spec.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/spec/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let read = dashboard.documents().spec().await?;
    let read = read.ok_or_else(|| Fault::missing("The registry has no text of the specification."))?;
    let view = View { text: read.value, stale: read.stale };
    ask.answer(&view, || {
        let description = "What a META.json holds: the PGXN Meta Specification.";
        let frame = Frame::new(dashboard.site(), "PGXN Meta Specification", description);
        Page { frame: frame.with_json("/spec/?format=json"), view: &view }
    })
}
