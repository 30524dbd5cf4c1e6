//! What the tests stand on: a farm on a real database with a clock that stands, and a registry that can be made to misbehave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use pgxn::ClientOptions;
use protocol::{ManualClock, Matrix, Name, Platform, Timestamp, Version};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor};
use store::{Blobs, Store};
use tokio::sync::broadcast::Receiver;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::config::AdminToken;
use crate::{Config, Coordinator, Event, api, operate};

/// An evening on which PostgreSQL 15 to 18 are supported.
pub(crate) const START: i64 = 1_795_200_000_000;

/// A farm with a registry of its own.
pub(crate) struct Farm {
    pub(crate) coordinator: Coordinator,
    pub(crate) clock: ManualClock,
    pub(crate) registry: FakeRegistry,
    pub(crate) events: Receiver<Event>,
    dir: tempfile::TempDir,
}

/// Runs a test on SQLite and on PostgreSQL.
pub(crate) async fn on_both(test: impl AsyncFn(Farm)) {
    test(Farm::start().await).await;
    let (url, name) = new_postgres_database().await;
    let store = Store::connect(&url).await.unwrap();
    test(Farm::on(store.clone(), |_| {}).await).await;
    store.close().await;
    postgres_admin(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn new_postgres_database() -> (String, String) {
    let name = format!("farm_{}", hex::encode(rand::random::<[u8; 12]>()));
    postgres_admin(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    let mut url = url::Url::parse(&postgres_server()).unwrap();
    url.set_path(&name);
    (url.to_string(), name)
}

#[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read at this one place")]
fn postgres_server() -> String {
    std::env::var("FARM_TEST_POSTGRES").expect(
        "this test needs a PostgreSQL server: run it by `scripts/with-postgres cargo test -p coordinator`, or name one in FARM_TEST_POSTGRES",
    )
}

async fn postgres_admin(sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&postgres_server()).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

impl Farm {
    /// A farm on a new SQLite database.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("farm.db").display());
        let mut farm = Self::on(Store::connect(&url).await.unwrap(), adjust).await;
        // The database goes when the farm goes.
        farm.dir = dir;
        farm
    }

    async fn on(store: Store, adjust: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = FakeRegistry::start().await;
        let clock = ManualClock::at(Timestamp::from_millis(START));
        let coordinator = assemble(&store, &dir, &registry, &clock, adjust);
        let events = coordinator.events().subscribe();
        Self { coordinator, clock, registry, events, dir }
    }

    /// The same farm after a restart, on the same data.
    pub(crate) fn restarted(&self, adjust: impl FnOnce(&mut Config)) -> Coordinator {
        assemble(&self.coordinator.store, &self.dir, &self.registry, &self.clock, adjust)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.coordinator.now()
    }

    /// What has happened since the last look.
    pub(crate) fn happened(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// Lets a runner in, and returns its token.
    pub(crate) async fn runner(&self, name: &str) -> String {
        operate::add_runner(&self.coordinator, &name.parse().unwrap()).await.unwrap().unwrap().token
    }

    /// Calls the API.
    pub(crate) async fn call(&self, call: Call) -> Answer {
        call.answered_by(&self.coordinator).await
    }

    /// Takes in what the registry's feed has.
    pub(crate) async fn watch(&self) -> crate::Tick {
        crate::watch::tick(&self.coordinator, self.now()).await.unwrap()
    }
}

fn assemble(
    store: &Store,
    dir: &tempfile::TempDir,
    registry: &FakeRegistry,
    clock: &ManualClock,
    adjust: impl FnOnce(&mut Config),
) -> Coordinator {
    let blobs = Blobs::open(&dir.path().join("blobs").display().to_string()).unwrap();
    let mut config = Config::new(registry.url.parse().unwrap(), AdminToken::random());
    config.platforms = vec![Platform::Amd64];
    config.client = ClientOptions { attempts: 1, ..ClientOptions::default() };
    adjust(&mut config);
    Coordinator::new(store.clone(), blobs, Matrix::embedded(), Arc::new(clock.clone()), config).unwrap()
}

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
        let response = api::router(coordinator.clone()).oneshot(request.body(self.body).unwrap()).await.unwrap();
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
    async fn start() -> Self {
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

impl Registered {
    fn document(&self, path: &str) -> Option<Value> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts[..] {
            ["index.json"] => Some(json!({
                "dist": "/dist/{dist}.json", "meta": "/dist/{dist}/{version}/META.json", "stats": "/stats/{stats}.json",
                "download": "/dist/{dist}/{version}/{dist}-{version}.zip", "user": "/user/{user}.json",
                "userlist": "/users/{letter}.json",
            })),
            ["stats", "dist.json"] => Some(self.feed()),
            ["users", file] => self.users(file.strip_suffix(".json")?),
            ["user", file] => Some(self.user(file.strip_suffix(".json")?)),
            ["dist", dist, version, "META.json"] => {
                let found = |release: &&Published| release.dist.to_lowercase() == dist && release.version == version;
                self.releases.iter().find(found).map(Published::meta)
            }
            _ => None,
        }
    }

    fn feed(&self) -> Value {
        let mut releases = self.releases.clone();
        releases.sort_by_key(|release| std::cmp::Reverse(release.date));
        let entry =
            |r: &Published| json!({"dist": r.dist, "version": r.version, "date": r.date.to_string(), "user": r.user});
        let recent: Vec<Value> = releases.iter().take(self.feed.unwrap_or(56)).map(entry).collect();
        json!({"count": 1, "releases": releases.len(), "recent": recent})
    }

    fn users(&self, letter: &str) -> Option<Value> {
        let mut users: Vec<&str> =
            self.releases.iter().map(|r| r.user.as_str()).filter(|u| u.starts_with(letter)).collect();
        users.sort_unstable();
        users.dedup();
        let list: Vec<Value> = users.iter().map(|user| json!({"user": user, "name": user})).collect();
        (!list.is_empty()).then(|| json!(list))
    }

    fn user(&self, user: &str) -> Value {
        let mut dists: HashMap<&str, HashMap<&str, Vec<Value>>> = HashMap::new();
        for r in self.releases.iter().filter(|r| r.user == user) {
            let list = dists.entry(&r.dist).or_default().entry(&r.status).or_default();
            list.push(json!({"version": r.version, "date": r.date.to_string()}));
        }
        json!({"nickname": user, "name": user, "releases": dists})
    }
}

impl Published {
    fn meta(&self) -> Value {
        let mut meta = json!({
            "name": self.dist, "version": self.version, "abstract": format!("What {} does", self.dist),
            "release_status": self.status, "user": self.user, "sha1": self.sha1, "date": self.date.to_string(),
            "license": "postgresql", "maintainer": "Ann <ann@example.org>",
            "provides": {&self.dist: {"file": "x.sql", "version": self.version}},
        });
        if let Some(range) = &self.postgres {
            meta["prereqs"] = json!({"runtime": {"requires": {"PostgreSQL": range}}});
        }
        meta
    }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
