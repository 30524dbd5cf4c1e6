//! What anybody may read of verdicts beside each other: comparisons and symptoms.

use axum::Json;
use axum::extract::State;
use protocol::{Name, PgMajor, Problem, Signature, Version, predecessors};
use serde::Deserialize;
use store::releases::StoredRelease;
use store::{Conn, matrix, releases, symptoms, verdicts};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Coordinator;
use crate::api::extract::{Asked, In, MAX_PAGE, page_length};
use crate::api::problem::Refusal;
use crate::api::view;

pub(super) fn routes() -> OpenApiRouter<Coordinator> {
    OpenApiRouter::new().routes(routes!(compare)).routes(routes!(list_symptoms)).routes(routes!(symptom))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct With {
    /// The version to compare with; by default the stable one before it, or whichever is before it where none is stable.
    #[serde(default)]
    with: Option<Version>,
}

/// A release compared with the one before it, and its majors with each other
#[utoipa::path(get, path = "/api/v1/dists/{dist}/{version}/compare", tag = "read",
    params(("dist" = String, Path, description = "The distribution, in whatever case"),
        ("version" = String, Path, description = "The version"), With),
    responses(
        (status = 200, body = view::Compared),
        (status = 400, description = "Not a name or version", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such release", body = Problem, content_type = "application/problem+json")))]
async fn compare(
    State(coordinator): State<Coordinator>,
    In((dist, version)): In<(Name, Version)>,
    Asked(With { with }): Asked<With>,
) -> Result<Json<view::Compared>, Refusal> {
    let mut conn = coordinator.store.read().await?;
    let stored = release(&mut conn, &dist, &version).await?;
    let other = if let Some(with) = with {
        Some(release(&mut conn, &dist, &with).await?)
    } else {
        let all = releases::of_dist(&mut conn, &dist).await?;
        let before = predecessors(&version, &all, |one| (&one.release.version, one.release.status));
        before.first().copied().cloned()
    };
    let after = matrix::of_release(&mut conn, stored.id).await?;
    let releases = match &other {
        Some(other) => view::Pair::of_releases(&matrix::of_release(&mut conn, other.id).await?, &after),
        None => Vec::new(),
    };
    Ok(Json(view::Compared {
        dist: stored.release.dist,
        version: stored.release.version,
        with: other.map(|other| other.release.version),
        releases,
        majors: view::Pair::of_majors(&after),
    }))
}

async fn release(conn: &mut Conn, dist: &Name, version: &Version) -> Result<StoredRelease, Refusal> {
    let found = releases::find(conn, dist, version).await?;
    found.ok_or_else(|| Refusal::not_found("release", format!("{dist} {version}")))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// How many to list, at most 200; by default 50.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    after: Option<u32>,
    /// Only on this PostgreSQL major.
    #[serde(default)]
    major: Option<PgMajor>,
}

/// Symptoms that failures share, those that most distributions show first
#[utoipa::path(get, path = "/api/v1/symptoms", tag = "read", params(Which), responses(
    (status = 200, body = view::Symptoms),
    (status = 400, description = "Not a page", body = Problem, content_type = "application/problem+json")))]
async fn list_symptoms(
    State(coordinator): State<Coordinator>,
    Asked(which): Asked<Which>,
) -> Result<Json<view::Symptoms>, Refusal> {
    let limit = page_length(which.limit)?;
    let offset = which.after.unwrap_or(0);
    let mut conn = coordinator.store.read().await?;
    let found = symptoms::list(&mut conn, symptoms::Page { major: which.major, offset, limit }).await?;
    let full = u32::try_from(found.len()).is_ok_and(|length| length == limit);
    let next = full.then(|| offset.saturating_add(limit).to_string());
    Ok(Json(view::Symptoms { symptoms: found.into_iter().map(Into::into).collect(), next }))
}

/// A symptom, and where it is seen now
#[utoipa::path(get, path = "/api/v1/symptoms/{signature}", tag = "read",
    params(("signature" = String, Path, description = "Its signature: 16 hexadecimal digits")),
    responses(
        (status = 200, body = view::SymptomDetail),
        (status = 400, description = "Not a signature", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Never seen", body = Problem, content_type = "application/problem+json")))]
async fn symptom(
    State(coordinator): State<Coordinator>,
    In(signature): In<Signature>,
) -> Result<Json<view::SymptomDetail>, Refusal> {
    let mut conn = coordinator.store.read().await?;
    let shared = symptoms::get(&mut conn, &signature).await?;
    let shared = shared.ok_or_else(|| Refusal::not_found("symptom", &signature))?;
    let lines = verdicts::of_symptom(&mut conn, &signature, None, 0, MAX_PAGE).await?;
    let results = lines.into_iter().map(Into::into).collect();
    Ok(Json(view::SymptomDetail { symptom: shared.into(), results }))
}
