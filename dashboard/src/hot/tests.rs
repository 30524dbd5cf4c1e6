use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::body::to_bytes;
use axum::routing::get;
use protocol::{ManualClock, Timestamp};
use tower::ServiceExt;

use super::*;

/// A router behind the layer that counts how often it was asked.
struct Stage {
    router: Router,
    made: Arc<AtomicUsize>,
    clock: ManualClock,
    store: Store,
    _dir: tempfile::TempDir,
}

impl Stage {
    async fn set(headers: &'static [(&'static str, &'static str)], body: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::connect(&format!("sqlite://{}/farm.db", dir.path().display())).await.unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(1_795_212_000_000));
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let page = move || {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let mut response = format!("{body}{number}").into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, HeaderValue::from_static(value));
            }
            std::future::ready(response)
        };
        let router = hot(Router::new().fallback(get(page)), store.clone(), Arc::new(clock.clone()));
        Self { router, made, clock, store, _dir: dir }
    }

    async fn get(&self, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request =
            headers.iter().fold(Request::get("/page?q=1"), |request, (name, value)| request.header(*name, *value));
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, to_bytes(body, usize::MAX).await.unwrap().to_vec())
    }

    async fn body(&self) -> String {
        String::from_utf8(self.get(&[]).await.2).unwrap()
    }
}

#[tokio::test]
async fn an_answer_is_made_again_when_something_was_committed() {
    let stage = Stage::set(&[("etag", "W/\"a\"")], "page ").await;
    assert_eq!((stage.body().await, stage.body().await), ("page 1".into(), "page 1".into()));
    stage.store.begin().await.unwrap().commit().await.unwrap();
    assert_eq!((stage.body().await, stage.body().await), ("page 2".into(), "page 2".into()));
    drop(stage.store.begin().await.unwrap());
    assert_eq!(stage.body().await, "page 2", "what was not committed has changed nothing");
    stage.clock.advance(Duration::from_secs(10));
    assert_eq!(stage.body().await, "page 3");
}

#[tokio::test]
async fn who_has_it_is_told_so_and_who_does_not_gets_it() {
    let stage = Stage::set(&[("etag", "W/\"a\""), ("cache-control", "no-cache")], "page ").await;
    for _ in 0..2 {
        let (status, headers, body) = stage.get(&[("if-none-match", "\"b\", W/\"a\"")]).await;
        assert_eq!((status, body.len(), &headers[ETAG]), (StatusCode::NOT_MODIFIED, 0, &"W/\"a\"".parse().unwrap()));
    }
    let (status, _, body) = stage.get(&[("if-none-match", "W/\"b\"")]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"page 1"[..]));
}

#[tokio::test]
async fn json_without_a_tag_gets_one() {
    let stage = Stage::set(&[("content-type", "application/json")], "7").await;
    let tag = stage.get(&[]).await.1[ETAG].to_str().unwrap().to_owned();
    assert_eq!(stage.get(&[("if-none-match", &tag)]).await.0, StatusCode::NOT_MODIFIED);
    assert_eq!(stage.made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_long_answer_is_compressed_once_for_who_takes_that() {
    let long: &'static str = "<p>a long page of the farm</p>\n".repeat(200).leak();
    let stage = Stage::set(&[("etag", "W/\"a\"")], long).await;
    let (_, headers, packed) = stage.get(&[("accept-encoding", "br, gzip;q=0.8")]).await;
    assert_eq!(
        (&headers["content-encoding"], &headers["vary"]),
        (&"gzip".parse().unwrap(), &"accept-encoding".parse().unwrap())
    );
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut plain).unwrap();
    assert_eq!(plain, stage.body().await.into_bytes());
    for refused in ["gzip;q=0", "identity", "br"] {
        let (_, headers, body) = stage.get(&[("accept-encoding", refused)]).await;
        assert!(!headers.contains_key("content-encoding") && body == plain, "{refused}");
    }
    assert_eq!(stage.made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_not_for_everybody_is_not_kept() {
    for headers in [
        &[("etag", "W/\"a\""), ("cache-control", "no-store")][..],
        &[("etag", "W/\"a\""), ("set-cookie", "a=b")],
        &[("etag", "\"strong\"")],
        &[("content-type", "text/html")],
    ] {
        let stage = Stage::set(headers, "page ").await;
        assert_eq!((stage.body().await, stage.body().await), ("page 1".into(), "page 2".into()), "{headers:?}");
    }
    let stage = Stage::set(&[("etag", "W/\"a\"")], "page ").await;
    stage.body().await;
    for name in ["authorization", "cookie", "range"] {
        stage.get(&[(name, "x")]).await;
    }
    assert_eq!(stage.made.load(Ordering::SeqCst), 4);
}
