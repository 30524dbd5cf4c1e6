//! What runners call. Each call but the claim also carries the lease's token; a lease that is lost answers 409.

use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::{
    Assignment, ClaimRequest, IMAGES_HEADER, MAX_FILE_BYTES, MAX_PROGRESS_BYTES, MAX_REPORT_BYTES, Problem, Progress,
    RenewRequest, Report, RunId,
};
use serde::{Deserialize, Serialize};
use store::runners::Runner;
use store::runs::{self, Lost};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Coordinator;
use crate::api::MAX_BODY_BYTES;
use crate::api::auth::{Caller, LeaseToken, Sealed};
use crate::api::extract::{Asked, Body, In, Raw};
use crate::api::problem::Refusal;
use crate::api::read;
use crate::lease::{self, Denied, Voice};
use crate::signing::Refused;

/// A claim waits at most this long, which proxies bear.
const MAX_WAIT_SECONDS: u64 = 30;
/// More targets than there are majors and platforms.
const MAX_TARGETS: usize = 200;
const MAX_VERSION: usize = 100;
/// The digits of 256 random bits.
const TOKEN: usize = 64;

pub(super) fn routes() -> OpenApiRouter<Coordinator> {
    let small = OpenApiRouter::new()
        .routes(routes!(claim))
        .routes(routes!(renew))
        .routes(routes!(release))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let report = OpenApiRouter::new().routes(routes!(report)).layer(DefaultBodyLimit::max(MAX_REPORT_BYTES));
    let files = OpenApiRouter::new().routes(routes!(upload, read::file)).layer(DefaultBodyLimit::max(MAX_FILE_BYTES));
    let progress = OpenApiRouter::new().routes(routes!(progress)).layer(DefaultBodyLimit::max(MAX_PROGRESS_BYTES));
    small.merge(report).merge(files).merge(progress)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Wait {
    /// For how many seconds to wait for a job when none is there; at most 30.
    #[serde(default)]
    wait: u64,
}

/// How long a lease lasts from now.
#[derive(Serialize, utoipa::ToSchema)]
struct Renewed {
    /// In milliseconds; renew it again after a third of that.
    expires_in_ms: u64,
}

/// Claim the next job
#[utoipa::path(post, path = "/api/v1/claim", tag = "runner", security(("runner" = [])), params(Wait),
    request_body = ClaimRequest,
    responses(
        (status = 200, description = "A job, and the lease on it", body = Assignment),
        (status = 204, description = "Nothing waits for these targets; this answer and a job may have the header \
            `x-pgxn-testers-images`: images that were made before that moment, in milliseconds since 1970, are to be made anew"),
        (status = 401, description = "No such runner", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The runner is quarantined, or has no key to sign with", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "It calls too often, or has lost what it claimed too often in a row", body = Problem,
            content_type = "application/problem+json"),
        (status = 426, description = "The runner speaks another protocol than this coordinator; both say theirs in the header \
            `x-pgxn-testers-protocol`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a claim", body = Problem, content_type = "application/problem+json"),
    ))]
async fn claim(
    State(coordinator): State<Coordinator>,
    Caller { runner, has_key }: Caller,
    Asked(Wait { wait }): Asked<Wait>,
    Body(request): Body<ClaimRequest>,
) -> Result<Response, Refusal> {
    if request.targets.len() > MAX_TARGETS || request.version.len() > MAX_VERSION {
        let detail =
            format!("a claim names at most {MAX_TARGETS} targets and a version of at most {MAX_VERSION} bytes");
        return Err(Refusal::Unprocessable { detail });
    }
    if runner.quarantined_at.is_some() {
        return Err(quarantined(&runner));
    }
    if !has_key {
        return Err(keyless(&runner));
    }
    // It may still say that it is away, and hear of a lease that it does not know of.
    if request.away.is_none() && runner.is_held(coordinator.now()) {
        return Err(held(&runner));
    }
    check_token(request.token.as_deref())?;
    let wait = if request.away.is_some() { 0 } else { wait.min(MAX_WAIT_SECONDS) };
    let wait = Duration::from_secs(wait);
    let mut response = match lease::claim(&coordinator, runner, request, wait).await? {
        Some(assignment) => Json::<Assignment>(assignment).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    if let Some(before) = coordinator.images.now() {
        response.headers_mut().insert(IMAGES_HEADER, before.as_millis().into());
    }
    Ok(response)
}

/// A token that a runner chooses is as long as those that are made here, so that nobody guesses it.
pub(super) fn check_token(token: Option<&str>) -> Result<(), Refusal> {
    match token {
        Some(token) if token.len() != TOKEN || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Err(Refusal::Unprocessable { detail: format!("a token has {TOKEN} hexadecimal digits") })
        }
        _ => Ok(()),
    }
}

fn quarantined(runner: &Runner) -> Refusal {
    let Runner { name, quarantine_reason, .. } = runner;
    let detail = format!(
        "the runner {name} is quarantined: {quarantine_reason}; it gets work again once its operator has looked at it and \
         calls `admin runners release {name}`"
    );
    Refusal::Forbidden { detail }
}

fn held(runner: &Runner) -> Refusal {
    let until = runner.held_until().map(|until| until.to_string()).unwrap_or_default();
    Refusal::too_many(format!(
        "the runner {} claimed jobs and let their leases run out without a report, {} times in a row; it gets the next one at {until}. \
         Look at its log, and at `pgxn-testers runner doctor` on that machine",
        runner.name, runner.lost
    ))
}

/// A run of it would be for nothing.
fn keyless(runner: &Runner) -> Refusal {
    let detail = format!(
        "the runner {} has no key, and every report is signed: update pgxn-testers on that machine; it makes a key at its start and \
         registers it (`PUT /api/v1/runners/self/key`)",
        runner.name
    );
    Refusal::Forbidden { detail }
}

/// Renew a lease
#[utoipa::path(post, path = "/api/v1/runs/{run_id}/renew", tag = "runner", security(("runner" = [])),
    params(("run_id" = String, Path, description = "The run"),
        ("x-lease-token" = String, Header, description = "The lease's token")),
    request_body = RenewRequest,
    responses(
        (status = 200, description = "It is yours for longer", body = Renewed),
        (status = 404, description = "No such run", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is lost: drop the run", body = Problem, content_type = "application/problem+json"),
    ))]
async fn renew(
    State(coordinator): State<Coordinator>,
    Caller { runner, .. }: Caller,
    In(run_id): In<RunId>,
    LeaseToken(token): LeaseToken,
    Body(request): Body<RenewRequest>,
) -> Result<Json<Renewed>, Refusal> {
    let voice = Voice { runner: &runner, run_id, token: &token };
    match lease::renew(&coordinator, voice, request.phase).await? {
        Ok(left) => Ok(Json(Renewed { expires_in_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX) })),
        Err(denied) => Err(refuse(&coordinator, run_id, denied).await?),
    }
}

/// Tell what is new of a run, for whoever looks at it; nothing of it is stored, and nobody has to tell anything
#[utoipa::path(post, path = "/api/v1/runs/{run_id}/progress", tag = "runner", security(("runner" = [])),
    params(("run_id" = String, Path, description = "The run"),
        ("x-lease-token" = String, Header, description = "The lease's token")),
    request_body = Progress,
    responses(
        (status = 204, description = "It was heard"),
        (status = 404, description = "No such run", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The lease is lost", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It breaks its bounds", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often: once a second is enough; say it with the next call", body = Problem,
            content_type = "application/problem+json"),
    ))]
async fn progress(
    State(coordinator): State<Coordinator>,
    Caller { runner, .. }: Caller,
    In(run_id): In<RunId>,
    LeaseToken(token): LeaseToken,
    Body(progress): Body<Progress>,
) -> Result<StatusCode, Refusal> {
    let voice = Voice { runner: &runner, run_id, token: &token };
    match crate::progress::hear(&coordinator, voice, &progress).await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(denied) => Err(refuse(&coordinator, run_id, denied).await?),
    }
}

/// Upload a file of a run, compressed with zstd
#[utoipa::path(put, path = "/api/v1/runs/{run_id}/files/{name}", tag = "runner", security(("runner" = [])),
    params(("run_id" = String, Path, description = "The run"),
        ("name" = String, Path, description = "Letters, digits, `.`, `_` and `-`, as the report will name it"),
        ("x-lease-token" = String, Header, description = "The lease's token")),
    request_body(content = Vec<u8>, content_type = "application/zstd"),
    responses(
        (status = 204, description = "It is stored; the same name again replaces it"),
        (status = 404, description = "No such run", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The lease is lost", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large, before or after compression", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "Not zstd, or not a file name", body = Problem,
            content_type = "application/problem+json"),
    ))]
async fn upload(
    State(coordinator): State<Coordinator>,
    Caller { runner, .. }: Caller,
    In((run_id, name)): In<(RunId, String)>,
    LeaseToken(token): LeaseToken,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let voice = Voice { runner: &runner, run_id, token: &token };
    // Before the body is read: megabytes for a lost lease are not worth waiting for.
    if let Err(denied) = lease::check(&coordinator, voice).await? {
        return Err(refuse(&coordinator, run_id, denied).await?);
    }
    let Raw(zstd) = Raw::from_request(request, &coordinator).await?;
    match lease::upload(&coordinator, voice, &name, zstd).await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(denied) => Err(refuse(&coordinator, run_id, denied).await?),
    }
}

/// Report a run
#[utoipa::path(post, path = "/api/v1/runs/{run_id}/report", tag = "runner", security(("runner" = [])),
    params(("run_id" = String, Path, description = "The run"),
        ("x-lease-token" = String, Header, description = "The lease's token"),
        ("x-report-signature" = String, Header, description = "The runner's public key, a space, and its signature of the report's \
             canonical bytes, both in hexadecimal digits; see docs/signatures.md")),
    request_body = Report,
    responses(
        (status = 200, description = "It is the run's result, now or since it was sent before"),
        (status = 400, description = "It is not signed", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such run", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The lease is lost", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It breaks its bounds, names files that were not uploaded, is about something else, \
             or its signature is not the runner's",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn report(
    State(coordinator): State<Coordinator>,
    Caller { runner, .. }: Caller,
    In(run_id): In<RunId>,
    LeaseToken(token): LeaseToken,
    Sealed { report, seal }: Sealed,
) -> Result<StatusCode, Refusal> {
    match lease::report(&coordinator, (runner, run_id, token), (report, seal)).await? {
        Ok(()) => Ok(StatusCode::OK),
        Err(denied) => Err(refuse(&coordinator, run_id, denied).await?),
    }
}

/// Give a lease back: the job waits again, and the attempt does not count
#[utoipa::path(post, path = "/api/v1/runs/{run_id}/release", tag = "runner", security(("runner" = [])),
    params(("run_id" = String, Path, description = "The run"),
        ("x-lease-token" = String, Header, description = "The lease's token")),
    responses(
        (status = 204, description = "It is given back"),
        (status = 404, description = "No such run", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The lease is lost", body = Problem, content_type = "application/problem+json"),
    ))]
async fn release(
    State(coordinator): State<Coordinator>,
    Caller { runner, .. }: Caller,
    In(run_id): In<RunId>,
    LeaseToken(token): LeaseToken,
) -> Result<StatusCode, Refusal> {
    let voice = Voice { runner: &runner, run_id, token: &token };
    match lease::release(&coordinator, voice).await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(denied) => Err(refuse(&coordinator, run_id, denied).await?),
    }
}

/// The refusal of a call for a run; a run that does not exist is told from one that belongs to somebody else, as its page does so too.
async fn refuse(coordinator: &Coordinator, run_id: RunId, denied: Denied) -> Result<Refusal, Refusal> {
    Ok(match denied {
        Denied::Lost(Lost::Unknown) => {
            let mut conn = coordinator.store.read().await?;
            match runs::get(&mut conn, run_id).await? {
                None => Refusal::not_found("run", run_id),
                Some(_) => Refusal::Conflict { detail: format!("the lease on run {run_id} is not yours") },
            }
        }
        Denied::Lost(lost) => Refusal::Conflict { detail: format!("run {run_id}: {lost}") },
        Denied::Report(invalid) => Refusal::Unprocessable { detail: invalid.to_string() },
        Denied::Signature(Refused::Missing) => Refusal::bad(format!("run {run_id}: {}", Refused::Missing)),
        Denied::Signature(refused) => Refusal::Unprocessable { detail: format!("run {run_id}: {refused}") },
        Denied::Progress(detail) => Refusal::Unprocessable { detail },
        Denied::TooOften => Refusal::too_many(format!("run {run_id} tells too often; once a second is enough")),
        Denied::Allowance => Refusal::TooLarge { detail: format!("run {run_id} has uploaded all that a run may") },
    })
}
