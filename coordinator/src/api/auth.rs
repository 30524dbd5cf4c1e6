//! Who calls: a runner by its bearer token, an operator by the token in the data directory, a maintainer's CI by an upload token.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use protocol::{Report, SIGNATURE_HEADER, Seal};
use store::TokenHash;
use store::runners::{self, Known, Runner};
use store::upload_tokens::{self, UploadToken};

use crate::Coordinator;
use crate::api::extract::Body;
use crate::api::problem::Refusal;
use crate::together::Ask;

/// Tokens are 64 characters; nothing much longer is even hashed.
const MAX_TOKEN: usize = 256;
const LEASE_TOKEN: &str = "x-lease-token";

/// The runner that calls.
pub(super) struct Caller {
    pub(super) runner: Runner,
    /// Whether it has a key to sign with.
    pub(super) has_key: bool,
}

impl FromRequestParts<Coordinator> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, coordinator: &Coordinator) -> Result<Self, Refusal> {
        let detail = "no runner has this token; `admin runners add` makes one, `admin runners revoke` takes it away";
        let token = TokenHash::of(bearer(&parts.headers).ok_or(Refusal::Unauthorized { detail })?);
        let known = coordinator.callers.ask(coordinator, Bearer(token.clone())).await?;
        let Known { runner, by_next, has_key } = known.ok_or(Refusal::Unauthorized { detail })?;
        if !coordinator.pace.allows(runner.id) {
            return Err(Refusal::too_many(format!("the runner {} calls too often; wait for a second", runner.name)));
        }
        if by_next {
            let mut tx = coordinator.store.begin().await?;
            runners::settle(&mut tx, runner.id, &token).await?;
            tx.commit().await?;
        }
        Ok(Self { runner, has_key })
    }
}

/// A token that a call has.
pub(crate) struct Bearer(TokenHash);

impl Ask for Bearer {
    type Answer = Option<Known>;

    async fn work(coordinator: &Coordinator, asked: &[Self]) -> crate::Result<Vec<Option<Known>>> {
        let tokens: Vec<&TokenHash> = asked.iter().map(|Self(token)| token).collect();
        let mut conn = coordinator.store.read().await?;
        Ok(runners::authenticate_each(&mut conn, &tokens, coordinator.now()).await?)
    }
}

/// Whatever token the caller has, as a digest; for who is no runner yet.
pub(super) struct Token(pub(super) TokenHash);

impl<S: Send + Sync> FromRequestParts<S> for Token {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let detail = "this takes the token that the answer to the join request has";
        bearer(&parts.headers).map(|token| Self(TokenHash::of(token))).ok_or(Refusal::Unauthorized { detail })
    }
}

/// Proof that an operator calls.
pub(super) struct Operator;

impl FromRequestParts<Coordinator> for Operator {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, coordinator: &Coordinator) -> Result<Self, Refusal> {
        let detail = "this takes the operator's token, which is in the file `admin-token` of the data directory";
        match bearer(&parts.headers) {
            Some(token) if coordinator.config.admin_token.matches(token) => Ok(Self),
            _ => Err(Refusal::Unauthorized { detail }),
        }
    }
}

/// The upload token of the caller, which can be used.
pub(super) struct Uploader(pub(super) UploadToken);

impl FromRequestParts<Coordinator> for Uploader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, coordinator: &Coordinator) -> Result<Self, Refusal> {
        let detail = "this takes an upload token; an operator makes one by `admin uploads grant`";
        let token = TokenHash::of(bearer(&parts.headers).ok_or(Refusal::Unauthorized { detail })?);
        let found = upload_tokens::find(&mut coordinator.store.read().await?, &token).await?;
        let found = found.ok_or(Refusal::Unauthorized { detail })?;
        let end = found.revoked_at.or(Some(found.expires_at).filter(|end| *end <= coordinator.now()));
        let Some(end) = end else { return Ok(Self(found)) };
        let detail = format!(
            "this upload token is not good any more since {end}; ask an operator for another (`admin uploads grant`)"
        );
        Err(Refusal::Request { status: StatusCode::UNAUTHORIZED, detail })
    }
}

/// The token that fences the run that the call is about.
pub(super) struct LeaseToken(pub(super) TokenHash);

impl<S: Send + Sync> FromRequestParts<S> for LeaseToken {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let token = parts.headers.get(LEASE_TOKEN).and_then(|value| value.to_str().ok());
        match token {
            Some(token) if (1..=MAX_TOKEN).contains(&token.len()) => Ok(Self(TokenHash::of(token))),
            Some(_) => Err(Refusal::bad(format!("the header `{LEASE_TOKEN}` holds no token"))),
            None => {
                Err(Refusal::bad(format!("the header `{LEASE_TOKEN}` is missing; the claim's answer has its value")))
            }
        }
    }
}

/// A report, and by which key it is signed; none where the call does not say.
pub(super) struct Sealed {
    pub(super) report: Report,
    pub(super) seal: Option<Seal>,
}

impl<S: Send + Sync> FromRequest<S> for Sealed {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let seal = request.headers().get(SIGNATURE_HEADER).map(read_seal).transpose()?;
        let Body(report) = Body::from_request(request, state).await?;
        Ok(Self { report, seal })
    }
}

fn read_seal(value: &HeaderValue) -> Result<Seal, Refusal> {
    let seal = value.to_str().map_err(|error| error.to_string()).and_then(str::parse);
    seal.map_err(|why| Refusal::bad(format!("the header `{SIGNATURE_HEADER}` holds no signature of a report: {why}")))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (1..=MAX_TOKEN).contains(&token.len())).then_some(token)
}
