//! A registry on a port of its own, which can be told to misbehave.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use protocol::Timestamp;
use sample::{Mirror, Upload, User};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use url::Url;

/// What a registry does instead of answering.
#[derive(Clone)]
pub(crate) enum Whim {
    /// It answers.
    None,
    /// It answers once it is let.
    Wait(Arc<Notify>),
    /// It answers with this status and body.
    Say(StatusCode, &'static str),
}

#[derive(Clone)]
struct Script(Arc<Mutex<(Whim, Vec<String>)>>);

pub(crate) struct Upstream {
    pub(crate) url: Url,
    script: Script,
    tasks: JoinSet<()>,
}

impl Upstream {
    pub(crate) async fn serve(tree: &Path) -> Self {
        let script = Script(Arc::new(Mutex::new((Whim::None, Vec::new()))));
        let router = Router::new()
            .nest("/registry", sample::serve::router(tree))
            .layer(from_fn_with_state(script.clone(), play));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/registry", listener.local_addr().unwrap()).parse().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, tasks }
    }

    pub(crate) fn let_it(&self, whim: Whim) {
        self.script.0.lock().unwrap().0 = whim;
    }

    /// How often an address was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.script.0.lock().unwrap().1.iter().filter(|seen| *seen == path).count()
    }

    /// Closes the port.
    pub(crate) async fn goes(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn play(State(script): State<Script>, request: Request, next: Next) -> Response {
    let path = request.uri().path().trim_start_matches("/registry").to_owned();
    let whim = {
        let mut script = script.0.lock().unwrap();
        script.1.push(path);
        script.0.clone()
    };
    match whim {
        Whim::None => next.run(request).await,
        Whim::Wait(until) => {
            until.notified().await;
            next.run(request).await
        }
        Whim::Say(status, text) => (status, text).into_response(),
    }
}

/// Publishes a release with an archive of so many bytes.
pub(crate) fn publish(mirror: &mut Mirror, version: &str, archive: Vec<u8>) {
    let meta = json!({"name": "Widget", "version": version, "abstract": "A widget", "tags": ["key value"],
        "provides": {"widget": {"file": "widget.sql", "version": version}}});
    let upload = Upload::of_bytes(archive, meta, User::named("ann"), Timestamp::from_millis(0)).unwrap();
    mirror.publish(upload).unwrap();
}
