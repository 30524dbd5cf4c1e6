//! Documents of the registry's kinds that the farm makes itself, for registries that have none of them.

use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::answer::Ask;
use crate::fault::Fault;

/// A document, for scripts of any site as the registry's own are.
pub(super) fn document(ask: &Ask, value: &impl Serialize) -> Result<Response, Fault> {
    Ok(for_all(ask.fresh("application/json", "public, max-age=60", serde_json::to_string(value)?)))
}

/// As PGXN's API server says that there is none.
pub(super) fn missing() -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    for_all((StatusCode::NOT_FOUND, headers, "not found").into_response())
}

fn for_all(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
