//! Answers for a mirror tree over HTTP as PGXN's API server does, for the farm's own use on this machine.

use std::path::Path;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::any;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// The version of PGXN's API whose documents these are like; clients print it, none of ours depends on it.
const API_VERSION: HeaderValue = HeaderValue::from_static("0.20.2");

/// Serves the tree in `dir`, which may still be growing.
///
/// Files get `Last-Modified`, `ETag` and a type by their suffix, and conditional requests are answered with 304; everything else,
/// directories too, is a plain text `not found`. To be nested where the registry shall be, such as at `/registry`.
pub fn router(dir: &Path) -> Router {
    let files = ServeDir::new(dir)
        .append_index_html_on_directories(false)
        .fallback(any(not_found))
        .call_fallback_on_method_not_allowed(false);
    let version = SetResponseHeaderLayer::overriding(HeaderName::from_static("x-pgxn-api-version"), API_VERSION);
    Router::new().fallback_service(files).layer(version)
}

async fn not_found() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "not found")
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, Response};
    use protocol::Timestamp;
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;
    use crate::{Mirror, Upload, User};

    async fn get(router: &Router, uri: &str, since: Option<HeaderValue>) -> Response<Body> {
        let mut request = Request::get(uri);
        if let Some(since) = since {
            request = request.header(header::IF_MODIFIED_SINCE, since);
        }
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn publish(mirror: &mut Mirror, version: &str) {
        let meta = json!({"name": "Widget", "version": version, "tags": ["key value"]});
        let upload = Upload::of_bytes(b"zip".to_vec(), meta, User::named("ann"), Timestamp::from_millis(0)).unwrap();
        mirror.publish(upload).unwrap();
    }

    #[tokio::test]
    async fn a_reader_who_asks_conditionally_sees_every_change_even_within_one_second() {
        let dir = tempfile::tempdir().unwrap();
        let mut mirror = Mirror::open(dir.path()).unwrap();
        publish(&mut mirror, "1.0.0");
        let router = Router::new().nest("/registry", router(dir.path()));
        let first = get(&router, "/registry/stats/dist.json", None).await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CONTENT_TYPE], "application/json");
        assert!(first.headers().contains_key("x-pgxn-api-version"));
        let since = first.headers()[header::LAST_MODIFIED].clone();
        let same = get(&router, "/registry/stats/dist.json", Some(since.clone())).await;
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
        publish(&mut mirror, "1.1.0");
        let changed = get(&router, "/registry/stats/dist.json", Some(since)).await;
        assert_eq!(changed.status(), StatusCode::OK);
        let body = to_bytes(changed.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("1.1.0"));
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_plain_not_found() {
        let dir = tempfile::tempdir().unwrap();
        publish(&mut Mirror::open(dir.path()).unwrap(), "1.0.0");
        let router = Router::new().nest("/registry", router(dir.path()));
        for uri in ["/registry/dist/nosuch.json", "/registry/dist/", "/registry/dist", "/registry/../etc/passwd"] {
            let response = get(&router, uri, None).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{uri}");
            let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            assert_eq!(&body[..], b"not found", "{uri}");
        }
    }

    #[tokio::test]
    async fn an_address_with_an_encoded_space_finds_its_tag() {
        let dir = tempfile::tempdir().unwrap();
        publish(&mut Mirror::open(dir.path()).unwrap(), "1.0.0");
        let response = get(&router(dir.path()), "/tag/key%20value.json", None).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
}
