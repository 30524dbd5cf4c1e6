//! What runner and coordinator say to each other, as JSON under `/api/v1`.
//!
//! A runner says who it is by a bearer token. A claim answers with an [`Assignment`] or with 204 when nothing waits. The lease's own
//! token then goes into the header `x-lease-token` of every renewal, upload, release and report of that run; a lease that has passed to
//! somebody else answers 409, and the runner drops the run.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ids::{JobId, RunId};
use crate::phase::Phase;
use crate::presence::Absence;
use crate::release::Release;
use crate::target::{Platform, Target};

/// A report's JSON may have at most this many bytes.
pub const MAX_REPORT_BYTES: usize = 8 * 1024 * 1024;

/// One uploaded file may have at most this many bytes, before and after compression.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;

/// `POST /api/v1/claim`: what a runner offers.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClaimRequest {
    /// The targets that it can test.
    pub targets: Vec<Target>,
    /// The platforms of these targets that it emulates.
    #[serde(default)]
    pub emulated: Vec<Platform>,
    /// The version of its program.
    pub version: String,
    /// What is to be the lease's token: 64 random hexadecimal digits that the runner says again until it gets a job, so that an answer that
    /// is lost leaves no lease that nobody knows. Without it the coordinator makes one.
    #[serde(default)]
    pub token: Option<String>,
    /// That the runner takes no work for now; it then names no targets, and is known to be there all the same. What it claimed before with the
    /// same token, and does not know of, it is told, so that it can give that back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Absence>,
}

/// The header of a claim's answer by which the coordinator has images made anew: those that were made before that moment, in milliseconds since 1970.
/// A runner does so between its runs, twice a day at most.
pub const IMAGES_HEADER: &str = "x-pgxn-testers-images";

/// What a claimed job asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Assignment {
    /// The lease on the run that this claim opened.
    pub lease: Lease,
    /// The job.
    pub job_id: JobId,
    /// The release to test.
    pub release: Release,
    /// The target to test it on.
    pub target: Target,
    /// The registry that has the release, the address to which `/index.json` is appended.
    #[schema(value_type = String)]
    pub registry: Url,
    /// By how much the runner's limits of time are multiplied: 2 where a run that was too slow is confirmed, else 1.
    #[serde(default = "once")]
    pub time_factor: u32,
}

const fn once() -> u32 {
    1
}

/// The right to report one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lease {
    /// The run.
    pub run_id: RunId,
    /// The secret that fences it.
    pub token: String,
    /// Which attempt at the job this is, from 1.
    pub attempt: u32,
    /// How long the lease lasts from now, in milliseconds; renew it every third of that.
    pub expires_in_ms: u64,
}

/// `POST /api/v1/runs/{run_id}/renew`: a sign of life.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RenewRequest {
    /// The phase that runs now, for the pages.
    pub phase: Option<Phase>,
}

/// An error as RFC 9457 (problem details) has it; served as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A short name of the kind of error, the same for every occurrence.
    pub title: String,
    /// What happened here, naming the thing.
    pub detail: String,
}
