//! What stands of a job once some of its results do not count any more, or count again.

use std::collections::BTreeMap;

use protocol::{Grade, JobId, JobState, Priority, RunId, Timestamp};

use super::rules::{self, Next, Said, Standing};
use super::{avoid, is_error, rounds, stand, standing};
use crate::fields::Fields;
use crate::jobs::{self, Again, Job, begin_anew, put_again};
use crate::releases::{self, StoredRelease};
use crate::{Conn, Result, Tx, history};

/// Judges a job anew by the results that count, and tells nobody. Where `withdrawn` leaves its latest round without a verdict that stands by itself, it
/// runs again, as urgently as a confirmation; says whether it does. The caller holds the queue's lock.
pub(crate) async fn rejudge(tx: &mut Tx, id: JobId, withdrawn: &[RunId], now: Timestamp) -> Result<bool> {
    let Some(job) = jobs::get(tx, id).await? else { return Ok(false) };
    let release = releases::of_job(tx, &job).await?;
    let rounds = rounds(tx, id, (0, u32::MAX)).await?;
    let stands = latest(&rounds);
    match stands {
        Some(standing) => stand(tx, &job, standing).await?,
        None => fall(tx, id).await?,
    }
    history::compare_quietly(tx, id).await?;
    if !is_touched(tx, &job, withdrawn).await? {
        return Ok(false);
    }
    run_again(tx, (&job, &release), &rounds, now).await
}

/// Of the latest round in which anything but a failure of the farm stands, what does; else of the latest.
fn latest(rounds: &BTreeMap<u32, Vec<Said>>) -> Option<Standing> {
    let stood = || rounds.values().rev().filter_map(|round| Some((round, standing(round)?)));
    let judged = stood().find(|(round, standing)| !is_error(round, *standing));
    judged.or_else(|| stood().next()).map(|(_, standing)| standing)
}

/// Nothing stands any more.
async fn fall(tx: &mut Tx, id: JobId) -> Result<()> {
    sqlx::query(
        "UPDATE jobs SET result_id = NULL, doubt = '', confirmed_by = NULL, standing = '', unsure = '', found_in = '', found_on = '',
             found_by = NULL
         WHERE id = $1",
    )
    .bind(id.to_string())
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Whether any of these results belongs to the job's latest round, or stood.
async fn is_touched(conn: &mut Conn, job: &Job, withdrawn: &[RunId]) -> Result<bool> {
    for run in withdrawn {
        if job.result_id == Some(*run) || job.confirmed_by == Some(*run) {
            return Ok(true);
        }
        let row = sqlx::query("SELECT id, round FROM results WHERE id = $1")
            .bind(run.to_string())
            .fetch_optional(conn.raw())
            .await?;
        if let Some(row) = row
            && Fields::of(&row, "results", "id").number::<u32>("round")? == job.round
        {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn run_again(
    tx: &mut Tx,
    (job, release): (&Job, &StoredRelease),
    rounds: &BTreeMap<u32, Vec<Said>>,
    now: Timestamp,
) -> Result<bool> {
    let round = rounds.get(&job.round).map(Vec::as_slice).unwrap_or_default();
    let is_judged = rounds.values().flatten().any(|said| said.reason.grade() != Grade::Error);
    let next = match rules::next(round, 0) {
        Next::Elsewhere if !avoid::is_another_there(tx, job, round, now).await? => Next::Settle,
        next => next,
    };
    match job.state {
        _ if release.superseded_at.is_some() => return Ok(false),
        JobState::Finished if round.is_empty() || !is_judged => {
            begin_anew(tx, job, Priority::Confirmation, now).await?;
        }
        JobState::Queued if round.is_empty() && job.reported > 0 => {
            begin_anew(tx, job, job.priority.min(Priority::Confirmation), now).await?;
        }
        JobState::Finished if next != Next::Settle => {
            let time_factor = if round.iter().any(Said::is_late) { 2 } else { 1 };
            let again = Again { priority: Priority::Confirmation, parked_until: None, time_factor };
            put_again(tx, job, again, now).await?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
