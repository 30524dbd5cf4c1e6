//! What was just asked for is at hand for the next who asks: pages, badges and documents in memory, within a bound, each for ten seconds or until
//! something is committed, whichever comes first.
//!
//! The stamp is the number of commits of this process's store: one look at a counter tells whether an answer may have changed, so that a farm
//! shows what it knows at once. Where other processes write to the same database, and for words such as “a minute ago”, the ten seconds hold.
//! An answer that is too old is made anew by the first who asks; who asks meanwhile is given the old one, so that a page that takes long
//! is made once however many want it, and a crowd that asks for everything at once waits for no more than two others.
//!
//! Only what would be the same for everybody is kept: whole answers to GET with a tag that is weak, as the pages give, or JSON.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, RANGE, SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use protocol::Clock;
use store::Store;
use tokio::sync::OwnedSemaphorePermit;

mod kept;
mod shelf;

use kept::Kept;
use shelf::{Found, Shelf};

/// A larger answer is not kept.
const MOST: u64 = 1024 * 1024;

struct Hot {
    store: Store,
    clock: Arc<dyn Clock>,
    shelf: Shelf,
}

/// The same, with what was just asked for at hand.
pub fn hot(router: Router, store: Store, clock: Arc<dyn Clock>) -> Router {
    let hot = Hot { store, clock, shelf: Shelf::default() };
    router.layer(from_fn_with_state(Arc::new(hot), answer))
}

async fn answer(State(hot): State<Arc<Hot>>, request: Request, next: Next) -> Response {
    if !may_be_kept(&request) {
        return next.run(request).await;
    }
    let address = request.uri().path_and_query().map(|whole| whole.as_str().to_owned()).unwrap_or_default();
    let asked = Asked::of(request.headers());
    // Read before the answer is made: a commit meanwhile makes it old.
    let (stamp, now) = (hot.store.commits(), hot.clock.now());
    let renewal = match hot.shelf.find(&address, stamp, now) {
        Found::Kept(kept) => return asked.given(&kept),
        Found::Old(renewal) => Some(renewal),
        Found::Nothing => None,
    };
    let request = without_conditions(request);
    let response = next.run(request).await;
    let response = match keepable(response).await {
        Ok(kept) => {
            let kept = Arc::new(kept);
            hot.shelf.keep(address, Arc::clone(&kept), stamp, now);
            asked.given(&kept)
        }
        Err(response) => response,
    };
    drop(renewal);
    response
}

fn may_be_kept(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::GET && ![AUTHORIZATION, COOKIE, RANGE].iter().any(|name| headers.contains_key(name))
}

/// The answer is made whole, also where this asker has it: the next one may not.
fn without_conditions(mut request: Request) -> Request {
    request.headers_mut().remove(IF_NONE_MATCH);
    request
}

/// An answer that is the same for everybody, or else as it was.
async fn keepable(response: Response) -> Result<Kept, Response> {
    let headers = response.headers();
    let says = |name: HeaderName, words: &[&str]| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        words.iter().any(|word| value.contains(word))
    };
    let is_private = headers.contains_key(SET_COOKIE) || says(CACHE_CONTROL, &["no-store", "private"]);
    let is_tagged = headers.get(ETAG).is_some_and(|tag| tag.as_bytes().starts_with(b"W/"));
    let is_json = says(CONTENT_TYPE, &["application/json"]) && !headers.contains_key(ETAG);
    let is_small = response.body().size_hint().exact().is_some_and(|bytes| bytes <= MOST);
    if response.status() != StatusCode::OK || is_private || !(is_tagged || is_json) || !is_small {
        return Err(response);
    }
    let (parts, body) = response.into_parts();
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => Ok(Kept::new(parts.headers, bytes)),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "an answer broke off");
            Err(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
    }
}

/// What of a request decides how a kept answer is given.
struct Asked {
    none_match: Option<HeaderValue>,
    takes_gzip: bool,
}

impl Asked {
    fn of(headers: &HeaderMap) -> Self {
        let none_match = headers.get(IF_NONE_MATCH).cloned();
        let codings = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        Self { none_match, takes_gzip: codings.flat_map(|value| value.split(',')).any(is_gzip) }
    }

    fn given(&self, kept: &Kept) -> Response {
        let known = self.none_match.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kept.is_one_of(known) {
            return (StatusCode::NOT_MODIFIED, kept.headers.clone()).into_response();
        }
        match kept.gzip().filter(|_| self.takes_gzip) {
            Some((headers, bytes)) => (headers.clone(), Body::from(bytes.clone())).into_response(),
            None => (kept.headers.clone(), Body::from(kept.plain.clone())).into_response(),
        }
    }
}

/// Whether an element of `Accept-Encoding` takes gzip.
fn is_gzip(element: &str) -> bool {
    let (coding, weight) = element.split_once(';').unwrap_or((element, ""));
    let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
    coding.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
}

/// Whoever makes an old answer anew; when it goes, be it that nobody waits any more, the next one may try.
struct Renewal {
    place: Arc<shelf::Place>,
    /// One of the few that go on at a time.
    _turn: OwnedSemaphorePermit,
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.place.is_renewed.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
