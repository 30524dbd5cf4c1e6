//! What anybody may read.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use protocol::{JobId, Name, Priority, Problem, RunId, Timestamp};
use serde::Deserialize;
use store::queue::QueueCursor;
use store::registry::Watch;
use store::{Conn, broken, dists, farm, matrix, queue, registry, releases, runs, verdicts, withdrawal};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Coordinator;
use crate::api::extract::{Asked, In, MAX_PAGE, page_length};
use crate::api::problem::Refusal;
use crate::api::view;

const MAX_RELEASES: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Coordinator> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(list_dists))
        .routes(routes!(dist))
        .routes(routes!(run))
        .routes(routes!(list_queue))
        .routes(routes!(list_results))
        .routes(routes!(list_broken))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// How many to list, at most 200; by default 50.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    after: Option<String>,
    /// What names begin with.
    #[serde(default)]
    prefix: Option<String>,
}

impl Page {
    fn limit(&self) -> Result<u32, Refusal> {
        page_length(self.limit)
    }
}

/// The farm at a glance
#[utoipa::path(get, path = "/api/v1/status", tag = "read", responses((status = 200, body = view::Status)))]
async fn status(State(coordinator): State<Coordinator>) -> Result<Json<view::Status>, Refusal> {
    let now = coordinator.now();
    let mut conn = coordinator.store.read().await?;
    let counts = farm::counts(&mut conn, now).await?;
    let watch = registry::get(&mut conn, &coordinator.registry_url()).await?;
    let registry = match watch {
        Some(watch) => Some(registry_view(&mut conn, watch, now).await?),
        None => None,
    };
    Ok(Json(view::Status {
        registry,
        dists: counts.dists,
        releases: counts.releases,
        broken: counts.broken,
        queued: counts.queued,
        running: counts.running,
        results: counts.results,
        runners: counts.runners,
        away: counts.away,
        targets: coordinator.targets(now),
        queue: queue::counts(&mut conn).await?.into_iter().map(Into::into).collect(),
        runs: runs::running(&mut conn, 100).await?.into_iter().map(Into::into).collect(),
    }))
}

async fn registry_view(conn: &mut Conn, watch: Watch, now: Timestamp) -> Result<view::Registry, Refusal> {
    let newest = match watch.newest {
        Some(newest) => {
            let stored = releases::find(conn, &newest.dist, &newest.version).await?.is_some();
            let (dist, version, released_at) = (newest.dist, newest.version, newest.released_at);
            Some(view::Newest { dist, version, released_at, stored })
        }
        None => None,
    };
    let behind = if watch.error.is_empty() {
        newest.as_ref().filter(|newest| !newest.stored).map(|newest| newest.released_at)
    } else {
        watch.polled_at.or(watch.failed_at)
    };
    let lag = behind.map_or(Duration::ZERO, |since| now.since(since));
    Ok(view::Registry {
        url: watch.url,
        polled_at: watch.polled_at,
        failed_at: watch.failed_at,
        error: watch.error,
        newest,
        lag_ms: u64::try_from(lag.as_millis()).unwrap_or(u64::MAX),
        reconciled_at: watch.reconciled_at,
    })
}

/// Distributions by name
#[utoipa::path(get, path = "/api/v1/dists", tag = "read", params(Page), responses(
    (status = 200, body = view::Dists),
    (status = 400, description = "Not a page", body = Problem, content_type = "application/problem+json")))]
async fn list_dists(
    State(coordinator): State<Coordinator>,
    Asked(page): Asked<Page>,
) -> Result<Json<view::Dists>, Refusal> {
    let limit = page.limit()?;
    let after: Option<Name> =
        page.after.as_deref().map(str::parse).transpose().map_err(|error| Refusal::bad(format!("`after`: {error}")))?;
    let prefix: String = page.prefix.unwrap_or_default().chars().take(128).collect();
    let mut conn = coordinator.store.read().await?;
    let found = dists::list(&mut conn, &prefix, after.as_ref(), limit).await?;
    let next = next(&found, limit, |dist| dist.name.key());
    Ok(Json(view::Dists { dists: found.into_iter().map(Into::into).collect(), next }))
}

/// A distribution: its releases × targets
#[utoipa::path(get, path = "/api/v1/dists/{dist}", tag = "read",
    params(("dist" = String, Path, description = "The distribution, in whatever case")),
    responses(
        (status = 200, body = view::Dist),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such distribution", body = Problem, content_type = "application/problem+json")))]
async fn dist(State(coordinator): State<Coordinator>, In(name): In<Name>) -> Result<Json<view::Dist>, Refusal> {
    let mut conn = coordinator.store.read().await?;
    let broken: Vec<view::Broken> = broken::of_dist(&mut conn, &name).await?.into_iter().map(Into::into).collect();
    let Some(known) = dists::get(&mut conn, &name).await? else {
        if broken.is_empty() {
            return Err(Refusal::not_found("distribution", name));
        }
        return Ok(Json(view::Dist { name, summary: String::new(), releases: Vec::new(), broken }));
    };
    let stored = releases::of_dist(&mut conn, &name).await?;
    let mut cells = matrix::of_dist(&mut conn, &name).await?;
    let releases = stored.into_iter().take(MAX_RELEASES).map(|stored| view::DistRelease {
        id: stored.id,
        release: stored.release,
        summary: stored.summary,
        cells: cells.extract_if(.., |cell| cell.release_id == stored.id).map(Into::into).collect(),
    });
    let releases = releases.collect();
    Ok(Json(view::Dist { name: known.name, summary: known.latest.summary, releases, broken }))
}

/// A run, or a verdict that needed none, with everything that is known of it
#[utoipa::path(get, path = "/api/v1/runs/{run_id}", tag = "read",
    params(("run_id" = String, Path, description = "The run")),
    responses(
        (status = 200, body = view::RunDetail),
        (status = 400, description = "Not an id", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such run", body = Problem, content_type = "application/problem+json")))]
async fn run(State(coordinator): State<Coordinator>, In(id): In<RunId>) -> Result<Json<view::RunDetail>, Refusal> {
    let mut conn = coordinator.store.read().await?;
    let detail = runs::detail(&mut conn, id).await?.ok_or_else(|| Refusal::not_found("run", id))?;
    let withdrawn = withdrawal::of_run(&mut conn, id).await?;
    Ok(Json(view::RunDetail::from(detail).withdrawn(withdrawn.map(|withdrawn| withdrawn.at))))
}

/// A file of a run, such as a log
#[utoipa::path(get, path = "/api/v1/runs/{run_id}/files/{name}", tag = "read",
    params(("run_id" = String, Path, description = "The run"), ("name" = String, Path, description = "The file's name")),
    responses(
        (status = 200, description = "Its text", content_type = "text/plain"),
        (status = 400, description = "Not an id", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such file", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn file(
    State(coordinator): State<Coordinator>,
    In((id, name)): In<(RunId, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let takes_zstd = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.split(',').any(|coding| coding.trim() == "zstd")));
    let blobs = &coordinator.blobs;
    let bytes = if takes_zstd { blobs.compressed(id, &name).await? } else { blobs.plain(id, &name).await? };
    let shown: String = name.chars().take(100).collect();
    let bytes = bytes.ok_or_else(|| Refusal::NotFound { what: format!("file `{shown}` of run {id}") })?;
    // What a hostile build printed is text, whatever it looks like.
    let mut response = bytes.into_response();
    let sent = response.headers_mut();
    sent.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    sent.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    sent.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    sent.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if takes_zstd {
        sent.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    }
    Ok(response)
}

/// What waits
#[utoipa::path(get, path = "/api/v1/queue", tag = "read", params(Page), responses(
    (status = 200, body = view::Queue),
    (status = 400, description = "Not a page", body = Problem, content_type = "application/problem+json")))]
async fn list_queue(
    State(coordinator): State<Coordinator>,
    Asked(page): Asked<Page>,
) -> Result<Json<view::Queue>, Refusal> {
    let limit = page.limit()?;
    let after = page.after.as_deref().map(queue_cursor).transpose()?;
    let mut conn = coordinator.store.read().await?;
    let jobs = queue::page(&mut conn, after, limit).await?;
    let next = next(&jobs, limit, |job| {
        let QueueCursor { priority, queued_at, id } = job.cursor();
        format!("{}-{}-{id}", priority.rank(), queued_at.as_millis())
    });
    Ok(Json(view::Queue { jobs: jobs.into_iter().map(Into::into).collect(), next }))
}

/// Results, the latest first
#[utoipa::path(get, path = "/api/v1/results", tag = "read", params(Page), responses(
    (status = 200, body = view::Results),
    (status = 400, description = "Not a page", body = Problem, content_type = "application/problem+json")))]
async fn list_results(
    State(coordinator): State<Coordinator>,
    Asked(page): Asked<Page>,
) -> Result<Json<view::Results>, Refusal> {
    let limit = page.limit()?;
    let before = page.after.as_deref().map(result_cursor).transpose()?;
    let mut conn = coordinator.store.read().await?;
    let lines = verdicts::latest(&mut conn, before, limit).await?;
    let next = next(&lines, limit, |line| format!("{}-{}", line.summary.accepted_at.as_millis(), line.summary.run_id));
    Ok(Json(view::Results { results: lines.into_iter().map(Into::into).collect(), next }))
}

/// Releases that the registry announces and that cannot be read, the latest found first
#[utoipa::path(get, path = "/api/v1/broken", tag = "read", responses((status = 200, body = Vec<view::Broken>)))]
async fn list_broken(State(coordinator): State<Coordinator>) -> Result<Json<Vec<view::Broken>>, Refusal> {
    let mut conn = coordinator.store.read().await?;
    Ok(Json(broken::list(&mut conn, MAX_PAGE).await?.into_iter().map(Into::into).collect()))
}

/// Where the next page begins; none where this one was not full.
fn next<T>(page: &[T], limit: u32, cursor: impl Fn(&T) -> String) -> Option<String> {
    let full = usize::try_from(limit).is_ok_and(|limit| page.len() >= limit);
    page.last().filter(|_| full).map(cursor)
}

fn no_cursor() -> Refusal {
    Refusal::bad("`after` is not the `next` of a page")
}

fn queue_cursor(text: &str) -> Result<QueueCursor, Refusal> {
    let read = || {
        let (rank, rest) = text.split_once('-')?;
        let (at, id) = rest.split_once('-')?;
        Some(QueueCursor {
            priority: Priority::from_rank(rank.parse().ok()?)?,
            queued_at: Timestamp::from_millis(at.parse().ok()?),
            id: id.parse::<JobId>().ok()?,
        })
    };
    read().ok_or_else(no_cursor)
}

/// The time and id of a result, as `next` of a list and `cursor` of an export have them.
pub(super) fn result_cursor(text: &str) -> Result<(Timestamp, RunId), Refusal> {
    let read = || {
        let (at, id) = text.split_once('-')?;
        Some((Timestamp::from_millis(at.parse().ok()?), id.parse().ok()?))
    };
    read().ok_or_else(no_cursor)
}
