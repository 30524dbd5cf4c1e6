//! What crawlers are told of an answer: which address is the page's own, and what is only another form of it.
//!
//! The same in headers for every page, so that none can forget it: a page without a question is itself (`Link`, RFC 6596); one that a question
//! filters, cuts or turns, a search, JSON and plain text need no place in an index. Everything that can be filtered is bounded by what there is,
//! as links are made of known keys alone (`Ask::keeping`).

use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::Site;
use crate::answer::Ask;

const ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// Says it in the headers of an answer.
pub(crate) fn tell(site: &Site, ask: &Ask, response: &mut Response) {
    if !response.status().is_success() {
        return;
    }
    let is = |kind: &str| {
        let found = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        found.is_some_and(|found| found.starts_with(kind))
    };
    if is("text/html") && !ask.has_query() && !ask.path().starts_with("/search") {
        let base = site.public_url.as_str().trim_end_matches('/');
        if let Ok(value) = format!("<{base}{}>; rel=\"canonical\"", ask.path()).parse() {
            response.headers_mut().append(LINK, value);
        }
    } else if is("text/html") || is("text/plain") || is("application/json") {
        response.headers_mut().insert(ROBOTS_TAG, HeaderValue::from_static("noindex"));
    }
}
