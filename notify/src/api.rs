//! What writes: the forms of the pages, and the same as JSON under `/api/v1/subscriptions`.
//!
//! A form is answered by sending the browser to a page (303), so that the pages, which are the dashboard's, only read; what was refused stands in
//! the address as a word. Nothing here knows a browser: no cookie, no login; whoever has a link may do what the link says. So a page of another site
//! could do nothing in somebody's name; all the same, what a browser says comes from one is refused.

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Form as Sent, Json, Router};
use protocol::Problem;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Asked, Desk, Form, Held, Refusal};

/// Forms are small.
const MOST_BYTES: usize = 8 * 1024;

/// The routes, to be merged with those of the pages and of the API.
pub fn router(desk: Desk) -> Router {
    Router::from(api())
        .route("/subscribe/", post(ask))
        .route("/subscribe/{wish}", post(confirm))
        .route("/subscriptions/{token}/end", post(end))
        .with_state(desk)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn(guard))
}

/// The part of them that is the API's, for its OpenAPI document.
pub fn described() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}

fn api() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(api_ask)).routes(routes!(api_confirm)).routes(routes!(api_show, api_end))
}

/// Refuses what a page of another site sends, and keeps answers and addresses to who asked.
async fn guard(request: Request, next: Next) -> Response {
    let is_foreign = request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let mut response = if is_foreign { problem(Refusal::CrossSite) } else { next.run(request).await };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn ask(State(desk): State<Desk>, Sent(form): Sent<Form>) -> Redirect {
    let dist: String = url::form_urlencoded::byte_serialize(form.dist.as_bytes()).collect();
    let back = format!("/subscribe/?dist={dist}&channel={}&proof={}", form.channel, form.proof);
    match desk.ask(&form).await {
        Ok(Asked::Prove(sealed)) => Redirect::to(&format!("/subscribe/{sealed}")),
        Ok(Asked::Mailed) => Redirect::to(&format!("{back}&sent=1")),
        Err(refusal) => Redirect::to(&format!("{back}&problem={}", refusal.code())),
    }
}

async fn confirm(State(desk): State<Desk>, Path(wish): Path<String>) -> Redirect {
    match desk.confirm(&wish).await {
        Ok(token) => Redirect::to(&format!("/subscriptions/{token}")),
        Err(Refusal::WishExpired) => Redirect::to("/subscribe/?problem=wish-expired"),
        Err(refusal) => Redirect::to(&format!("/subscribe/{}?problem={}", plain(&wish), refusal.code())),
    }
}

async fn end(State(desk): State<Desk>, Path(token): Path<String>) -> Redirect {
    match desk.end(&token).await {
        Ok(()) => Redirect::to(&format!("/subscriptions/{}", plain(&token))),
        Err(refusal) => Redirect::to(&format!("/subscribe/?problem={}", refusal.code())),
    }
}

/// What of a segment stands in an address as it is: all of one that we made.
fn plain(segment: &str) -> String {
    segment.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect()
}

/// Ask to be told what turns in a distribution
///
/// Nothing is stored before it is confirmed.
#[utoipa::path(post, path = "/api/v1/subscriptions", tag = "subscriptions", request_body = Form, responses(
    (status = 202, description = "`next` is `mail`: a link was sent; or `file`: `proving` says what to put where, then confirm `wish`", body = Object),
    (status = "4XX", description = "It cannot be asked", body = Problem, content_type = "application/problem+json")))]
async fn api_ask(State(desk): State<Desk>, Json(form): Json<Form>) -> Result<Response, Refusal> {
    match desk.ask(&form).await? {
        Asked::Mailed => Ok((StatusCode::ACCEPTED, Json(json!({ "next": "mail" }))).into_response()),
        Asked::Prove(wish) => {
            let proving = desk.proving(&wish).await?;
            Ok((StatusCode::ACCEPTED, Json(json!({ "next": "file", "wish": wish, "proving": proving })))
                .into_response())
        }
    }
}

/// A sealed wish.
#[derive(Deserialize, ToSchema)]
struct Wished {
    wish: String,
}

/// Confirm what was asked, once its proof is in place
#[utoipa::path(post, path = "/api/v1/subscriptions/confirm", tag = "subscriptions", request_body = Wished, responses(
    (status = 201, description = "`token` is all that is needed to see and to end it, `subscription` as it is shown then", body = Object),
    (status = "4XX", description = "It is not proved, or too late", body = Problem, content_type = "application/problem+json")))]
async fn api_confirm(State(desk): State<Desk>, Json(wished): Json<Wished>) -> Result<Response, Refusal> {
    let token = desk.confirm(&wished.wish).await?;
    let held = desk.held(&token).await?;
    Ok((StatusCode::CREATED, Json(json!({ "token": token, "subscription": held }))).into_response())
}

/// A subscription with what was told
#[utoipa::path(get, path = "/api/v1/subscriptions/{token}", tag = "subscriptions",
    params(("token" = String, Path, description = "As it was given when it was confirmed")), responses(
    (status = 200, body = Held),
    (status = 404, description = "No such subscription", body = Problem, content_type = "application/problem+json")))]
async fn api_show(State(desk): State<Desk>, Path(token): Path<String>) -> Result<Response, Refusal> {
    Ok(Json(desk.held(&token).await?).into_response())
}

/// End a subscription
#[utoipa::path(delete, path = "/api/v1/subscriptions/{token}", tag = "subscriptions",
    params(("token" = String, Path, description = "As it was given when it was confirmed")), responses(
    (status = 200, description = "It is over, be it since now or before", body = Held),
    (status = 404, description = "No such subscription", body = Problem, content_type = "application/problem+json")))]
async fn api_end(State(desk): State<Desk>, Path(token): Path<String>) -> Result<Response, Refusal> {
    desk.end(&token).await?;
    Ok(Json(desk.held(&token).await?).into_response())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        problem(self)
    }
}

fn problem(refusal: Refusal) -> Response {
    let status = refusal.status();
    let body = Problem { status: status.as_u16(), title: refusal.code().into(), detail: refusal.sentence().into() };
    let mut response = (status, Json(body)).into_response();
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(axum::http::header::CONTENT_TYPE, kind);
    response
}
