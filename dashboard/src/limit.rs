//! What one client may have of what is costly to make: searches, parts of logs, rendered documents, files of archives, exports, and of wishes to
//! become a runner, which anybody may have. A crawler that asks for them faster than any person is told to wait; everybody else never notices.
//!
//! A client has a bucket that fills again by the minute. It is known by its address, and behind a proxy that the operator trusts by the address
//! that this proxy names. Pages that are cheap, or at hand already (`hot.rs`), are not counted.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use ipnet::IpNet;

use crate::Dashboard;
use crate::answer::{Ask, refuse};
use crate::client;
use crate::fault::Fault;

mod buckets;

use buckets::Buckets;

/// How much a client may ask for, and whose word is taken for who that is.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// How many costly pages a client gets in a minute, as many of them at once as it likes; none for as many as it wants.
    pub per_minute: Option<NonZeroU32>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted: Vec<IpNet>,
}

struct Gate {
    dashboard: Dashboard,
    buckets: Option<Buckets>,
    trusted: Vec<IpNet>,
}

/// The same, with limits on what is costly. It has to be served with the addresses of those who connect, else all are taken for one.
pub fn limited(router: Router, dashboard: Dashboard, limits: Limits) -> Router {
    let buckets = limits.per_minute.map(|per_minute| Buckets::new(per_minute, Arc::clone(&dashboard.0.clock)));
    let gate = Arc::new(Gate { dashboard, buckets, trusted: limits.trusted });
    router.layer(from_fn_with_state(gate, admit))
}

async fn admit(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let client = client::of(client::peer(request.extensions()), request.headers(), &gate.trusted);
    request.extensions_mut().insert(client);
    let uri = request.uri();
    let refused = match &gate.buckets {
        Some(buckets) if is_costly(uri.path()) => buckets.take(client).err(),
        _ => None,
    };
    let Some(wait) = refused else { return next.run(request).await };
    let seconds = wait.as_secs().saturating_add(1);
    refuse(&gate.dashboard, &Ask::of(uri.path(), uri.query(), None), &Fault::TooMany { seconds })
}

/// Whether what stands at an address takes a search, an archive, a file of a run or a long read of the database.
fn is_costly(path: &str) -> bool {
    let mut segments = path.trim_start_matches('/').split('/');
    match (segments.next().unwrap_or_default(), segments.next(), segments.next()) {
        ("search" | "src", ..) | ("api", Some("v1"), Some("export")) => true,
        // A page of the run has no third segment.
        ("run", Some(_), Some(file)) => !file.is_empty(),
        ("dist", ..) => path.strip_suffix(".html").is_some(),
        ("api", Some("v1"), Some("runs")) => segments.nth(1) == Some("files"),
        // Whoever has no token may write there.
        ("api", Some("v1"), Some("runners")) => segments.next() == Some("join"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
