//! The HTTP API under `/api/v1`, described by `/api/v1/openapi.json`.
//!
//! One file per kind of caller: `runner` for runners, `read`, `compare` and `export` for everybody, `operator` for who has the token in the data directory, `join` for the way
//! from a volunteer to a runner, `upload` for maintainers' own CI.
//! Every route is registered together with its description, so that the document cannot miss one. Errors are problems that name the thing
//! (see `problem`); bodies, lists and waits are bounded.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::any;
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::Modify;
pub use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Coordinator;

pub(crate) mod auth;
mod compare;
mod export;
mod extract;
mod join;
mod language;
mod operator;
mod problem;
mod read;
mod runner;
mod upload;
pub mod view;

/// No request takes longer, a claim that waits and an upload over a slow line included.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Bodies of requests that are not reports or files.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The API's routes, to be merged with those of the pages; nothing outside `/api` is touched. `also` describes what of the API others have, who have
/// routes of their own.
pub fn router(coordinator: Coordinator, also: OpenApi) -> Router {
    let (router, document) = described().split_for_parts();
    router
        .layer(Extension(Description::of(document, also)))
        .route("/api", any(nowhere))
        .route("/api/", any(nowhere))
        .route("/api/{*rest}", any(nowhere))
        .with_state(coordinator)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, TIMEOUT))
        .layer(CatchPanicLayer::new())
        .layer(axum::middleware::from_fn(language::same))
        .layer(axum::middleware::from_fn(problem::dress))
}

/// The OpenAPI document as JSON.
#[derive(Clone)]
struct Description(Arc<str>);

impl Description {
    fn of(mut document: OpenApi, also: OpenApi) -> Self {
        document.merge(also);
        Self(document.to_pretty_json().expect("a document made of texts and maps is always JSON").into())
    }
}

fn described() -> OpenApiRouter<Coordinator> {
    OpenApiRouter::with_openapi(<Document as utoipa::OpenApi>::openapi())
        .merge(runner::routes())
        .merge(join::routes())
        .merge(read::routes())
        .merge(compare::routes())
        .merge(export::routes())
        .merge(operator::routes())
        .merge(upload::routes())
        .routes(routes!(openapi))
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "PGXN Testers",
        description = "Runners claim jobs, renew their leases and report; everybody reads what was found; operators operate. Every \
                       error is a problem (RFC 9457) that names the thing. Times are unix milliseconds."
    ),
    tags(
        (name = "runner", description = "What a runner does, with its own bearer token."),
        (name = "read", description = "What anybody may read."),
        (name = "maintainer", description = "What a maintainer's own CI does, with an upload token."),
        (name = "subscriptions", description = "To be told what turns, for whoever a META.json means."),
        (name = "operator", description = "What an operator does, with the token in the data directory's file `admin-token`.")
    ),
    modifiers(&Tokens)
)]
struct Document;

/// Names the kinds of bearer token.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, openapi: &mut OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for kind in ["runner", "operator", "uploader"] {
            components.add_security_scheme(kind, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
    }
}

/// This description
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "read",
    responses((status = 200, description = "The OpenAPI document of this API", content_type = "application/json")))]
async fn openapi(Extension(Description(text)): Extension<Description>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], text.to_string())
}

async fn nowhere() -> StatusCode {
    StatusCode::NOT_FOUND
}

#[cfg(test)]
mod tests;
