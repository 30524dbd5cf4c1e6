//! Everything at once, for whoever would otherwise crawl: releases and results as lines of JSON, compressed.
//!
//! A download is read chunk by chunk while its reader takes it: each chunk is a query of its own that begins where the one before ended, and a
//! zstd frame of its own, so that nothing is held for a reader who is slow. However many read, one chunk is made at a time: pages do not wait.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use protocol::{Problem, ReleaseId, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use store::export;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::read::result_cursor;
use crate::api::extract::Asked;
use crate::api::problem::Refusal;
use crate::api::view;
use crate::error::sentence;
use crate::{Coordinator, Error};

/// So many lines are read, and compressed, at a time.
const CHUNK: u32 = 1_000;
/// What was written in the last minute is left for the next time, as what began before it may still be on its way.
const SETTLED_AFTER: Duration = Duration::from_mins(1);
const LEVEL: i32 = 3;

pub(super) fn routes() -> OpenApiRouter<Coordinator> {
    OpenApiRouter::new().routes(routes!(releases)).routes(routes!(results))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct From {
    /// The `cursor` of the last line that you have; without it everything.
    #[serde(default)]
    after: Option<String>,
}

/// Every release that the farm saw, the first one first
#[utoipa::path(get, path = "/api/v1/export/releases.ndjson.zst", tag = "read", params(From), responses(
    (status = 200, description = "A line of JSON for each, compressed: see the schema `ExportedRelease`",
        content_type = "application/zstd", body = view::ExportedRelease),
    (status = 400, description = "Not a cursor", body = Problem, content_type = "application/problem+json")))]
async fn releases(State(coordinator): State<Coordinator>, Asked(from): Asked<From>) -> Result<Response, Refusal> {
    let after = from.after.as_deref().map(str::parse).transpose().map_err(|_| no_cursor())?;
    Ok(download("releases", coordinator, Place::Releases(after)))
}

/// Every result that the farm accepted, the oldest first, without logs
#[utoipa::path(get, path = "/api/v1/export/results.ndjson.zst", tag = "read", params(From), responses(
    (status = 200, description = "A line of JSON for each, compressed: see the schema `ExportedResult`",
        content_type = "application/zstd", body = view::ExportedResult),
    (status = 400, description = "Not a cursor", body = Problem, content_type = "application/problem+json")))]
async fn results(State(coordinator): State<Coordinator>, Asked(from): Asked<From>) -> Result<Response, Refusal> {
    let after = from.after.as_deref().map(result_cursor).transpose().map_err(|_| no_cursor())?;
    Ok(download("results", coordinator, Place::Results(after)))
}

fn no_cursor() -> Refusal {
    Refusal::bad("`after` is not the `cursor` of a line")
}

/// Where a download stands: the last line that it has.
#[derive(Clone, Copy)]
enum Place {
    Releases(Option<ReleaseId>),
    Results(Option<(Timestamp, RunId)>),
}

fn download(name: &str, coordinator: Coordinator, from: Place) -> Response {
    let until = coordinator.now().minus(SETTLED_AFTER);
    let chunks = try_unfold((coordinator, Some(from)), move |(coordinator, place)| async move {
        let Some(place) = place else { return Ok::<_, Error>(None) };
        let chunk = chunk(&coordinator, place, until).await;
        if let Err(error) = &chunk {
            tracing::error!(error = %sentence(error), "an export broke off");
        }
        let (bytes, next) = chunk?;
        Ok(Some((bytes, (coordinator, next))))
    });
    let headers = [
        (CONTENT_TYPE, "application/zstd".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.ndjson.zst\"")),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

/// The next lines as a zstd frame, and where the ones after them begin. The last frame is empty, as a file without any would be none.
async fn chunk(coordinator: &Coordinator, place: Place, until: Timestamp) -> Result<(Bytes, Option<Place>), Error> {
    let _turn = coordinator.exports.acquire().await.expect("nobody closes it");
    let mut conn = coordinator.store.read().await?;
    let (lines, next) = match place {
        Place::Releases(after) => {
            let rows = export::releases(&mut conn, after, until, CHUNK).await?;
            let next = rows.last().map(|row| Place::Releases(Some(row.id)));
            (lines(rows.into_iter().map(view::ExportedRelease::from)), next)
        }
        Place::Results(after) => {
            let rows = export::results(&mut conn, after, until, CHUNK).await?;
            let last = rows.last().map(|row| &row.line.summary);
            let next = last.map(|last| Place::Results(Some((last.accepted_at, last.run_id))));
            (lines(rows.into_iter().map(view::ExportedResult::from)), next)
        }
    };
    drop(conn);
    let packed = tokio::task::spawn_blocking(move || zstd::bulk::compress(&lines?, LEVEL)).await;
    let packed = packed.map_err(std::io::Error::other).flatten().map_err(|source| Error::Export { source })?;
    Ok((packed.into(), next))
}

fn lines<T: Serialize>(rows: impl Iterator<Item = T>) -> std::io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, &row)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
