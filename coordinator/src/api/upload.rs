//! What a maintainer's CI calls to send in what it found of a tree that is not released, and what an operator calls to let it.

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use protocol::{MAX_PRE_RELEASE_BYTES, PreRelease, PreReleaseTaken, Problem, UploadTokenId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Coordinator;
use crate::api::MAX_BODY_BYTES;
use crate::api::auth::{Operator, Uploader};
use crate::api::extract::{Asked, Body, In};
use crate::api::problem::Refusal;
use crate::api::view::{GrantedUploadToken, NewUploadToken, RevokedUploadToken, UploadRevocation, UploadToken};
use crate::pre_releases::{self, Refused};

pub(super) fn routes() -> OpenApiRouter<Coordinator> {
    let upload = OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::max(MAX_PRE_RELEASE_BYTES));
    let tokens = OpenApiRouter::new().routes(routes!(grant, tokens)).routes(routes!(revoke));
    upload.merge(tokens.layer(DefaultBodyLimit::max(MAX_BODY_BYTES)))
}

/// Send in what was found of a tree that is not released; it is shown apart, and counts for nothing
#[utoipa::path(post, path = "/api/v1/pre-releases", tag = "maintainer", security(("uploader" = [])),
    request_body = PreRelease,
    responses(
        (status = 200, description = "It was there already, just so", body = PreReleaseTaken),
        (status = 201, description = "It is kept beside what there is of the same tree", body = PreReleaseTaken),
        (status = 401, description = "No upload token, or none any more", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token is for another distribution", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More than 256 kB", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not what can be kept", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The token has had its share of the day", body = Problem, content_type = "application/problem+json"),
    ))]
async fn upload(
    Uploader(token): Uploader,
    State(coordinator): State<Coordinator>,
    Body(sent): Body<PreRelease>,
) -> Result<(StatusCode, Json<PreReleaseTaken>), Refusal> {
    match pre_releases::take(&coordinator, &token, &sent).await? {
        Ok(answer) => Ok((if answer.is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(answer))),
        Err(refused) => Err(refuse(&refused)),
    }
}

fn refuse(refused: &Refused) -> Refusal {
    let detail = refused.to_string();
    match refused {
        Refused::Invalid(_) | Refused::Target(_) => Refusal::Unprocessable { detail },
        Refused::Elsewhere { .. } => Refusal::Forbidden { detail },
        Refused::TooOften => Refusal::Request { status: StatusCode::TOO_MANY_REQUESTS, detail },
    }
}

/// Let a maintainer's CI send in what it finds, for a year
#[utoipa::path(post, path = "/api/v1/upload-tokens", tag = "operator", security(("operator" = [])),
    request_body = NewUploadToken,
    responses(
        (status = 201, description = "The token, told once", body = GrantedUploadToken),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Neither for a distribution nor for a user, or for both", body = Problem, content_type = "application/problem+json"),
    ))]
async fn grant(
    _: Operator,
    State(coordinator): State<Coordinator>,
    Body(new): Body<NewUploadToken>,
) -> Result<(StatusCode, Json<GrantedUploadToken>), Refusal> {
    let neither = || Refusal::Unprocessable { detail: "an upload token is for either a `dist` or a `user`".into() };
    let pre_releases::Granted { id, token, expires_at } =
        pre_releases::grant(&coordinator, &new.scope().ok_or_else(neither)?).await?;
    Ok((StatusCode::CREATED, Json(GrantedUploadToken { id, token, expires_at })))
}

/// The upload tokens that can still be used
#[utoipa::path(get, path = "/api/v1/upload-tokens", tag = "operator", security(("operator" = [])),
    responses(
        (status = 200, description = "The oldest first, at most 1000", body = Vec<UploadToken>),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
    ))]
async fn tokens(_: Operator, State(coordinator): State<Coordinator>) -> Result<Json<Vec<UploadToken>>, Refusal> {
    Ok(Json(pre_releases::tokens(&coordinator).await?.into_iter().map(UploadToken::from).collect()))
}

/// Take an upload token back, and remove what came by it
#[utoipa::path(delete, path = "/api/v1/upload-tokens/{id}", tag = "operator", security(("operator" = [])),
    params(("id" = String, Path, description = "The token's id"), UploadRevocation),
    responses(
        (status = 200, description = "It is not taken any more", body = RevokedUploadToken),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such token, or nothing left of it", body = Problem, content_type = "application/problem+json"),
    ))]
async fn revoke(
    _: Operator,
    State(coordinator): State<Coordinator>,
    In(id): In<UploadTokenId>,
    Asked(UploadRevocation { keep_reports }): Asked<UploadRevocation>,
) -> Result<Json<RevokedUploadToken>, Refusal> {
    match pre_releases::revoke(&coordinator, id, keep_reports).await? {
        Some(removed) => Ok(Json(RevokedUploadToken { removed })),
        None => Err(Refusal::not_found("upload token", id)),
    }
}
