//! `/mirrors/`: where else the registry is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::{line, web};
use crate::Dashboard;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;

const MOST: usize = 200;

/// The mirrors as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// As the registry lists them.
    pub mirrors: Vec<Mirror>,
    /// Why this may be out of date.
    pub stale: Option<String>,
}

/// A mirror. Whom to write to is left out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mirror {
    /// Its address.
    pub uri: String,
    /// Who keeps it.
    pub organization: String,
    /// Where it stands.
    pub location: String,
    /// How often it is brought up to date.
    pub frequency: String,
    /// How fast it is.
    pub bandwidth: String,
}

#[derive(Template)]
#[template(path = "mirrors.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/mirrors/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let read = dashboard.documents().mirrors().await?;
    let (value, stale) = read.map_or_else(Default::default, |read| (read.value, read.stale));
    let view = View { mirrors: mirrors(&value), stale };
    ask.answer(&view, || {
        let frame = Frame::new(dashboard.site(), "Mirrors", "Where else the registry can be read.");
        Page { frame: frame.with_json("/mirrors/?format=json"), view: &view }
    })
}

/// Reads `meta/mirrors.json`; an entry without an address that a browser takes is left out.
fn mirrors(value: &Value) -> Vec<Mirror> {
    let mirror = |entry: &Value| {
        let text = |key: &str| line(entry.get(key).and_then(Value::as_str).unwrap_or_default());
        Some(Mirror {
            uri: web(entry.get("uri")?.as_str()?)?,
            organization: text("organization"),
            location: text("location"),
            frequency: text("frequency"),
            bandwidth: text("bandwidth"),
        })
    };
    value.as_array().into_iter().flatten().take(MOST).filter_map(mirror).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mirror_is_shown_without_the_address_of_a_person_and_never_as_a_script() {
        let value = json!([
            {"uri": "https://example.org/pgxn/", "organization": "A\tB", "email": "example.org|me", "frequency": 3},
            {"uri": "javascript:alert(1)"}, "x", {},
        ]);
        let read = mirrors(&value);
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].uri.as_str(), read[0].organization.as_str()), ("https://example.org/pgxn/", "AB"));
        assert!(mirrors(&json!({})).is_empty());
    }
}
