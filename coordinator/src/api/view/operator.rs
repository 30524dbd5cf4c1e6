//! What an operator's commands send and get.

use protocol::{Absence, Fingerprint, JobId, Name, RunnerId, Target, Timestamp, Version};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operate::Listed;

/// Which tests to queue again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RequeueRequest {
    /// The distribution.
    pub dist: Name,
    /// The version; by default the newest stable one.
    #[serde(default)]
    pub version: Option<Version>,
    /// The targets; by default every one that was planned.
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// What was queued.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RequeueAnswer {
    /// The version that is tested again.
    pub version: Version,
    /// The jobs that wait now and did not, or have moved to the front. Those that run already are not among them.
    pub jobs: Vec<JobId>,
}

/// A runner to let in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewRunner {
    /// Its name, shown on its runs.
    pub name: Name,
}

/// A runner that was let in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AdmittedRunner {
    /// Its id.
    pub id: RunnerId,
    /// Its name.
    pub name: Name,
    /// Its token; it is told this once.
    pub token: String,
}

/// Why a runner gets no more work.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QuarantineRequest {
    /// The reason, as words that follow a colon; at most 500 characters are kept.
    pub reason: String,
    /// Withdraw what it claimed since then; without it, all that it ever found.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// A runner, for its operator.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Runner {
    /// Its id.
    pub id: RunnerId,
    /// Its name.
    pub name: String,
    /// When it was let in.
    pub created_at: Timestamp,
    /// Since when it may not claim any more.
    pub revoked_at: Option<Timestamp>,
    /// When it was heard of last.
    pub last_seen_at: Option<Timestamp>,
    /// The version of its program.
    pub version: String,
    /// What it can test.
    pub targets: Vec<Target>,
    /// Since when it gets no work, as others contradict it too often or an operator said so.
    #[serde(default)]
    pub quarantined_at: Option<Timestamp>,
    /// Why; empty where it is not in quarantine.
    #[serde(default)]
    pub quarantine_reason: String,
    /// The key with which it signs, for people to compare.
    #[serde(default)]
    pub key: Option<Fingerprint>,
    /// How many of its results are withdrawn.
    #[serde(default)]
    pub withdrawn: u64,
    /// How many are still to be withdrawn, or to count again.
    #[serde(default)]
    pub withdrawal_left: u64,
    /// That it takes no work, though it is there: it is paused, outside its hours, or its machine is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absence: Option<Absence>,
    /// How often in a row it has let the leases on what it claimed run out, without a report in between.
    pub lost: u32,
    /// Until when it gets no work for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}

/// How young the images of runners have to be.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ImagesWord {
    /// Those that were made before are made anew.
    pub too_old_before: Timestamp,
}

/// How a runner is shut out.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Revocation {
    /// Whether what it found still counts: it did nothing wrong.
    #[serde(default)]
    pub keep_results: bool,
}

impl From<Listed> for Runner {
    fn from(Listed { runner, key, progress }: Listed) -> Self {
        let held_until = runner.held_until();
        Self {
            key: key.map(|key| key.fingerprint()),
            withdrawn: progress.withdrawn,
            withdrawal_left: progress.left,
            id: runner.id,
            name: runner.name,
            created_at: runner.created_at,
            revoked_at: runner.revoked_at,
            last_seen_at: runner.last_seen_at,
            version: runner.version,
            targets: runner.targets,
            quarantined_at: runner.quarantined_at,
            quarantine_reason: runner.quarantine_reason,
            absence: runner.absence,
            lost: runner.lost,
            held_until,
        }
    }
}
