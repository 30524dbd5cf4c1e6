//! GitHub's API as far as issues and comments go, in the shapes that it has: <https://docs.github.com/en/rest/issues>.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::GitHub;

const TOKEN: &str = "ghp_operator";

/// A repository's issues, and every call that was made.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) issues: Vec<Value>,
    pub(crate) comments: Vec<(u64, Value)>,
    pub(crate) calls: Vec<String>,
    /// The statuses with which the next calls fail, the last one first; 0 is none.
    pub(crate) failures: Vec<u16>,
}

type Shared = Arc<Mutex<Book>>;

pub(crate) struct Hub {
    pub(crate) book: Shared,
    at: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Hub {
    pub(crate) async fn start() -> Self {
        let book = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/repos/theory/pair/issues", get(list).post(create))
            .route("/repos/theory/pair/issues/{number}", get(show).patch(update))
            .route("/repos/theory/pair/issues/{number}/comments", get(comments).post(comment))
            .layer(from_fn_with_state(book.clone(), guard))
            .with_state(book.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { book, at, _tasks: tasks }
    }

    pub(crate) fn config(&self) -> GitHub {
        GitHub { api: format!("http://{}", self.at).parse().unwrap(), token: TOKEN.into() }
    }

    /// What was done since the last look, without what only reads.
    pub(crate) fn done(&self) -> Vec<String> {
        let calls = std::mem::take(&mut self.book.lock().unwrap().calls);
        calls.into_iter().filter(|call| !call.starts_with("GET")).collect()
    }

    pub(crate) fn issue(&self, number: usize) -> Value {
        self.book.lock().unwrap().issues[number - 1].clone()
    }
}

/// Lets nobody in without the token, and keeps account.
async fn guard(State(book): State<Shared>, request: Request, next: Next) -> Response {
    if request.headers().get("authorization").is_none_or(|value| value != &format!("Bearer {TOKEN}")[..]) {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "message": "Bad credentials", "documentation_url": "https://docs.github.com/rest" })),
        )
            .into_response();
    }
    let failure = {
        let mut book = book.lock().unwrap();
        book.calls.push(format!("{} {}", request.method(), request.uri().path()));
        book.failures.pop().filter(|status| *status > 0)
    };
    match failure {
        Some(status) => {
            let body = json!({ "message": "Not this time", "documentation_url": "https://docs.github.com/rest" });
            (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
        }
        None => next.run(request).await,
    }
}

fn user() -> Value {
    let at = |path: &str| format!("https://api.github.com/users/farm{path}");
    json!({
        "login": "farm", "id": 1, "node_id": "U_1", "avatar_url": "https://avatars.githubusercontent.com/u/1", "gravatar_id": "",
        "url": at(""), "html_url": "https://github.com/farm", "followers_url": at("/followers"), "following_url": at("/following"),
        "gists_url": at("/gists"), "starred_url": at("/starred"), "subscriptions_url": at("/subscriptions"),
        "organizations_url": at("/orgs"), "repos_url": at("/repos"), "events_url": at("/events"),
        "received_events_url": at("/received_events"), "type": "User", "site_admin": false,
    })
}

fn issue(number: usize, title: &Value, body: &Value) -> Value {
    let at = format!("https://api.github.com/repos/theory/pair/issues/{number}");
    json!({
        "id": 1000 + number, "node_id": "I_1", "url": at, "repository_url": "https://api.github.com/repos/theory/pair",
        "labels_url": format!("{at}/labels"), "comments_url": format!("{at}/comments"), "events_url": format!("{at}/events"),
        "html_url": format!("https://github.com/theory/pair/issues/{number}"), "number": number, "state": "open",
        "state_reason": null, "title": title, "body": body, "user": user(), "labels": [], "assignee": null, "assignees": [],
        "author_association": "NONE", "milestone": null, "locked": false, "active_lock_reason": null, "comments": 0,
        "closed_at": null, "created_at": "2026-11-27T00:00:00Z", "updated_at": "2026-11-27T00:00:00Z",
    })
}

async fn list(State(book): State<Shared>) -> Json<Value> {
    let open: Vec<Value> =
        book.lock().unwrap().issues.iter().filter(|issue| issue["state"] == "open").cloned().collect();
    Json(open.into())
}

async fn create(State(book): State<Shared>, Json(wish): Json<Value>) -> Response {
    let mut book = book.lock().unwrap();
    let made = issue(book.issues.len() + 1, &wish["title"], &wish["body"]);
    book.issues.push(made.clone());
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn show(State(book): State<Shared>, Path(number): Path<usize>) -> Json<Value> {
    Json(book.lock().unwrap().issues[number - 1].clone())
}

async fn update(State(book): State<Shared>, Path(number): Path<usize>, Json(wish): Json<Value>) -> Json<Value> {
    let mut book = book.lock().unwrap();
    let issue = &mut book.issues[number - 1];
    for (key, value) in wish.as_object().unwrap() {
        assert!(["title", "body", "state", "state_reason"].contains(&key.as_str()), "{key}");
        issue[key] = value.clone();
    }
    Json(issue.clone())
}

async fn comments(State(book): State<Shared>, Path(number): Path<u64>) -> Json<Value> {
    let book = book.lock().unwrap();
    let of_issue = book.comments.iter().filter(|(of, _)| *of == number);
    Json(of_issue.map(|(_, comment)| comment.clone()).collect::<Vec<_>>().into())
}

async fn comment(State(book): State<Shared>, Path(number): Path<u64>, Json(wish): Json<Value>) -> Response {
    let mut book = book.lock().unwrap();
    let id = book.comments.len() + 1;
    let made = json!({
        "id": id, "node_id": "IC_1", "url": format!("https://api.github.com/repos/theory/pair/issues/comments/{id}"),
        "html_url": format!("https://github.com/theory/pair/issues/{number}#issuecomment-{id}"), "body": wish["body"],
        "user": user(), "created_at": "2026-11-27T00:00:00Z", "updated_at": "2026-11-27T00:00:00Z",
    });
    book.comments.push((number, made.clone()));
    (StatusCode::CREATED, Json(made)).into_response()
}
