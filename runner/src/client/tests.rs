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
    let request = ClaimRequest { targets: Vec::new(), emulated: Vec::new(), version: VERSION.to_owned(), token: None };
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
