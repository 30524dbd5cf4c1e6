//! A server that takes webhooks, answers as a test wants, and has a proof file at its well-known place.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A request that came in.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Verifies the signature as a receiver does, with nothing but the secret that it was told.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let code = STANDARD.decode(self.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes(), &code).is_ok()
    }
}

#[derive(Default)]
struct Book {
    got: Mutex<Vec<Got>>,
    /// The answers to the next requests, the last one first; 200 where there is none.
    answers: Mutex<Vec<Answer>>,
    proof: Mutex<Option<String>>,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Status(u16),
    /// After so many seconds, please.
    Later(u64),
    /// A redirect to this server's proof file.
    Elsewhere,
    /// Not at all.
    Never,
}

pub(crate) struct Receiver {
    book: Arc<Book>,
    at: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let book = Arc::<Book>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/hook", post(take))
            .route("/.well-known/pgxn-testers.toml", get(proof))
            .with_state(book.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { book, at, _tasks: tasks }
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// The resources of a META.json that name this server as the home page.
    pub(crate) fn resources(&self) -> serde_json::Value {
        serde_json::json!({ "homepage": self.address("/") })
    }

    pub(crate) fn prove(&self, code: &str) {
        *self.book.proof.lock().unwrap() = Some(format!("subscriptions = [\"other\", \"{code}\"]\n"));
    }

    /// What the proof file holds, whatever that is.
    pub(crate) fn put(&self, text: &str) {
        *self.book.proof.lock().unwrap() = Some(text.to_owned());
    }

    pub(crate) fn answer(&self, answers: &[Answer]) {
        *self.book.answers.lock().unwrap() = answers.iter().rev().copied().collect();
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.book.got.lock().unwrap().clone()
    }

    /// What turned, as it was told: comparison and version.
    pub(crate) fn told(&self) -> Vec<String> {
        let data = |got: &Got| got.json()["data"].clone();
        let words = |data: serde_json::Value| {
            format!("{} {}", data["comparison"].as_str().unwrap(), data["version"].as_str().unwrap())
        };
        self.got().iter().map(data).map(words).collect()
    }
}

async fn take(
    State(book): State<Arc<Book>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert_eq!(query, [("key".to_owned(), "secret".to_owned())]);
    book.got.lock().unwrap().push(Got { headers, body: String::from_utf8(body.to_vec()).unwrap() });
    let answer = book.answers.lock().unwrap().pop().unwrap_or(Answer::Status(200));
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Later(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())]).into_response()
        }
        Answer::Elsewhere => (StatusCode::FOUND, [("location", "/.well-known/pgxn-testers.toml")]).into_response(),
        Answer::Never => std::future::pending().await,
    }
}

async fn proof(State(book): State<Arc<Book>>) -> Response {
    match book.proof.lock().unwrap().clone() {
        Some(text) => text.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
