//! Rows of a list: releases with their verdicts, read by one query however many there are.

use std::collections::BTreeMap;

use protocol::ReleaseId;
use store::matrix::Cell;
use store::releases::StoredRelease;
use store::{Conn, matrix};

use super::home::{Recent, recent};
use crate::Dashboard;
use crate::catalogue::Made;
use crate::fault::Fault;

/// The releases with their verdicts on the supported majors, in the same order.
pub(super) async fn rows(
    dashboard: &Dashboard,
    conn: &mut Conn,
    releases: &[&StoredRelease],
) -> Result<Vec<Recent>, Fault> {
    let ids: Vec<ReleaseId> = releases.iter().map(|stored| stored.id).collect();
    let mut cells: BTreeMap<ReleaseId, Vec<Cell>> = BTreeMap::new();
    for cell in matrix::of_releases(conn, &ids).await? {
        cells.entry(cell.release_id).or_default().push(cell);
    }
    let row = |stored: &&StoredRelease| recent(dashboard, stored, cells.get(&stored.id).map_or(&[], Vec::as_slice));
    Ok(releases.iter().map(row).collect())
}

/// Distributions of the catalogue with the verdicts on their latest releases, and how well they do.
pub(super) async fn of_catalogue(dashboard: &Dashboard, made: &Made, dists: &[usize]) -> Result<Vec<Recent>, Fault> {
    let releases: Vec<&StoredRelease> = dists.iter().filter_map(|at| Some(&made.dists.get(*at)?.latest)).collect();
    let mut conn = dashboard.store().read().await?;
    let mut rows = rows(dashboard, &mut conn, &releases).await?;
    for (row, stored) in rows.iter_mut().zip(&releases) {
        row.health = made.health(stored.id);
    }
    Ok(rows)
}
