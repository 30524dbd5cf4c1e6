//! How a machine becomes a runner, and leaves again: what volunteers call, and what operators do for it.
//!
//! Whoever calls without a token has an invitation's secret in the body, or asks. Neither is ever part of an address, nor of an answer that refuses.

use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::{
    Asked, InvitationId, JoinRequest, JoinRequestId, JoinState, Joined, KeyWish, Membership, Name, NewToken, Problem,
    PublicKey, Timestamp,
};
use store::invitations::Used;
use store::join_requests::{Decided, MOST};
use store::signatures::{self, Registered, RunnerKey};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Coordinator;
use crate::api::auth::{Caller, Operator, Token};
use crate::api::extract::{Body, In};
use crate::api::problem::Refusal;
use crate::api::runner::check_token;
use crate::api::view::{Invitation, MadeInvitation, NewInvitation, Own, PendingRequest};
use crate::join;

/// A name, a secret and some words.
const MAX_JOIN_BYTES: usize = 16 * 1024;

pub(super) fn routes() -> OpenApiRouter<Coordinator> {
    OpenApiRouter::new()
        .routes(routes!(join))
        .routes(routes!(membership))
        .routes(routes!(rotate))
        .routes(routes!(own, leave))
        .routes(routes!(change_key))
        .routes(routes!(invite, invitations))
        .routes(routes!(withdraw))
        .routes(routes!(requests))
        .routes(routes!(approve, refuse))
        .layer(DefaultBodyLimit::max(MAX_JOIN_BYTES))
}

/// Become a runner by an invitation, or ask an operator for it
#[utoipa::path(post, path = "/api/v1/runners/join", tag = "runner", request_body = JoinRequest,
    responses(
        (status = 201, description = "The invitation was taken: its token, told once", body = Joined),
        (status = 202, description = "An operator has to decide: what to ask with how it stands", body = Asked),
        (status = 404, description = "No such invitation", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken, or too many wait", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The invitation was used, or has ended", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a wish to join", body = Problem, content_type = "application/problem+json"),
    ))]
async fn join(
    State(coordinator): State<Coordinator>,
    Body(JoinRequest { name, invitation, request, token, key }): Body<JoinRequest>,
) -> Result<Response, Refusal> {
    check_token(token.as_deref())?;
    check_name(&name)?;
    match (invitation, request) {
        (Some(invitation), None) => {
            let (used, token) = join::accept(&coordinator, &invitation, &name, (token, key.as_ref())).await?;
            let (id, name) = taken(used)?;
            Ok((StatusCode::CREATED, Json(Joined { id, name, token })).into_response())
        }
        (None, Some(note)) => {
            let Some((request, token)) = join::ask(&coordinator, &name, &note, (token, key.as_ref())).await? else {
                let detail = format!(
                    "{MOST} machines wait for an operator's word already; ask an operator for an invitation, or come back in some days"
                );
                return Err(Refusal::Conflict { detail });
            };
            let asked = Asked { id: request.id, token, expires_at: request.expires_at };
            Ok((StatusCode::ACCEPTED, Json(asked)).into_response())
        }
        _ => Err(Refusal::Unprocessable { detail: "who joins has either an `invitation` or a `request`".into() }),
    }
}

/// What came of the use of an invitation, of which nothing is repeated: it holds a secret.
fn taken(used: Used) -> Result<(protocol::RunnerId, Name), Refusal> {
    let gone = |detail| Err(Refusal::Request { status: StatusCode::GONE, detail });
    match used {
        Used::Runner(id, name) => Ok((id, name)),
        Used::Unknown => Err(Refusal::NotFound {
            what: "invitation with this secret: it was mistyped, withdrawn, or is of another farm".into(),
        }),
        Used::Before(at) => gone(format!(
            "the invitation was used at {at}, and each is good for one runner; ask an operator for another \
             (`admin runners invite`)"
        )),
        Used::Expired(at) => {
            gone(format!("the invitation has expired at {at}; ask an operator for another (`admin runners invite`)"))
        }
        Used::NameTaken(name) => Err(name_taken(&name)),
    }
}

fn name_taken(name: &Name) -> Refusal {
    Refusal::Conflict { detail: format!("there is a runner `{name}` already; choose another name (`--name`)") }
}

/// A runner of that name could not be spoken of in the addresses of this API.
pub(super) fn check_name(name: &Name) -> Result<(), Refusal> {
    if join::is_reserved(name) {
        return Err(Refusal::Unprocessable {
            detail: format!("no runner can be called `{name}`; choose another name"),
        });
    }
    Ok(())
}

/// How a wish to join stands, for who has its token
#[utoipa::path(get, path = "/api/v1/runners/join/{id}", tag = "runner", security(("runner" = [])),
    params(("id" = String, Path, description = "The wish, as the answer to it named it")),
    responses(
        (status = 200, description = "How it stands; once it is approved, its token is that of a runner", body = Membership),
        (status = 401, description = "No token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such wish with this token", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "It has waited too long", body = Problem, content_type = "application/problem+json"),
    ))]
async fn membership(
    State(coordinator): State<Coordinator>,
    Token(token): Token,
    In(id): In<JoinRequestId>,
) -> Result<Json<Membership>, Refusal> {
    let request = join::request(&coordinator, id, &token).await?;
    let request = request.ok_or_else(|| Refusal::not_found("join request of this token", id))?;
    if request.state == JoinState::Pending && request.expires_at <= coordinator.now() {
        return Err(too_late(id, request.expires_at));
    }
    Ok(Json(Membership { name: request.name, state: request.state, expires_at: request.expires_at }))
}

fn too_late(id: JoinRequestId, at: Timestamp) -> Refusal {
    let detail = format!("join request {id} has waited until {at}, and nobody decided; ask again");
    Refusal::Request { status: StatusCode::GONE, detail }
}

/// Get a new token; the old one ends when it is first used, and after an hour at the latest
#[utoipa::path(post, path = "/api/v1/runners/rotate", tag = "runner", security(("runner" = [])),
    responses(
        (status = 200, description = "The new token, told once", body = NewToken),
        (status = 401, description = "No such runner", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The runner was revoked meanwhile", body = Problem, content_type = "application/problem+json"),
    ))]
async fn rotate(
    State(coordinator): State<Coordinator>,
    Caller { runner, .. }: Caller,
) -> Result<Json<NewToken>, Refusal> {
    match join::rotate(&coordinator, &runner).await? {
        Some(token) => Ok(Json(NewToken { token })),
        None => Err(Refusal::Conflict { detail: format!("the runner {} was revoked", runner.name) }),
    }
}

/// Whose token it is
#[utoipa::path(get, path = "/api/v1/runners/self", tag = "runner", security(("runner" = [])),
    responses(
        (status = 200, description = "The runner", body = Own),
        (status = 401, description = "No such runner", body = Problem, content_type = "application/problem+json"),
    ))]
async fn own(State(coordinator): State<Coordinator>, Caller { runner, .. }: Caller) -> Result<Json<Own>, Refusal> {
    let keys = signatures::keys(&mut coordinator.store.read().await?, runner.id).await?;
    Ok(Json(Own { name: runner.name, key: keys.first().map(|key| key.key) }))
}

/// Sign with a key from now on: the first one that comes, or another that the one before has signed
#[utoipa::path(put, path = "/api/v1/runners/self/key", tag = "runner", security(("runner" = [])), request_body = KeyWish,
    responses(
        (status = 204, description = "It is the runner's key, now or already; the one before may sign for an hour more"),
        (status = 401, description = "No such runner", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has another key, which did not sign this one", body = Problem,
            content_type = "application/problem+json"),
    ))]
async fn change_key(
    State(coordinator): State<Coordinator>,
    Caller { runner, .. }: Caller,
    Body(wish): Body<KeyWish>,
) -> Result<StatusCode, Refusal> {
    match join::change_key(&coordinator, &runner, &wish).await? {
        Registered::New | Registered::Known => Ok(StatusCode::NO_CONTENT),
        Registered::Other(known) => Err(Refusal::Conflict { detail: other_key(&runner.name, &wish.key, &known) }),
    }
}

fn other_key(name: &str, offered: &PublicKey, known: &RunnerKey) -> String {
    format!(
        "the runner {name} signs with the key {} since {}, and this machine has the key {}: start it with the data directory that holds the \
         first; where that is lost, an operator types `admin runners revoke {name} --keep-results`, and the machine joins again",
        known.key.fingerprint(),
        known.from,
        offered.fingerprint()
    )
}

/// Leave: the token is no longer taken, and what the runner holds goes to others
#[utoipa::path(delete, path = "/api/v1/runners/self", tag = "runner", security(("runner" = [])),
    responses(
        (status = 204, description = "It is no runner any more"),
        (status = 401, description = "No such runner", body = Problem, content_type = "application/problem+json"),
    ))]
async fn leave(State(coordinator): State<Coordinator>, Caller { runner, .. }: Caller) -> Result<StatusCode, Refusal> {
    join::leave(&coordinator, &runner).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Invite somebody to run a runner
#[utoipa::path(post, path = "/api/v1/invitations", tag = "operator", security(("operator" = [])),
    request_body = NewInvitation,
    responses(
        (status = 201, description = "Its secret, told once", body = MadeInvitation),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It would last too long, or for no time", body = Problem, content_type = "application/problem+json"),
    ))]
async fn invite(
    _: Operator,
    State(coordinator): State<Coordinator>,
    Body(NewInvitation { name, expires_in_ms }): Body<NewInvitation>,
) -> Result<(StatusCode, Json<MadeInvitation>), Refusal> {
    name.as_ref().map_or(Ok(()), check_name)?;
    let lasts = expires_in_ms.map_or(join::USUAL, Duration::from_millis);
    if lasts.is_zero() || lasts > join::LONGEST {
        let days = join::LONGEST.as_secs() / 86_400;
        return Err(Refusal::Unprocessable {
            detail: format!("an invitation lasts for some time, at most {days} days"),
        });
    }
    let made = join::invite(&coordinator, name.as_ref(), lasts).await?;
    let farm = coordinator.config.public_url.clone();
    let made = MadeInvitation { id: made.id, secret: made.secret, expires_at: made.expires_at, farm };
    Ok((StatusCode::CREATED, Json(made)))
}

/// The invitations that can still be used
#[utoipa::path(get, path = "/api/v1/invitations", tag = "operator", security(("operator" = [])),
    responses(
        (status = 200, description = "The invitations, the oldest first", body = Vec<Invitation>),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
    ))]
async fn invitations(_: Operator, State(coordinator): State<Coordinator>) -> Result<Json<Vec<Invitation>>, Refusal> {
    Ok(Json(join::invitations(&coordinator).await?.into_iter().map(Invitation::from).collect()))
}

/// Withdraw an invitation
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "operator", security(("operator" = [])),
    params(("id" = String, Path, description = "The invitation")),
    responses(
        (status = 204, description = "It cannot be used any more"),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such invitation that could be used", body = Problem, content_type = "application/problem+json"),
    ))]
async fn withdraw(
    _: Operator,
    State(coordinator): State<Coordinator>,
    In(id): In<InvitationId>,
) -> Result<StatusCode, Refusal> {
    if join::withdraw(&coordinator, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found("invitation that could still be used", id))
    }
}

/// Who asks to become a runner
#[utoipa::path(get, path = "/api/v1/join-requests", tag = "operator", security(("operator" = [])),
    responses(
        (status = 200, description = "Those that wait, the oldest first", body = Vec<PendingRequest>),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
    ))]
async fn requests(_: Operator, State(coordinator): State<Coordinator>) -> Result<Json<Vec<PendingRequest>>, Refusal> {
    Ok(Json(join::requests(&coordinator).await?.into_iter().map(PendingRequest::from).collect()))
}

/// Let in who asks
#[utoipa::path(put, path = "/api/v1/join-requests/{id}", tag = "operator", security(("operator" = [])),
    params(("id" = String, Path, description = "The request")),
    responses(
        (status = 200, description = "It is a runner", body = Membership),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such request", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or the name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "It has waited too long", body = Problem, content_type = "application/problem+json"),
    ))]
async fn approve(
    _: Operator,
    State(coordinator): State<Coordinator>,
    In(id): In<JoinRequestId>,
) -> Result<Json<Membership>, Refusal> {
    decided(&coordinator, id, join::approve(&coordinator, id).await?, JoinState::Approved)
}

/// Say no to who asks
#[utoipa::path(delete, path = "/api/v1/join-requests/{id}", tag = "operator", security(("operator" = [])),
    params(("id" = String, Path, description = "The request")),
    responses(
        (status = 200, description = "It is refused", body = Membership),
        (status = 401, description = "Not an operator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such request", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "It has waited too long", body = Problem, content_type = "application/problem+json"),
    ))]
async fn refuse(
    _: Operator,
    State(coordinator): State<Coordinator>,
    In(id): In<JoinRequestId>,
) -> Result<Json<Membership>, Refusal> {
    decided(&coordinator, id, join::refuse(&coordinator, id).await?, JoinState::Refused)
}

fn decided(
    coordinator: &Coordinator,
    id: JoinRequestId,
    decided: Decided,
    state: JoinState,
) -> Result<Json<Membership>, Refusal> {
    match decided {
        Decided::Done(name) => Ok(Json(Membership { name, state, expires_at: coordinator.now() })),
        Decided::Unknown => Err(Refusal::not_found("join request", id)),
        Decided::Before(state) => Err(Refusal::Conflict { detail: format!("join request {id} is {state} already") }),
        Decided::Expired(at) => Err(too_late(id, at)),
        Decided::NameTaken(name) => Err(Refusal::Conflict {
            detail: format!(
                "there is a runner `{name}` already; `admin runners revoke {name}` frees the name, or refuse {id} and let \
                 the volunteer choose another"
            ),
        }),
    }
}
