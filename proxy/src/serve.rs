//! Documents over HTTP: conditional by `ETag`, for scripts of any site (CORS), with what a cache on the way has to know (RFC 9111, RFC 9211).

use std::io::SeekFrom;
use std::ops::RangeInclusive;

use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State as Given};
use axum::http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::Proxy;
use crate::document::{Document, Found, KINDS, Media};
use crate::error::Error;
use crate::fresh::{Answer, Body, State};
use crate::range::{Wanted, wanted};

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// No document of a registry is a page: a browser that takes one for one gets nothing to run.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// Kinds of documents: the names of their templates, and the templates.
pub type Offers = &'static [(&'static str, &'static str)];

/// Serves the registry's documents at their addresses, and everything else by `router`: also documents of a kind that the registry does not offer,
/// of which it makes those that `offers` names, each with its template.
pub fn before(proxy: Proxy, router: Router, offers: Offers) -> Router {
    router.layer(from_fn_with_state((proxy, offers), intercept))
}

async fn intercept(Given((proxy, offers)): Given<(Proxy, Offers)>, request: Request, next: Next) -> Response {
    let uri = request.uri();
    let is_index = uri.path() == "/index.json";
    let found = if is_index { None } else { Document::at(uri.path(), uri.query()) };
    if found.is_none() && !is_index {
        return next.run(request).await;
    }
    let mut response = match *request.method() {
        Method::GET | Method::HEAD => match found {
            Some(Found::Here(document)) => match proxy.get(&document).await {
                Err(Error::NotOffered { .. }) => return next.run(request).await,
                answer => respond(&document, answer, (request.method(), request.headers())).await,
            },
            Some(Found::Moved(to)) => moved(&to),
            None => index(&proxy, offers).await,
        },
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => return next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("ETag, Cache-Status, Content-Range, Accept-Ranges"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn moved(to: &str) -> Response {
    (StatusCode::MOVED_PERMANENTLY, [(LOCATION, to)]).into_response()
}

/// Which documents there are here: PGXN's templates, of the kinds that the registry has.
async fn index(proxy: &Proxy, offers: Offers) -> Response {
    let registry = proxy.registry().await.ok();
    let has = |name| registry.as_ref().is_none_or(|registry| registry.has(name));
    let kinds = KINDS.iter().filter(|kind| has(kind.name)).map(|kind| (kind.name, kind.template));
    let templates: Map<String, Value> =
        kinds.chain(offers.iter().copied()).map(|(name, template)| (name.to_owned(), template.into())).collect();
    ([(CACHE_CONTROL, "public, max-age=300")], axum::Json(templates)).into_response()
}

async fn respond(document: &Document, answer: Result<Option<Answer>, Error>, asked: (&Method, &HeaderMap)) -> Response {
    match answer {
        Ok(Some(answer)) => found(document, answer, asked).await,
        // As PGXN's API server says it.
        Ok(None) => plain(StatusCode::NOT_FOUND, "not found".to_owned()),
        Err(error) => respond_error(&error),
    }
}

fn respond_error(error: &Error) -> Response {
    let status = match error {
        Error::Slow { .. } => StatusCode::GATEWAY_TIMEOUT,
        Error::Disk { .. } => {
            tracing::error!(error = error as &dyn std::error::Error, "a document of the registry cannot be given");
            let text = "What is kept of the registry cannot be read. The fault is ours.";
            return plain(StatusCode::INTERNAL_SERVER_ERROR, text.to_owned());
        }
        Error::Registry(_) | Error::Garbage { .. } | Error::NotOffered { .. } | Error::Again { .. } => {
            StatusCode::BAD_GATEWAY
        }
    };
    plain(status, format!("The registry cannot give this now: {error}"))
}

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], text).into_response()
}

async fn found(document: &Document, answer: Answer, (method, asked): (&Method, &HeaderMap)) -> Response {
    let head = answer.kept.head.clone();
    let tag = format!("\"{}\"", head.sha256.get(..32).unwrap_or(&head.sha256));
    // What may be compressed on its way has a weak tag (RFC 9110 §8.8.1); an archive never is, and so has parts.
    let is_archive = document.kind.media == Media::Zip;
    let mut headers = described(document, &answer);
    let weak = if is_archive { "" } else { "W/" };
    set(&mut headers, ETAG, &format!("{weak}{tag}"));
    let known =
        asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if known.map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let changed = head.validators.last_modified.as_deref();
    let wanted = if is_archive { wanted(method, asked, head.bytes, (&tag, changed)) } else { Wanted::Whole };
    match wanted {
        Wanted::Beyond => {
            set(&mut headers, CONTENT_RANGE, &format!("bytes */{}", head.bytes));
            (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
        }
        Wanted::Whole => {
            set(&mut headers, CONTENT_LENGTH, &head.bytes.to_string());
            (headers, whole(answer.into_body())).into_response()
        }
        Wanted::Part(range) => {
            set(&mut headers, CONTENT_LENGTH, &(range.end() - range.start() + 1).to_string());
            set(&mut headers, CONTENT_RANGE, &format!("bytes {}-{}/{}", range.start(), range.end(), head.bytes));
            match part(answer.into_body(), &range).await {
                Ok(body) => (StatusCode::PARTIAL_CONTENT, headers, body).into_response(),
                Err(source) => {
                    let address = document.address();
                    respond_error(&Error::disk(&address, "read")(source))
                }
            }
        }
    }
}

/// What every answer says of the document.
fn described(document: &Document, answer: &Answer) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, CONTENT_TYPE, document.content_type());
    set(&mut headers, CACHE_CONTROL, &format!("public, max-age={}", answer.fresh_for.as_secs()));
    set(&mut headers, CACHE_STATUS, &cache_status(answer));
    if let Some(at) = &answer.kept.head.validators.last_modified {
        set(&mut headers, LAST_MODIFIED, at);
    }
    if document.kind.media == Media::Zip {
        set(&mut headers, ACCEPT_RANGES, "bytes");
    }
    headers
}

/// A header, unless what it should hold cannot stand in one.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = value.parse() {
        headers.insert(name, value);
    }
}

fn whole(body: Body) -> HttpBody {
    match body {
        Body::Bytes(bytes) => HttpBody::from(bytes),
        Body::File(file) => HttpBody::from_stream(ReaderStream::new(tokio::fs::File::from_std(file))),
    }
}

async fn part(body: Body, range: &RangeInclusive<u64>) -> std::io::Result<HttpBody> {
    let (from, count) = (*range.start(), range.end() - range.start() + 1);
    match body {
        Body::Bytes(bytes) => {
            let end = bytes.len().min(usize::try_from(from + count).unwrap_or(usize::MAX));
            Ok(HttpBody::from(bytes.slice(usize::try_from(from).unwrap_or(end).min(end)..end)))
        }
        Body::File(file) => {
            let mut file = tokio::fs::File::from_std(file);
            // It is open at the document's first byte, which is not the file's.
            file.seek(SeekFrom::Current(i64::try_from(from).unwrap_or(i64::MAX))).await?;
            Ok(HttpBody::from_stream(ReaderStream::new(file.take(count))))
        }
    }
}

/// How it came to be given, in the words of RFC 9211.
fn cache_status(answer: &Answer) -> String {
    let ttl = answer.fresh_for.as_secs();
    match &answer.state {
        State::Hit => format!("pgxn-testers; hit; ttl={ttl}"),
        State::Fetched => format!("pgxn-testers; fwd=miss; stored; ttl={ttl}"),
        State::Revalidated => format!("pgxn-testers; hit; fwd=stale; fwd-status=304; ttl={ttl}"),
        State::Stale { why } => {
            let said: String = why.chars().filter(|c| (' '..='~').contains(c)).take(300).collect();
            format!(
                "pgxn-testers; hit; fwd=stale; ttl=0; detail=\"{}\"",
                said.replace('\\', "\\\\").replace('"', "\\\"")
            )
        }
    }
}
