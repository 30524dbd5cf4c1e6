//! A registry's API server on a real socket, as good and as bad as a test needs it.

mod documents;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use protocol::Timestamp;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::testing::START;

/// How the registry misbehaves at one address.
#[derive(Clone, Debug)]
pub(crate) enum Trap {
    /// There is nothing.
    Missing,
    /// This status, without a body.
    Status(u16),
    /// This text with status 200.
    Text(&'static str),
    /// This document instead.
    Json(Value),
    /// Nothing, for ever.
    Hang,
}

/// An API server of a registry, with whatever releases and misbehaviour a test needs.
pub(crate) struct FakeRegistry {
    pub(crate) url: String,
    state: Arc<Mutex<Registered>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Registered {
    releases: Vec<Published>,
    traps: HashMap<String, Trap>,
    asked: Vec<String>,
    feed: Option<usize>,
}

#[derive(Clone)]
struct Published {
    dist: String,
    version: String,
    user: String,
    status: String,
    sha1: String,
    date: Timestamp,
    postgres: Option<String>,
}

impl FakeRegistry {
    pub(super) async fn start() -> Self {
        let state = Arc::<Mutex<Registered>>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&state));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state, _server: server }
    }

    fn change<T>(&self, act: impl FnOnce(&mut Registered) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    /// Publishes a stable release of user `ann`, a minute after the one before.
    pub(crate) fn publish(&self, dist: &str, version: &str) {
        self.publish_by("ann", (dist, version), "stable", None);
    }

    /// Publishes a release that requires a range of PostgreSQL versions.
    pub(crate) fn publish_by(&self, user: &str, (dist, version): (&str, &str), status: &str, postgres: Option<&str>) {
        self.change(|registered| {
            let minutes = i64::try_from(registered.releases.len()).unwrap();
            registered.releases.push(Published {
                dist: dist.into(),
                version: version.into(),
                user: user.into(),
                status: status.into(),
                sha1: "a".repeat(40),
                date: Timestamp::from_millis(START - 3_600_000 + minutes * 60_000),
                postgres: postgres.map(Into::into),
            });
        });
    }

    /// Replaces the archive of a release; the feed shows it again if its date changes with it.
    pub(crate) fn replace(&self, dist: &str, version: &str, sha1: &str, dated_anew: bool) {
        self.change(|registered| {
            let at = registered.releases.iter().position(|r| r.dist == dist && r.version == version).unwrap();
            let mut release = registered.releases.remove(at);
            release.sha1 = sha1.into();
            if dated_anew {
                release.date = Timestamp::from_millis(START);
            }
            registered.releases.push(release);
        });
    }

    /// Shows only so many releases in the feed.
    pub(crate) fn cap_feed(&self, most: usize) {
        self.change(|registered| registered.feed = Some(most));
    }

    pub(crate) fn set_trap(&self, path: &str, trap: Trap) {
        self.change(|registered| registered.traps.insert(path.into(), trap));
    }

    pub(crate) fn remove_trap(&self, path: &str) {
        self.change(|registered| registered.traps.remove(path));
    }

    /// The addresses that were asked for since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.change(|registered| std::mem::take(&mut registered.asked))
    }
}

/// The address of a release's META.json.
pub(crate) fn meta_path(dist: &str, version: &str) -> String {
    format!("/dist/{}/{version}/META.json", dist.to_lowercase())
}

async fn answer(State(state): State<Arc<Mutex<Registered>>>, uri: Uri, headers: HeaderMap) -> Response {
    let (trap, document) = {
        let mut registered = state.lock().unwrap();
        registered.asked.push(uri.path().into());
        (registered.traps.get(uri.path()).cloned(), registered.document(uri.path()))
    };
    match trap {
        Some(Trap::Missing) => return StatusCode::NOT_FOUND.into_response(),
        Some(Trap::Status(status)) => return StatusCode::from_u16(status).unwrap().into_response(),
        Some(Trap::Text(text)) => return text.into_response(),
        Some(Trap::Json(value)) => return value.to_string().into_response(),
        Some(Trap::Hang) => std::future::pending().await,
        None => {}
    }
    let Some(document) = document else { return StatusCode::NOT_FOUND.into_response() };
    let text = document.to_string();
    let etag = format!("\"{}\"", hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(&text)[..8]));
    if headers.get(IF_NONE_MATCH).is_some_and(|seen| seen == etag.as_str()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(ETAG, etag), (CONTENT_TYPE, "application/json".into())], text).into_response()
}
