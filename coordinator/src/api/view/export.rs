//! Lines of an export.

use protocol::{JobId, Release, ReleaseId, Timestamp};
use serde::Serialize;
use store::export::ResultRow;
use store::releases::StoredRelease;
use utoipa::ToSchema;

use super::ResultLine;

/// A release.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedRelease {
    /// Where to go on after this line: its `after`.
    pub cursor: String,
    /// Its id: another archive of the same version is another release.
    pub id: ReleaseId,
    /// The release.
    #[serde(flatten)]
    pub release: Release,
    /// Its one-line description.
    pub summary: String,
    /// When the farm saw it first.
    pub seen_at: Timestamp,
    /// When another archive of the same version took its place.
    pub superseded_at: Option<Timestamp>,
}

impl From<StoredRelease> for ExportedRelease {
    fn from(stored: StoredRelease) -> Self {
        let StoredRelease { id, release, summary, seen_at, superseded_at } = stored;
        Self { cursor: id.to_string(), id, release, summary, seen_at, superseded_at }
    }
}

/// A result.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedResult {
    /// Where to go on after this line: its `after`.
    pub cursor: String,
    /// The job: a release on a target.
    pub job_id: JobId,
    /// Which wish for a verdict it belongs to, from 0.
    pub round: u32,
    /// Whether it is what stands of its job now; only then do its flags say whether others put it in doubt.
    pub stands: bool,
    /// The SHA-1 of the release's archive.
    pub sha1: String,
    /// What was found.
    #[serde(flatten)]
    pub line: ResultLine,
}

impl From<ResultRow> for ExportedResult {
    fn from(row: ResultRow) -> Self {
        let ResultRow { job_id, round, stands, sha1, line } = row;
        let cursor = format!("{}-{}", line.summary.accepted_at.as_millis(), line.summary.run_id);
        Self { cursor, job_id, round, stands, sha1, line: line.into() }
    }
}
