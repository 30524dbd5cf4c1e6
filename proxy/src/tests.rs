//! Documents from a real registry on a port of its own: there, slow, lying, and gone.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::any;
use protocol::{ManualClock, Timestamp};
use sample::{Mirror, Templates};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::*;
use upstream::{Upstream, Whim, publish};

mod upstream;

const DIST: &str = "/dist/widget.json";
const META: &str = "/dist/widget/1.0.0/META.json";
const ZIP: &str = "/dist/widget/1.0.0/widget-1.0.0.zip";
const LARGE: usize = 3 * 1024 * 1024;

/// A proxy of a registry with one release, and what stands behind it.
struct Stage {
    mirror: Mirror,
    upstream: Upstream,
    clock: Arc<ManualClock>,
    router: Router,
    dir: TempDir,
}

/// An answer as a client sees it.
struct Seen {
    status: StatusCode,
    how: String,
    body: Vec<u8>,
}

impl Stage {
    async fn set() -> Self {
        Self::with_patience(Duration::from_mins(1)).await
    }

    async fn with_patience(patience: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut mirror = Mirror::open(&dir.path().join("tree")).unwrap();
        publish(&mut mirror, "1.0.0", vec![b'z'; LARGE]);
        let upstream = Upstream::serve(mirror.dir()).await;
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_212_000_000)));
        let router = proxied(Config { patience, ..config(&upstream.url, &dir) }, &clock);
        Self { mirror, upstream, clock, router, dir }
    }

    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        ask(&self.router, request).await
    }

    async fn get(&self, path: &str) -> Seen {
        get(&self.router, path).await
    }

    fn later(&self, minutes: u64) {
        self.clock.advance(Duration::from_mins(minutes));
    }
}

fn config(url: &url::Url, dir: &TempDir) -> Config {
    Config::new(url.clone(), dir.path().join("kept"))
}

fn proxied(config: Config, clock: &Arc<ManualClock>) -> Router {
    let behind = Router::new().fallback(any(async || (StatusCode::IM_A_TEAPOT, "a page")));
    before(Proxy::open(config, clock.clone()).unwrap(), behind, &[("source", "/src/{dist}/{dist}-{version}/")])
}

async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn get(router: &Router, path: &str) -> Seen {
    let response = ask(router, Request::get(path).body(Body::empty()).unwrap()).await;
    let how =
        response.headers().get("cache-status").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
    Seen { status, how, body }
}

#[tokio::test]
async fn every_document_of_a_mirror_passes_as_it_is_with_its_type() {
    let stage = Stage::set().await;
    for (path, kind) in [
        (DIST, "application/json"),
        (META, "application/json"),
        (ZIP, "application/zip"),
        ("/user/ann.json", "application/json"),
        ("/users/a.json", "application/json"),
        ("/tag/key%20value.json", "application/json"),
        ("/extension/widget.json", "application/json"),
        ("/stats/dist.json", "application/json"),
        ("/stats/summary.json", "application/json"),
        ("/meta/mirrors.json", "application/json"),
        ("/meta/spec.txt", "text/plain; charset=utf-8"),
    ] {
        let direct = sample::serve::router(stage.mirror.dir());
        let direct = get(&direct, path).await;
        assert_eq!(direct.status, StatusCode::OK, "{path}");
        let response = stage.ask(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let headers = response.headers().clone();
        assert_eq!(headers[CONTENT_TYPE], kind, "{path}");
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(body == direct.body, "{path} is as the registry has it");
        assert_eq!(headers[CONTENT_LENGTH], body.len().to_string());
        let again = Request::get(path).header("if-none-match", &headers[ETAG]).body(Body::empty()).unwrap();
        assert_eq!(stage.ask(again).await.status(), StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn the_index_names_pgxn_s_templates_of_what_the_registry_has() {
    let stage = Stage::set().await;
    let index: serde_json::Value = serde_json::from_slice(&stage.get("/index.json").await.body).unwrap();
    assert_eq!(index["download"], "/dist/{dist}/{version}/{dist}-{version}.zip");
    assert_eq!(index["userlist"], "/users/{letter}.json");
    assert_eq!(index["source"], "/src/{dist}/{dist}-{version}/");
    assert!(index.get("search").is_none());
}

#[tokio::test]
async fn what_is_no_document_here_is_asked_of_what_stands_behind() {
    let stage = Stage::set().await;
    for path in
        ["/", "/dist/widget/", "/search/docs/?q=a", "/search/docs/?q=a", "/src/widget/widget-1.0.0/", "/meta/spec.html"]
    {
        assert_eq!(stage.get(path).await.body, b"a page", "{path}");
    }
    let post = Request::post(DIST).body(Body::empty()).unwrap();
    assert_eq!(stage.ask(post).await.status(), StatusCode::IM_A_TEAPOT);
    let moved = stage.ask(Request::get("/dist/Widget.json").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (moved.status(), &moved.headers()["location"]),
        (StatusCode::MOVED_PERMANENTLY, &"/dist/widget.json".parse().unwrap())
    );
    let options = Request::builder().method(Method::OPTIONS).uri(DIST).body(Body::empty()).unwrap();
    assert_eq!(stage.ask(options).await.headers()["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn a_thousand_askers_are_one_request() {
    let stage = Stage::set().await;
    let until = Arc::new(Notify::new());
    assert_eq!(stage.get("/user/ann.json").await.status, StatusCode::OK, "the index is known");
    stage.upstream.let_it(Whim::Wait(until.clone()));
    let mut askers = JoinSet::new();
    for _ in 0..1000 {
        let router = stage.router.clone();
        askers.spawn(async move { get(&router, DIST).await });
    }
    while stage.upstream.asked(DIST) == 0 {
        tokio::task::yield_now().await;
    }
    stage.upstream.let_it(Whim::None);
    until.notify_waiters();
    while let Some(seen) = askers.join_next().await {
        assert_eq!(seen.unwrap().status, StatusCode::OK);
    }
    assert_eq!(stage.upstream.asked(DIST), 1);
}

#[tokio::test]
async fn what_is_kept_is_asked_for_again_by_its_validators_when_it_is_old() {
    let mut stage = Stage::set().await;
    assert!(stage.get(DIST).await.how.contains("fwd=miss"));
    assert!(stage.get(DIST).await.how.starts_with("pgxn-testers; hit; ttl="));
    stage.later(6);
    assert!(stage.get(DIST).await.how.contains("fwd-status=304"));
    publish(&mut stage.mirror, "1.1.0", b"zip".to_vec());
    assert!(!String::from_utf8(stage.get(DIST).await.body).unwrap().contains("1.1.0"), "it is fresh");
    stage.later(6);
    assert!(String::from_utf8(stage.get(DIST).await.body).unwrap().contains("1.1.0"));
    assert_eq!(stage.upstream.asked(DIST), 3);
}

#[tokio::test]
async fn with_the_registry_gone_all_that_was_seen_is_there_also_after_a_restart() {
    let stage = Stage::set().await;
    let seen = [DIST, META, ZIP, "/stats/dist.json", "/users/a.json"];
    for path in seen {
        assert_eq!(stage.get(path).await.status, StatusCode::OK);
    }
    let (router, clock, dir) = (stage.router.clone(), stage.clock.clone(), stage.dir);
    let config = config(&stage.upstream.url, &dir);
    stage.upstream.goes().await;
    clock.advance(Duration::from_hours(72));
    for router in [router, proxied(config, &clock)] {
        for path in seen {
            let seen = get(&router, path).await;
            assert_eq!(seen.status, StatusCode::OK, "{path}");
            assert!(seen.how.contains("fwd=stale; ttl=0; detail="), "{}", seen.how);
        }
        let unseen = get(&router, "/dist/other.json").await;
        assert_eq!(unseen.status, StatusCode::BAD_GATEWAY);
        assert!(String::from_utf8(unseen.body).unwrap().contains("cannot be reached"));
    }
}

#[tokio::test]
async fn a_slow_registry_delays_nobody_for_long_and_is_heard_in_the_end() {
    let mut stage = Stage::with_patience(Duration::from_millis(100)).await;
    stage.get(DIST).await;
    stage.later(6);
    publish(&mut stage.mirror, "1.1.0", b"zip".to_vec());
    let until = Arc::new(Notify::new());
    stage.upstream.let_it(Whim::Wait(until.clone()));
    let seen = stage.get(DIST).await;
    assert!(seen.how.contains("detail=\"the registry has not sent"), "{}", seen.how);
    assert!(stage.get(DIST).await.how.contains("ttl=0"));
    stage.upstream.let_it(Whim::None);
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    loop {
        until.notify_waiters();
        let seen = stage.get(DIST).await;
        if String::from_utf8(seen.body).unwrap().contains("1.1.0") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "what it sent late is not given: {}", seen.how);
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.upstream.asked(DIST), 2, "it is not asked again meanwhile");
}

#[tokio::test]
async fn a_page_in_the_place_of_a_document_never_replaces_it() {
    let stage = Stage::set().await;
    let before = stage.get(DIST).await.body;
    for (status, body) in [
        (StatusCode::OK, "<!doctype html><title>Log in</title>"),
        (StatusCode::OK, "\"a text\""),
        (StatusCode::OK, "{\"releases\": "),
        (StatusCode::INTERNAL_SERVER_ERROR, "{}"),
        (StatusCode::NOT_FOUND, "not found"),
    ] {
        stage.later(6);
        stage.upstream.let_it(Whim::Say(status, body));
        let seen = stage.get(DIST).await;
        assert_eq!((seen.status, &seen.body), (StatusCode::OK, &before), "{body}");
        assert!(seen.how.contains("detail="), "{}", seen.how);
    }
}

#[tokio::test]
async fn what_the_registry_has_not_is_asked_for_once_in_a_while() {
    let mut stage = Stage::set().await;
    let path = "/dist/widget/1.1.0/META.json";
    for _ in 0..3 {
        let seen = stage.get(path).await;
        assert_eq!((seen.status, &seen.body[..]), (StatusCode::NOT_FOUND, &b"not found"[..]));
    }
    assert_eq!(stage.upstream.asked(path), 1);
    publish(&mut stage.mirror, "1.1.0", b"zip".to_vec());
    stage.later(1);
    assert_eq!(stage.get(path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_archive_that_is_not_the_one_of_its_meta_json_is_never_given() {
    let mut stage = Stage::set().await;
    let path = stage.mirror.archive_path(&"widget".parse().unwrap(), &"1.0.0".parse().unwrap());
    let right = std::fs::read(&path).unwrap();
    std::fs::write(&path, b"something else").unwrap();
    let seen = stage.get(ZIP).await;
    assert_eq!(seen.status, StatusCode::BAD_GATEWAY);
    assert!(String::from_utf8(seen.body).unwrap().contains("but its META.json states"));
    std::fs::write(&path, &right).unwrap();
    stage.later(1);
    assert!(stage.get(ZIP).await.body == right);
    // Replaced in the registry, as its administrators do: the new one, once META.json is read again, and the old one never again.
    publish(&mut stage.mirror, "1.0.0", b"another".to_vec());
    stage.later(6);
    assert!(stage.get(ZIP).await.body == b"another");
}

#[tokio::test]
async fn an_archive_is_fetched_once_and_streamed_from_disk() {
    let stage = Stage::set().await;
    let mut askers = JoinSet::new();
    for _ in 0..50 {
        let router = stage.router.clone();
        askers.spawn(async move { get(&router, ZIP).await });
    }
    while let Some(seen) = askers.join_next().await {
        assert_eq!(seen.unwrap().body.len(), LARGE);
    }
    stage.later(600);
    assert!(stage.get(ZIP).await.how.contains("hit"));
    assert_eq!(stage.upstream.asked(ZIP), 1);
    let kept = std::fs::read_dir(stage.dir.path().join("kept/documents")).unwrap();
    assert!(kept.flatten().all(|entry| entry.file_type().unwrap().is_file()), "no directory of a download is left");
}

#[tokio::test]
async fn a_mirror_on_disk_and_one_without_user_lists_serve_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open_with(&dir.path().join("tree"), Templates::Mirror).unwrap();
    publish(&mut mirror, "1.0.0", b"zip".to_vec());
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let router = proxied(config(&url::Url::from_file_path(mirror.dir()).unwrap(), &dir), &clock);
    assert_eq!(get(&router, DIST).await.status, StatusCode::OK);
    assert_eq!(get(&router, ZIP).await.body, b"zip");
    assert_eq!(get(&router, "/users/a.json").await.body, b"a page");
}

/// A request for an archive with headers, as its status, its `Content-Range` and its body.
async fn part(stage: &Stage, headers: &[(&str, &str)]) -> (StatusCode, String, Vec<u8>) {
    let request = headers.iter().fold(Request::get(ZIP), |request, (name, value)| request.header(*name, *value));
    let response = stage.ask(request.body(Body::empty()).unwrap()).await;
    let said = response.headers().get("content-range").map(|value| value.to_str().unwrap().to_owned());
    let (status, length) = (response.status(), response.headers().get(CONTENT_LENGTH).cloned());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
    if status.is_success() {
        assert_eq!(length.unwrap(), body.len().to_string());
    }
    (status, said.unwrap_or_default(), body)
}

#[tokio::test]
async fn a_download_that_broke_off_goes_on_where_it_was() {
    let mut stage = Stage::set().await;
    let whole = stage.ask(Request::get(ZIP).body(Body::empty()).unwrap()).await;
    let (tag, ranges) = (whole.headers()[ETAG].to_str().unwrap().to_owned(), whole.headers()["accept-ranges"].clone());
    assert_eq!(ranges, "bytes");
    let whole = to_bytes(whole.into_body(), usize::MAX).await.unwrap().to_vec();
    let half = whole.len() / 2;
    let rest = format!("bytes={half}-");
    let (status, said, body) = part(&stage, &[("range", &rest), ("if-range", &tag)]).await;
    assert_eq!((status, said), (StatusCode::PARTIAL_CONTENT, format!("bytes {half}-{}/{LARGE}", LARGE - 1)));
    assert!([&whole[..half], &body].concat() == whole, "both halves are the archive");
    let (status, said, body) = part(&stage, &[("range", "bytes=-3")]).await;
    assert_eq!((status, body.len()), (StatusCode::PARTIAL_CONTENT, 3), "{said}");
    let (status, said, _) = part(&stage, &[("range", &format!("bytes={LARGE}-"))]).await;
    assert_eq!((status, said), (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{LARGE}")));
    // Replaced in the registry meanwhile: the rest of another archive is of no use.
    publish(&mut stage.mirror, "1.0.0", vec![b'y'; LARGE]);
    stage.later(6);
    let (status, said, body) = part(&stage, &[("range", &rest), ("if-range", &tag)]).await;
    assert_eq!((status, said, body.len()), (StatusCode::OK, String::new(), LARGE));
    assert!(body.iter().all(|byte| *byte == b'y'));
}

#[tokio::test]
async fn what_has_no_parts_is_given_whole() {
    let stage = Stage::set().await;
    let request = Request::get(META).header("range", "bytes=0-3").body(Body::empty()).unwrap();
    let response = stage.ask(request).await;
    assert_eq!((response.status(), response.headers().get("accept-ranges")), (StatusCode::OK, None));
}
