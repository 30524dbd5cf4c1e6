//! Answers: a view as HTML or as JSON, conditional by `ETag`; headers and error pages by one outer layer.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tower_http::catch_panic::CatchPanicLayer;
use url::form_urlencoded;

use crate::Dashboard;
use crate::address::segment;
use crate::crawl;
use crate::fault::{Fault, Link};
use crate::frame::Frame;

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// That of pages with a script of ours, and of nobody else.
const POLICY_WITH_SCRIPT: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; \
                                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Marks the answer of a page that has a script.
#[derive(Clone, Copy)]
struct WithScript;

/// The same answer, of a page that has a script.
pub(crate) fn with_script(mut response: Response) -> Response {
    response.extensions_mut().insert(WithScript);
    response
}

/// What a request asks of a page, read leniently: an unknown or broken query is no query.
#[derive(Debug)]
pub(crate) struct Ask {
    path: String,
    query: Vec<(String, String)>,
    none_match: Option<HeaderValue>,
}

impl<S: Sync> FromRequestParts<S> for Ask {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.uri.path(), parts.uri.query(), parts.headers.get(IF_NONE_MATCH).cloned()))
    }
}

impl Ask {
    pub(crate) fn of(path: &str, query: Option<&str>, none_match: Option<HeaderValue>) -> Self {
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().take(16).collect();
        Self { path: path.to_owned(), query, none_match }
    }

    /// The path that is asked for.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether anything is asked beyond the path.
    pub(crate) fn has_query(&self) -> bool {
        !self.query.is_empty()
    }

    /// A value of the query.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// An address with what this request's query says of `keys`, so that it shows the same.
    pub(crate) fn keeping(&self, address: &str, keys: &[&str]) -> String {
        let kept = self.query.iter().filter(|(key, value)| keys.contains(&key.as_str()) && !value.is_empty());
        with_query(address, kept)
    }

    /// Sends the asker to where the page is, with the whole query.
    pub(crate) fn moved(&self, address: &str) -> Redirect {
        Redirect::permanent(&with_query(address, self.query.iter()))
    }

    /// Sends the asker to the same address with a slash at its end.
    pub(crate) fn with_slash(&self) -> Redirect {
        self.moved(&format!("{}/", self.path))
    }

    /// Whether the answer should be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        self.get("format") == Some("json") || self.path.strip_suffix(".json").is_some()
    }

    /// Whether the answer should be CSV.
    pub(crate) fn wants_csv(&self) -> bool {
        self.get("format") == Some("csv") || self.path.strip_suffix(".csv").is_some()
    }

    /// A table as CSV, under the name that a browser saves it by.
    pub(crate) fn table(&self, name: &str, csv: String) -> Response {
        let mut response = self.fresh("text/csv; charset=utf-8", "no-cache", csv);
        if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{}.csv\"", segment(name))) {
            response.headers_mut().insert(CONTENT_DISPOSITION, name);
        }
        response
    }

    /// The view as what is asked for: HTML by a template, or JSON.
    pub(crate) fn answer<V: Serialize, T: Template>(
        &self,
        view: &V,
        page: impl FnOnce() -> T,
    ) -> Result<Response, Fault> {
        self.answer_kept(view, "no-cache", page)
    }

    /// The same, with what caches may do with it.
    pub(crate) fn answer_kept<V: Serialize, T: Template>(
        &self,
        view: &V,
        cache: &'static str,
        page: impl FnOnce() -> T,
    ) -> Result<Response, Fault> {
        if self.wants_json() {
            return Ok(self.fresh("application/json", cache, serde_json::to_string(view)?));
        }
        Ok(self.fresh("text/html; charset=utf-8", cache, page().render()?))
    }

    /// A body with its `ETag`, or 304 where the asker has it already. The tag is weak, as the body may be compressed on its way.
    pub(crate) fn fresh(&self, kind: &'static str, cache: &'static str, body: impl Into<bytes::Bytes>) -> Response {
        let body = body.into();
        let tag = format!("W/\"{}\"", &hex::encode(Sha256::digest(&body))[..20]);
        let known = self.none_match.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        let headers = [(ETAG, tag.clone()), (CACHE_CONTROL, cache.to_owned())];
        if known == "*" || known.split(',').any(|one| one.trim().trim_start_matches("W/") == &tag[2..]) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, [(CONTENT_TYPE, kind)], body).into_response()
    }
}

fn with_query<'a>(address: &str, query: impl Iterator<Item = &'a (String, String)>) -> String {
    let pair = |(key, value): &(String, String)| match value.as_str() {
        "" => segment(key),
        value => format!("{}={}", segment(key), segment(value)),
    };
    let pairs = query.map(pair).collect::<Vec<_>>().join("&");
    let mark = if address.contains('?') { "&" } else { "?" };
    if pairs.is_empty() { address.to_owned() } else { format!("{address}{mark}{pairs}") }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage<'a> {
    frame: Frame<'a>,
    title: &'static str,
    asked: &'a str,
    sentence: &'a str,
    near: &'a [Link],
}

/// What lies around every page: a panic becomes a fault, a fault its page, and every answer gets its headers.
pub(crate) fn dress(router: Router<Dashboard>, dashboard: Dashboard) -> Router {
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(dashboard.clone(), finish))
        .with_state(dashboard)
}

#[expect(clippy::needless_pass_by_value, reason = "the layer gives what was thrown away")]
fn panicked(thrown: Box<dyn Any + Send>) -> Response {
    let text = thrown.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| thrown.downcast_ref::<&str>().copied()).unwrap_or("it does not say why");
    Fault::Panicked { text: text.to_owned() }.into_response()
}

/// The outer layer of every page: turns a [`Fault`] into its page, and sets the headers that keep a page safe.
async fn finish(State(dashboard): State<Dashboard>, request: Request, next: Next) -> Response {
    let ask = Ask::of(request.uri().path(), request.uri().query(), None);
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Arc<Fault>>() {
        response = explain(&dashboard, &ask, &fault);
    }
    let has_script = response.extensions_mut().remove::<WithScript>().is_some();
    protect(&mut response, if has_script { POLICY_WITH_SCRIPT } else { POLICY });
    crawl::tell(dashboard.site(), &ask, &mut response);
    response
}

/// The page of a fault, for a layer further out.
pub(crate) fn refuse(dashboard: &Dashboard, ask: &Ask, fault: &Fault) -> Response {
    let mut response = explain(dashboard, ask, fault);
    protect(&mut response, POLICY);
    response
}

fn protect(response: &mut Response, policy: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
}

fn explain(dashboard: &Dashboard, ask: &Ask, fault: &Fault) -> Response {
    let mut response = told(dashboard, ask, fault);
    if let Some(seconds) = fault.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn told(dashboard: &Dashboard, ask: &Ask, fault: &Fault) -> Response {
    let status = fault.status();
    let title = fault.title();
    let detail = fault.sentence();
    if ask.wants_json() || ask.path.starts_with("/api/") {
        let problem = protocol::Problem { status: status.as_u16(), title: title.into(), detail: detail.into() };
        let body = serde_json::to_string(&problem).unwrap_or_default();
        return (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
    }
    let asked: String = ask.path.chars().take(200).collect();
    let frame = Frame::new(dashboard.site(), title, detail);
    let page = FaultPage { frame, title, asked: &asked, sentence: detail, near: fault.near() };
    let body = page.render().unwrap_or_else(|_| detail.to_owned());
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")], body).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use protocol::{ManualClock, Matrix, Timestamp};
    use store::{Blobs, Store};
    use tower::ServiceExt;

    use super::*;
    use crate::{Site, Source};

    fn ask(path: &str, query: &str) -> Ask {
        Ask::of(path, Some(query), None)
    }

    async fn broken() -> &'static str {
        panic!("a secret of the inside")
    }

    #[test]
    fn an_address_keeps_what_is_asked_for_and_nothing_else() {
        let asked = ask("/dists/", "q=a%26b&after=&x=1&from=5");
        assert_eq!(asked.keeping("/dists/?format=json", &["q", "after"]), "/dists/?format=json&q=a%26b");
        assert_eq!(asked.keeping("/symptoms/x.json", &["from"]), "/symptoms/x.json?from=5");
        assert_eq!(asked.keeping("/status.json", &[]), "/status.json");
    }

    #[test]
    fn a_redirect_keeps_the_query_and_cannot_leave_the_site_or_its_header() {
        let to = |path: &str, query: &str| {
            let response = ask(path, query).with_slash().into_response();
            response.headers()["location"].to_str().unwrap().to_owned()
        };
        assert_eq!(to("/queue", ""), "/queue/");
        assert_eq!(to("/dists", "q=semver&format=json"), "/dists/?q=semver&format=json");
        assert_eq!(to("/run/x", "raw"), "/run/x/?raw");
        assert_eq!(to("/symptoms", "major=1%0d%0aX:%20y#z"), "/symptoms/?major=1%0D%0AX%3A%20y%23z");
    }

    #[tokio::test]
    async fn a_page_that_panics_is_a_fault_of_ours_and_says_nothing_of_why() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::connect(&format!("sqlite://{}/farm.db", directory.path().display())).await.unwrap();
        let blobs = Blobs::open(directory.path().to_str().unwrap()).unwrap();
        let url = url::Url::parse("https://testers.example.org/").unwrap();
        let site = Site { registry_url: url.clone(), sample: false, public_url: url.clone(), version: "0.1.0".into() };
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let kept = proxy::Config::new(url.clone(), directory.path().join("registry"));
        let documents = proxy::Proxy::open(kept, clock.clone()).unwrap();
        let source = Source { store, blobs, documents, live: live::Live::default() };
        let dashboard = Dashboard::new(source, Matrix::embedded(), clock, site);
        let router = dress(Router::new().route("/x", get(broken)).route("/x.json", get(broken)), dashboard);
        for (path, kind) in [("/x", "text/html; charset=utf-8"), ("/x.json", "application/problem+json")] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(response.headers()[CONTENT_TYPE], kind);
            assert!(response.headers().contains_key(CONTENT_SECURITY_POLICY));
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains("The fault is ours") && !body.contains("secret"), "{body}");
        }
    }
}
