//! What an operator's commands call.

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use protocol::{Name, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::MAX_BODY_BYTES;
use crate::api::auth::Operator;
use crate::api::extract::{Asked, Body, In};
use crate::api::join::check_name;
use crate::api::problem::Refusal;
use crate::api::view::{
    AdmittedRunner, ImagesWord, NewRunner, QuarantineRequest, RequeueAnswer, RequeueRequest, Revocation, Runner,
};
use crate::operate::{self, Requeued, Wish};
use crate::reconcile::Progress;
use crate::{Coordinator, images};

const MAX_TARGETS: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Coordinator> {
    OpenApiRouter::new()
        .routes(routes!(reconcile, reconciliation))
        .routes(routes!(requeue))
        .routes(routes!(renew_images))
        .routes(routes!(add_runner, runners))
        .routes(routes!(revoke_runner))
        .routes(routes!(quarantine_runner, release_runner))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// Compare the whole registry with the store
#[utoipa::path(post, path = "/api/v1/reconcile", tag = "operator", security(("operator" = [])),
    responses(
        (status = 202, description = "It begins at once; ask for its progress until it is finished or failed", body = Progress),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
    ))]
async fn reconcile(_: Operator, State(coordinator): State<Coordinator>) -> (StatusCode, Json<Progress>) {
    (StatusCode::ACCEPTED, Json(operate::reconcile(&coordinator)))
}

/// How the latest comparison stands
#[utoipa::path(get, path = "/api/v1/reconcile", tag = "operator", security(("operator" = [])),
    responses(
        (status = 200, description = "How it stands", body = Progress),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
    ))]
async fn reconciliation(_: Operator, State(coordinator): State<Coordinator>) -> Json<Progress> {
    Json(operate::reconciliation(&coordinator))
}

/// Have runners make their images anew, with the packages of today
#[utoipa::path(post, path = "/api/v1/images/renew", tag = "operator", security(("operator" = [])),
    responses(
        (status = 202, description = "Runners hear of it with their next claim", body = ImagesWord),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
    ))]
async fn renew_images(
    _: Operator,
    State(coordinator): State<Coordinator>,
) -> Result<(StatusCode, Json<ImagesWord>), Refusal> {
    let too_old_before = images::renew(&coordinator).await?;
    Ok((StatusCode::ACCEPTED, Json(ImagesWord { too_old_before })))
}

/// Queue tests again, before everything else
#[utoipa::path(post, path = "/api/v1/requeue", tag = "operator", security(("operator" = [])),
    request_body = RequeueRequest,
    responses(
        (status = 200, description = "What was queued", body = RequeueAnswer),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such release", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No such target", body = Problem, content_type = "application/problem+json"),
    ))]
async fn requeue(
    _: Operator,
    State(coordinator): State<Coordinator>,
    Body(request): Body<RequeueRequest>,
) -> Result<Json<RequeueAnswer>, Refusal> {
    if request.targets.len() > MAX_TARGETS {
        return Err(Refusal::Unprocessable { detail: format!("at most {MAX_TARGETS} targets are taken at a time") });
    }
    let RequeueRequest { dist, version, targets } = request;
    let named = version.as_ref().map_or_else(|| dist.to_string(), |version| format!("{dist} {version}"));
    match operate::requeue(&coordinator, &Wish { dist, version, targets }).await? {
        Requeued::Jobs { version, jobs } => Ok(Json(RequeueAnswer { version, jobs })),
        Requeued::NoRelease => Err(Refusal::not_found("release", named)),
        Requeued::NoTarget(target) => {
            Err(Refusal::Unprocessable { detail: format!("the image matrix has no target {target}") })
        }
    }
}

/// Let a runner in
#[utoipa::path(post, path = "/api/v1/runners", tag = "operator", security(("operator" = [])),
    request_body = NewRunner,
    responses(
        (status = 201, description = "Its token, told once", body = AdmittedRunner),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No runner can be called so", body = Problem, content_type = "application/problem+json"),
    ))]
async fn add_runner(
    _: Operator,
    State(coordinator): State<Coordinator>,
    Body(NewRunner { name }): Body<NewRunner>,
) -> Result<(StatusCode, Json<AdmittedRunner>), Refusal> {
    check_name(&name)?;
    match operate::add_runner(&coordinator, &name).await? {
        Some(admitted) => {
            let answer = AdmittedRunner { id: admitted.id, name, token: admitted.token };
            Ok((StatusCode::CREATED, Json(answer)))
        }
        None => Err(Refusal::Conflict { detail: format!("there is a runner `{name}` already") }),
    }
}

/// The runners
#[utoipa::path(get, path = "/api/v1/runners", tag = "operator", security(("operator" = [])),
    responses(
        (status = 200, description = "Every runner, by name", body = Vec<Runner>),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
    ))]
async fn runners(_: Operator, State(coordinator): State<Coordinator>) -> Result<Json<Vec<Runner>>, Refusal> {
    Ok(Json(operate::runners(&coordinator).await?.into_iter().map(Runner::from).collect()))
}

/// Take a runner's token away; its leases expire, and what it found is withdrawn and run again
#[utoipa::path(delete, path = "/api/v1/runners/{name}", tag = "operator", security(("operator" = [])),
    params(("name" = String, Path, description = "The runner's name"), Revocation),
    responses(
        (status = 204, description = "It may not claim any more"),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such runner", body = Problem, content_type = "application/problem+json"),
    ))]
async fn revoke_runner(
    _: Operator,
    State(coordinator): State<Coordinator>,
    In(name): In<Name>,
    Asked(Revocation { keep_results }): Asked<Revocation>,
) -> Result<StatusCode, Refusal> {
    if operate::revoke_runner(&coordinator, &name, keep_results).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found("runner", name))
    }
}

/// Give a runner no more work; what it runs is given to others, and what it found is withdrawn and run again
#[utoipa::path(put, path = "/api/v1/runners/{name}/quarantine", tag = "operator", security(("operator" = [])),
    params(("name" = String, Path, description = "The runner's name")),
    request_body = QuarantineRequest,
    responses(
        (status = 204, description = "It gets no work until it is released"),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such runner that gets work", body = Problem, content_type = "application/problem+json"),
    ))]
async fn quarantine_runner(
    _: Operator,
    State(coordinator): State<Coordinator>,
    In(name): In<Name>,
    Body(QuarantineRequest { reason, since }): Body<QuarantineRequest>,
) -> Result<StatusCode, Refusal> {
    if operate::quarantine_runner(&coordinator, &name, (&reason, since)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found("runner that gets work", name))
    }
}

/// End a runner's quarantine: its results count again, and what others made of them before is forgotten
#[utoipa::path(delete, path = "/api/v1/runners/{name}/quarantine", tag = "operator", security(("operator" = [])),
    params(("name" = String, Path, description = "The runner's name")),
    responses(
        (status = 204, description = "It gets work again"),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such runner in quarantine", body = Problem, content_type = "application/problem+json"),
    ))]
async fn release_runner(
    _: Operator,
    State(coordinator): State<Coordinator>,
    In(name): In<Name>,
) -> Result<StatusCode, Refusal> {
    if operate::release_runner(&coordinator, &name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found("runner in quarantine", name))
    }
}
