use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use protocol::{ManualClock, Matrix, Timestamp};
use store::{Blobs, Store};
use tower::ServiceExt;

use super::*;
use crate::{Site, Source};

#[test]
fn what_takes_work_is_counted_and_nothing_else() {
    for path in [
        "/search",
        "/search/docs/",
        "/src/pgtap/pgtap-1.3.4/sql/pgtap.sql",
        "/run/01KAJ000000000000000000052/build.log",
        "/dist/pgtap/1.3.4/doc/guide.html",
        "/dist/pgtap/README.html",
        "/api/v1/export/results.ndjson.zst",
        "/api/v1/runs/01KAJ000000000000000000052/files/build.log",
        "/api/v1/runners/join",
    ] {
        assert!(is_costly(path), "{path}");
    }
    for path in [
        "/",
        "/dist/pgtap/",
        "/dist/pgtap/1.3.4/pgtap-1.3.4.zip",
        "/run/01KAJ000000000000000000052",
        "/run/01KAJ000000000000000000052/",
        "/badge/pgtap.svg",
        "/static/style.css",
        "/api/v1/claim",
        "/api/v1/runners/rotate",
        "/api/v1/runs/01KAJ000000000000000000052/renew",
    ] {
        assert!(!is_costly(path), "{path}");
    }
}

/// A router of which anything is there, with a limit of three in a minute.
async fn gated(dir: &tempfile::TempDir, per_minute: u32) -> Router {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_212_000_000)));
    let registry: url::Url = "http://127.0.0.1:9/".parse().unwrap();
    let documents = proxy::Config::new(registry.clone(), dir.path().join("registry"));
    let source = Source {
        store: Store::connect(&format!("sqlite://{}/farm.db", dir.path().display())).await.unwrap(),
        blobs: Blobs::open(dir.path().to_str().unwrap()).unwrap(),
        documents: proxy::Proxy::open(documents, clock.clone()).unwrap(),
        live: live::Live::default(),
    };
    let site = Site {
        registry_url: registry,
        sample: false,
        public_url: "https://testers.example.org/".parse().unwrap(),
        version: "0".into(),
    };
    let pages = Dashboard::new(source, Matrix::embedded(), clock, site);
    let limits = Limits { per_minute: NonZeroU32::new(per_minute), trusted: vec!["127.0.0.0/8".parse().unwrap()] };
    limited(Router::new().fallback(get(async || "here")), pages, limits)
}

async fn ask(router: &Router, path: &str, forwarded_for: &str) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path).header("x-forwarded-for", forwarded_for).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4_711))));
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    (parts.status, parts.headers, text)
}

#[tokio::test]
async fn who_asks_for_too_much_is_told_how_long_to_wait() {
    let dir = tempfile::tempdir().unwrap();
    let router = gated(&dir, 3).await;
    for _ in 0..3 {
        assert_eq!(ask(&router, "/search?q=a", "192.0.2.1").await.0, StatusCode::OK);
    }
    let (status, headers, page) = ask(&router, "/src/pgtap/pgtap-1.3.4/", "192.0.2.1").await;
    assert_eq!((status, &headers[RETRY_AFTER]), (StatusCode::TOO_MANY_REQUESTS, &"21".parse().unwrap()));
    assert!(page.contains("<h1>A little slower, please</h1>") && headers.contains_key("content-security-policy"));
    assert_eq!(headers["cache-control"], "no-store");
    let (status, headers, problem) = ask(&router, "/api/v1/export/results.ndjson.zst", "192.0.2.1").await;
    assert_eq!(
        (status, &headers[CONTENT_TYPE]),
        (StatusCode::TOO_MANY_REQUESTS, &"application/problem+json".parse().unwrap())
    );
    assert!(headers.contains_key(RETRY_AFTER) && problem.contains("\"status\":429"), "{problem}");
    assert_eq!(ask(&router, "/dist/pgtap/", "192.0.2.1").await.0, StatusCode::OK, "what is cheap is always there");
    assert_eq!(
        ask(&router, "/search?q=a", "192.0.2.2").await.0,
        StatusCode::OK,
        "another client has a bucket of its own"
    );
}

#[tokio::test]
async fn without_a_limit_nobody_waits() {
    let dir = tempfile::tempdir().unwrap();
    let router = gated(&dir, 0).await;
    for _ in 0..1_000 {
        assert_eq!(ask(&router, "/search?q=a", "192.0.2.1").await.0, StatusCode::OK);
    }
}
