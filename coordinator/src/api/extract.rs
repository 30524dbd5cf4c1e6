//! axum's extractors with their refusals as problems that say what is wrong.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api::problem::Refusal;

/// How many things a page lists where its reader does not say.
const PAGE: u32 = 50;
/// How many it lists at most.
pub(crate) const MAX_PAGE: u32 = 200;

/// How many things a page lists, by the `limit` that its reader gave.
pub(crate) fn page_length(limit: Option<u32>) -> Result<u32, Refusal> {
    match limit.unwrap_or(PAGE) {
        limit @ 1..=MAX_PAGE => Ok(limit),
        limit => Err(Refusal::bad(format!("`limit` is {limit}; it may be from 1 to {MAX_PAGE}"))),
    }
}

/// A body of JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let read = Json::<T>::from_request(request, state).await;
        read.map(|Json(body)| Self(body))
            .map_err(|rejection: JsonRejection| refuse(rejection.status(), rejection.body_text()))
    }
}

/// A body of bytes.
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let read = Bytes::from_request(request, state).await;
        read.map(Self).map_err(|rejection: BytesRejection| refuse(rejection.status(), rejection.body_text()))
    }
}

/// What stands in the address.
pub(crate) struct In<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for In<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(value)| Self(value)).map_err(|rejection: PathRejection| {
            let text = rejection.body_text();
            Refusal::bad(text.strip_prefix("Invalid URL: ").unwrap_or(&text))
        })
    }
}

/// What stands after the `?`.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        read.map(|Query(value)| Self(value)).map_err(|rejection: QueryRejection| Refusal::bad(rejection.body_text()))
    }
}

fn refuse(status: StatusCode, detail: String) -> Refusal {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::TooLarge { detail: "the body is larger than this address takes".into() }
        }
        StatusCode::UNPROCESSABLE_ENTITY => Refusal::Unprocessable { detail },
        status => Refusal::Request { status, detail },
    }
}
