//! Errors on the wire: `application/problem+json` that names the thing, whatever part of the server found the fault.

use axum::Json;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::Problem;

use crate::error::sentence;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A request that is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request makes no sense, or not to this address; the status is the one of the extractor that found it.
    #[error("{detail}")]
    Request {
        /// A status from 400 to 499.
        status: StatusCode,
        /// What is wrong with it.
        detail: String,
    },
    /// No token, or none that is known.
    #[error("{detail}")]
    Unauthorized {
        /// Whose token is missing.
        detail: &'static str,
    },
    /// The token is known, and may not do this for now.
    #[error("{detail}")]
    Forbidden {
        /// Why.
        detail: String,
    },
    /// There is no such thing.
    #[error("there is no {what}")]
    NotFound {
        /// The thing, with its id.
        what: String,
    },
    /// It is not so any more: the lease is lost, the name is taken.
    #[error("{detail}")]
    Conflict {
        /// What stands against it.
        detail: String,
    },
    /// A body is well-formed and not acceptable.
    #[error("{detail}")]
    Unprocessable {
        /// Why.
        detail: String,
    },
    /// A body is larger than the limit.
    #[error("{detail}")]
    TooLarge {
        /// The limit.
        detail: String,
    },
    /// The coordinator's own fault; the detail is logged, and not sent.
    #[error("the coordinator failed")]
    Internal(Box<crate::Error>),
}

impl From<crate::Error> for Refusal {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Store(error) => error.into(),
            other => Self::Internal(Box::new(other)),
        }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::BlobTooLarge { .. } => Self::TooLarge { detail: error.to_string() },
            store::Error::BlobInvalid { .. } => Self::Unprocessable { detail: error.to_string() },
            other => Self::Internal(Box::new(other.into())),
        }
    }
}

impl Refusal {
    pub(crate) fn not_found(kind: &str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { what: format!("{kind} `{id}`") }
    }

    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::Request { status: StatusCode::BAD_REQUEST, detail: detail.into() }
    }

    pub(crate) fn too_many(detail: impl Into<String>) -> Self {
        Self::Request { status: StatusCode::TOO_MANY_REQUESTS, detail: detail.into() }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Request { status, .. } => *status,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Unprocessable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Internal(error) = &self {
            tracing::error!(error = %sentence(&**error), "a request failed");
        }
        let status = self.status();
        let mut response = problem(status, self.to_string());
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(super) fn problem(status: StatusCode, detail: String) -> Response {
    let body = Problem { status: status.as_u16(), title: title(status).to_owned(), detail };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    response
}

/// The kind of error, for people.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "The request makes no sense",
        StatusCode::UNAUTHORIZED => "A token is needed",
        StatusCode::FORBIDDEN => "Not for now",
        StatusCode::NOT_FOUND => "There is no such thing",
        StatusCode::METHOD_NOT_ALLOWED => "This address does not do that",
        StatusCode::REQUEST_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE => "It took too long",
        StatusCode::CONFLICT => "It is not so any more",
        StatusCode::PAYLOAD_TOO_LARGE => "The body is too large",
        StatusCode::TOO_MANY_REQUESTS => "Not so often",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The body has another type",
        StatusCode::UPGRADE_REQUIRED => "Another protocol",
        StatusCode::UNPROCESSABLE_ENTITY => "The body is not acceptable",
        StatusCode::INTERNAL_SERVER_ERROR => "The coordinator failed",
        other => match other.canonical_reason() {
            Some(reason) => reason,
            None => "An error",
        },
    }
}

/// Middleware that puts every error of the layers below into this form: no route, no such method, too late, a panic.
pub(crate) async fn dress(request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    let status = response.status();
    let dressed = response.headers().get(CONTENT_TYPE) == Some(&PROBLEM_JSON);
    if dressed || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    problem(status, plain_detail(status, &method, &uri))
}

fn plain_detail(status: StatusCode, method: &Method, uri: &Uri) -> String {
    let path: String = uri.path().chars().take(200).collect();
    match status {
        StatusCode::NOT_FOUND => format!("there is nothing at `{path}`; `/api/v1/openapi.json` lists what there is"),
        // Which ones it takes, axum adds to the header `allow` further out.
        StatusCode::METHOD_NOT_ALLOWED => format!("`{path}` does not take {method}"),
        StatusCode::REQUEST_TIMEOUT => format!("`{method} {path}` was not done in time; try again"),
        StatusCode::PAYLOAD_TOO_LARGE => format!("the body of `{method} {path}` is too large"),
        _ if status.is_server_error() => "the coordinator failed".to_owned(),
        _ => format!("`{method} {path}` was refused"),
    }
}
