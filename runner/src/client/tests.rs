use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::task::JoinSet;

use super::*;

/// A coordinator that has no jobs, and knows one token; it counts who comes with another.
async fn known(token: &'static str) -> (Url, Arc<AtomicUsize>, JoinSet<()>) {
    let refused = Arc::<AtomicUsize>::default();
    let claim = async move |State(refused): State<Arc<AtomicUsize>>, headers: HeaderMap| {
        if headers["authorization"] == format!("Bearer {token}").as_str() {
            return StatusCode::NO_CONTENT;
        }
        refused.fetch_add(1, Ordering::SeqCst);
        StatusCode::UNAUTHORIZED
    };
    let app = axum::Router::new().route("/api/v1/claim", post(claim)).with_state(Arc::clone(&refused));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, refused, server)
}

async fn claim(coordinator: &Coordinator) -> Result<Option<Assignment>, CallError> {
    let request = ClaimRequest {
        targets: Vec::new(),
        emulated: Vec::new(),
        version: VERSION.to_owned(),
        token: None,
        away: None,
    };
    coordinator.claim(&request, Duration::ZERO).await
}

#[tokio::test]
async fn a_call_whose_token_is_refused_is_said_again_with_the_one_that_is_kept_now() {
    let (url, refused, _server) = known("new").await;
    let coordinator = Coordinator::new(&url, "old").unwrap().looking_up(Arc::new(|| Some("new".into())));
    let (first, second) = (coordinator.clone(), coordinator.clone());
    let (first, second) = tokio::join!(claim(&first), claim(&second));
    assert!(first.unwrap().is_none() && second.unwrap().is_none(), "both had the old token");
    let before = refused.load(Ordering::SeqCst);
    assert!(claim(&coordinator).await.unwrap().is_none());
    assert_eq!(refused.load(Ordering::SeqCst), before, "it is remembered");
}

#[tokio::test]
async fn a_token_that_is_refused_and_still_the_one_that_is_kept_is_not_said_again() {
    let (url, refused, _server) = known("new").await;
    let coordinator = Coordinator::new(&url, "old").unwrap().looking_up(Arc::new(|| Some("old".into())));
    assert!(matches!(claim(&coordinator).await, Err(CallError::Refused { status: 401, .. })));
    assert_eq!(refused.load(Ordering::SeqCst), 1);
}

#[test]
fn a_connection_is_shown_without_its_token() {
    let coordinator = Coordinator::new(&"http://127.0.0.1:1/".parse().unwrap(), "secret").unwrap();
    assert!(!format!("{coordinator:?}").contains("secret"));
}

/// A coordinator that answers every claim with that status, and says that it speaks a protocol.
async fn speaking(version: &'static str, status: StatusCode) -> (Url, JoinSet<()>) {
    let claim = async move || {
        let problem =
            r#"{"status": 426, "title": "Another protocol", "detail": "this coordinator speaks protocol 0.1"}"#;
        (status, [(PROTOCOL_HEADER, version)], problem)
    };
    let app = axum::Router::new().route("/api/v1/claim", post(claim));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, server)
}

#[tokio::test]
async fn a_coordinator_of_another_protocol_is_told_with_both_versions_and_what_to_do() {
    for (version, status, expected) in [
        ("2.3", StatusCode::NO_CONTENT, "speaks protocol 2.3, and this runner (pgxn-testers "),
        ("2.3", StatusCode::NOT_FOUND, "speaks protocol 1.0; update this program"),
        ("0.9", StatusCode::NO_CONTENT, "this program is newer: use an older one"),
        ("1.4", StatusCode::UPGRADE_REQUIRED, "says: this coordinator speaks protocol 0.1"),
    ] {
        let (url, _server) = speaking(version, status).await;
        let error = claim(&Coordinator::new(&url, "t").unwrap()).await.unwrap_err();
        assert!(matches!(error, CallError::Protocol { .. }) && !error.is_temporary(), "{version}: {error:?}");
        let said = error.to_string();
        assert!(said.contains(expected) && said.contains(url.as_str()), "{version}: {said}");
    }
    let (url, _server) = speaking("1.4", StatusCode::NO_CONTENT).await;
    let coordinator = Coordinator::new(&url, "t").unwrap();
    assert_eq!(coordinator.heard(), None);
    assert!(claim(&coordinator).await.unwrap().is_none(), "a higher minor is understood");
    assert!(coordinator.heard().unwrap() < Duration::from_mins(1));
}

#[tokio::test]
async fn a_redirect_takes_no_token_to_another_farm() {
    let (other, refused, _server) = known("new").await;
    let target = format!("{other}api/v1/claim");
    let claim_there = async move || (StatusCode::TEMPORARY_REDIRECT, [("location", target)]);
    let app = axum::Router::new().route("/api/v1/claim", post(claim_there));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    let error = claim(&Coordinator::new(&url, "secret").unwrap()).await.unwrap_err();
    assert!(error.to_string().contains(url.as_str()), "{error}");
    assert_eq!(refused.load(Ordering::SeqCst), 0, "nobody asked there");
}
