//! A registry over HTTP that misbehaves for as long as a test wants, and then answers for a mirror tree.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// How a registry answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Good,
    /// Never.
    Hangs,
    /// With HTTP status 500.
    Fails,
    /// With a page for people.
    Html,
}

/// A registry; gone when it is dropped.
pub struct Registry {
    /// Its address.
    pub url: String,
    mood: Arc<Mutex<Mood>>,
    _server: JoinSet<std::io::Result<()>>,
}

impl Registry {
    /// Serves the tree, on an address of its own unless one is given.
    pub async fn start(tree: &Path, mood: Mood, address: Option<&str>) -> Result<Self> {
        let listener = TcpListener::bind(address.unwrap_or("127.0.0.1:0")).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let mood = Arc::new(Mutex::new(mood));
        let app = Router::new().fallback(answer).with_state((Arc::clone(&mood), sample::serve::router(tree)));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url, mood, _server: server })
    }

    /// Changes how it answers.
    pub fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }
}

async fn answer(State((mood, tree)): State<(Arc<Mutex<Mood>>, Router)>, request: Request) -> Response {
    let mood = *mood.lock().unwrap_or_else(PoisonError::into_inner);
    match mood {
        Mood::Good => tree.oneshot(request).await.into_response(),
        Mood::Hangs => std::future::pending().await,
        Mood::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Html => Html("<!DOCTYPE html><title>Maintenance</title>").into_response(),
    }
}
