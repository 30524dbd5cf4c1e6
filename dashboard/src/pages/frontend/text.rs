//! Pages that are only text: what this is, questions that people ask, whom to tell, how to keep a mirror, and what is pgxn.org's alone.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::Dashboard;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;

/// A page's data: it has none but its title.
#[derive(Debug, Serialize)]
struct View {
    title: &'static str,
}

#[derive(Template)]
#[template(path = "text.html")]
struct Page<'a> {
    frame: Frame<'a>,
    which: &'a str,
    title: &'static str,
}

/// The pages: address, title, one sentence.
pub(crate) const PAGES: [(&str, &str, &str); 6] = [
    ("/about/", "About", "What PGXN is, and what its testers do."),
    ("/faq/", "Questions", "Questions that people ask of verdicts, runners and the registry."),
    ("/feedback/", "Feedback", "Whom to tell what is wrong."),
    ("/mirroring/", "Mirroring", "How to keep a mirror of the registry."),
    ("/art/", "Art", "The art of PGXN."),
    ("/donors/", "Donors", "Who has paid for PGXN."),
];

/// One of them, by its address.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let known = PAGES.iter().find(|(address, ..)| *address == ask.path());
    let (which, title, description) = *known.ok_or_else(|| Fault::missing("There is no page at this address."))?;
    ask.answer(&View { title }, || Page { frame: Frame::new(dashboard.site(), title, description), which, title })
}
