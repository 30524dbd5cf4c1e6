//! Calls of the API, and what it answers.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use crate::{Coordinator, api};

/// A call of the API.
pub(crate) struct Call {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

impl Call {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Body::empty() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str, body: &Value) -> Self {
        Self::new(Method::POST, path).header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn answered_by(self, coordinator: &Coordinator) -> Answer {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = api::router(coordinator.clone(), api::OpenApi::default())
            .oneshot(request.body(self.body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}

/// What the API answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The JSON of a good answer.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, String::from_utf8_lossy(&self.bytes));
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The detail of a problem, which has to be one in every way.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status.as_u16(), status, "{text}");
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json", "{text}");
        let problem: protocol::Problem = serde_json::from_slice(&self.bytes).unwrap();
        assert_eq!(problem.status, status);
        assert!(!problem.title.is_empty() && !problem.detail.is_empty());
        problem.detail
    }
}
