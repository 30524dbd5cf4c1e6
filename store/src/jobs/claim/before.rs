//! Claims that are said again, as their answer never reached the runner.

use protocol::{RunId, RunnerId, Timestamp};

use super::{Answer, Claim, Claimed};
use crate::fields::Fields;
use crate::jobs::{self, Job};
use crate::runs::RunState;
use crate::{Result, Tx, many, releases};

/// Runs by their runners and tokens, of those that began since some time. By the index of tokens: a runner has many runs.
pub(in crate::jobs) const BEFORE: many::Listed = (
    "SELECT runs.id, runs.runner_id, runs.token_hash, runs.job_id, runs.attempt, runs.state, runs.expires_at FROM",
    3,
    "CROSS JOIN runs WHERE substr(runs.token_hash, 1, 8) = substr(v.column2, 1, 8) AND runs.token_hash = v.column2
         AND runs.runner_id || '' = v.column1 AND runs.claimed_at > v.column3",
);

struct Earlier {
    runner_id: RunnerId,
    token: String,
    job: Job,
    state: RunState,
    lease: (RunId, u32, Timestamp),
}

/// What was claimed before with the same tokens, for each of some claims: a job, nothing that still runs, or nothing at all.
///
/// A claim that was so long ago that nobody renewed its lease since has expired, and is not looked for.
pub(super) async fn of(tx: &mut Tx, claims: &[&Claim<'_>], now: Timestamp) -> Result<Vec<Answer>> {
    let rows = many::by_list(tx, BEFORE, claims, |query, claim| {
        query
            .bind(claim.runner_id.to_string())
            .bind(claim.token.as_str().to_owned())
            .bind(now.minus(claim.lease).as_millis())
    })
    .await?;
    let mut earlier = Vec::new();
    for row in &rows {
        let row = Fields::of(row, "runs", "id");
        let Some(job) = jobs::get(tx, row.parse("job_id")?).await? else { continue };
        let lease = (row.parse("id")?, row.number("attempt")?, row.time("expires_at")?);
        let (runner_id, token, state) = (row.parse("runner_id")?, row.text("token_hash")?, row.parse("state")?);
        earlier.push(Earlier { runner_id, token, job, state, lease });
    }
    // The latest of those with one token.
    earlier.sort_by_key(|one| std::cmp::Reverse(one.lease.0));
    let mut answers = Vec::new();
    for claim in claims {
        let is_it = |one: &&Earlier| one.runner_id == claim.runner_id && one.token == claim.token.as_str();
        answers.push(match earlier.iter().find(is_it) {
            None => Answer::Nothing,
            Some(one) if one.state == RunState::Open => Answer::Before(again(tx, one).await?),
            Some(_) => Answer::Over,
        });
    }
    Ok(answers)
}

/// What a runner was told of a job that it has claimed.
async fn again(tx: &mut Tx, earlier: &Earlier) -> Result<Claimed> {
    let Earlier { job, lease: (run_id, attempt, expires_at), .. } = earlier;
    let stored = releases::of_job(tx, job).await?;
    Ok(Claimed {
        job_id: job.id,
        run_id: *run_id,
        release_id: job.release_id,
        release: stored.release,
        target: job.target,
        attempt: *attempt,
        expires_at: *expires_at,
        time_factor: job.time_factor,
    })
}
