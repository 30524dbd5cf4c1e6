//! An HTTP server of a tree, static as the real one, with faults on demand.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_http::services::ServeDir;
use url::Url;

/// What goes wrong with one request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// This status, header and body.
    Status(u16, Option<(&'static str, &'static str)>, &'static str),
    /// This body, with status 200.
    Body(Vec<u8>),
    /// This body, said to be gzip.
    Gzip(Vec<u8>),
    /// Silence.
    Hang,
    /// A byte every few milliseconds, for ever.
    Drip,
    /// A promise of 1,000 bytes, ten of them, and the connection closed.
    CutOff,
    /// Bytes without end.
    Endless,
    /// A length of a terabyte, and nothing.
    Huge,
    /// Elsewhere.
    Redirect(String),
}

/// A request as it came.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

#[derive(Default)]
struct Script {
    faults: HashMap<String, VecDeque<Fault>>,
    seen: Vec<Seen>,
}

/// A server that ends when it is dropped.
pub(crate) struct Server {
    pub(crate) url: Url,
    script: Arc<Mutex<Script>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Serves a tree at `/registry`, as a registry behind a proxy may be.
    pub(crate) async fn start(tree: &Path) -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let files =
            ServeDir::new(tree).not_found_service(tower::service_fn(async |_| Ok::<_, Infallible>(not_found())));
        let router = Router::new()
            .nest_service("/registry", files)
            .fallback(async || not_found())
            .layer(from_fn_with_state(Arc::clone(&script), play));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/registry", listener.local_addr().unwrap()).parse().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, _tasks: tasks }
    }

    /// Lets the next requests of a path below the registry fail, one fault each.
    pub(crate) fn fail(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        let mut script = self.script.lock().unwrap();
        script.faults.entry(format!("/registry{path}")).or_default().extend(faults);
    }

    /// The requests so far of a path below the registry.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        let path = format!("/registry{path}");
        self.script.lock().unwrap().seen.iter().filter(|seen| seen.path == path).cloned().collect()
    }

    pub(crate) fn requests(&self) -> usize {
        self.script.lock().unwrap().seen.len()
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// As the API server answers.
fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [("x-pgxn-api-version", "0.21.0")], "not found").into_response()
}

async fn play(State(script): State<Arc<Mutex<Script>>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let fault = {
        let mut script = script.lock().unwrap();
        script.seen.push(Seen { path: path.clone(), headers: request.headers().clone() });
        script.faults.get_mut(&path).and_then(VecDeque::pop_front)
    };
    match fault {
        None => next.run(request).await,
        Some(fault) => answer(fault).await,
    }
}

async fn answer(fault: Fault) -> Response {
    let json = (header::CONTENT_TYPE, "application/json");
    match fault {
        Fault::Status(status, more, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            if let Some((name, value)) = more {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Fault::Body(body) => ([json], body).into_response(),
        Fault::Gzip(body) => ([json, (header::CONTENT_ENCODING, "gzip")], body).into_response(),
        Fault::Hang => std::future::pending().await,
        Fault::Drip => {
            let drops = stream::unfold((), async |()| {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
            });
            ([json], Body::from_stream(Box::pin(drops))).into_response()
        }
        Fault::CutOff => {
            let parts = stream::unfold(true, async |first| {
                if first {
                    return Some((Ok(Bytes::from_static(b"{\"releases")), false));
                }
                // What was sent so far goes out while the body is not ready.
                tokio::task::yield_now().await;
                Some((Err(std::io::Error::other("cut off")), false))
            });
            ([json, (header::CONTENT_LENGTH, "1000")], Body::from_stream(Box::pin(parts))).into_response()
        }
        Fault::Endless => {
            let parts = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![b' '; 16 * 1024])));
            ([json], Body::from_stream(parts)).into_response()
        }
        Fault::Huge => {
            let nothing = stream::pending::<Result<Bytes, Infallible>>();
            ([json, (header::CONTENT_LENGTH, "1000000000000")], Body::from_stream(nothing)).into_response()
        }
        Fault::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
    }
}
