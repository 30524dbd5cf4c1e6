//! The past: rounds of all jobs, copied from what stands.
//!
//! A job ends as it stands, or in one of twenty-five cases as its release's neighbour does: what is fixed was broken once. Failures have the second
//! opinion that they need to count.

use super::{FIRST, Plan, Progress};
use crate::fields::{Fields, to_bigint};
use crate::{Result, Store, Tx};

/// About so many results a round has for each job, as failures have two.
const PER_JOB: (u64, u64) = (15, 14);
/// So many rounds are one transaction: some hundred thousand rows.
const ROUNDS: usize = 8;

/// How many rounds lie before what stands, for about so many results.
pub(super) fn rounds(jobs: u64, results: u64) -> u64 {
    let of_a_round = (jobs * PER_JOB.0 / PER_JOB.1).max(1);
    results.saturating_sub(of_a_round / 2) / of_a_round
}

/// A round: $1 its first result's number, $2 the round, $3 how many jobs there are, $4 when it began, $5 the time that it took, $6 the first result of what
/// stands, $7 how far away the neighbour is. Numbers in ids are counted with from the ninth character on.
const ROUND: &str = "INSERT INTO results (id, job_id, release_id, target, grade, phase, reason, flags, detail, decisive_file, decisive_line,
         decisive_text, archive_sha1, archive_sha256, archive_bytes, postgresql, suite, overhead, notes, tests, tests_failed, started_at, finished_at,
         accepted_at, report_sha256, circumstances, signature, round, place)
     SELECT '01KC0000' || CAST($1 + 2 * one.number AS TEXT), one.id, one.release_id, one.target, same.grade, same.phase, same.reason, same.flags,
         same.detail, same.decisive_file, same.decisive_line, same.decisive_text, same.archive_sha1, same.archive_sha256, same.archive_bytes,
         same.postgresql, same.suite, same.overhead, '[]', same.tests, same.tests_failed, $4 + one.number * $5 / $3 - (same.finished_at - same.started_at),
         $4 + one.number * $5 / $3, $4 + one.number * $5 / $3, '', '{}', same.signature, $2, 0
     FROM (SELECT jobs.id, jobs.release_id, jobs.target, CAST(substr(jobs.id, 9) AS BIGINT) - 100000000000000000 AS number FROM jobs) AS one
         JOIN results AS same ON same.id = '01KC0000' || CAST($6 + 2 * CASE WHEN (one.number * 7919 + $2 * 104729) % 100 < 4
             THEN (one.number + $7) % $3 ELSE one.number END AS TEXT)
     ORDER BY one.number";

/// The second opinions of a round whose results are those from $1 up to $2.
const SECOND: &str = "INSERT INTO results (id, job_id, release_id, target, grade, phase, reason, flags, detail, decisive_file, decisive_line,
         decisive_text, archive_sha1, archive_sha256, archive_bytes, postgresql, suite, overhead, notes, tests, tests_failed, started_at, finished_at,
         accepted_at, report_sha256, circumstances, signature, round, place)
     SELECT '01KC0000' || CAST(CAST(substr(id, 9) AS BIGINT) + 1 AS TEXT), job_id, release_id, target, grade, phase, reason, flags, detail, decisive_file,
         decisive_line, decisive_text, archive_sha1, archive_sha256, archive_bytes, postgresql, suite, overhead, '[]', tests, tests_failed,
         started_at + 1800000, finished_at + 1800000, accepted_at + 1800000, '', '{}', signature, round, 1
     FROM results WHERE id >= $1 AND id < $2 AND grade = 'FAIL' ORDER BY id";

/// The runs of the same; what a release says that it does not support needed none.
const RUNS: &str = "INSERT INTO runs (id, job_id, runner_id, target, token_hash, attempt, state, claimed_at, renewed_at, expires_at, ended_at)
     SELECT id, job_id, '01KD0000' || CAST(100000000000000000 + (CAST(substr(id, 9) AS BIGINT) + round) % $3 AS TEXT), target, '', place + 1, 'reported',
         started_at, finished_at, accepted_at + 300000, accepted_at
     FROM results WHERE id >= $1 AND id < $2 AND grade <> 'NA' ORDER BY id";

/// Writes every round but the one that stands, the oldest first; returns how many results there are then.
pub(super) async fn write(store: &Store, plan: &Plan<'_>, tell: &mut (dyn FnMut(Progress) + Send)) -> Result<u64> {
    let rounds: Vec<u64> = (0..plan.rounds).collect();
    let mut done = count(store).await?;
    for some in rounds.chunks(ROUNDS) {
        let mut tx = store.begin().await?;
        for round in some {
            done += write_round(&mut tx, plan, *round).await?;
        }
        tx.commit().await?;
        tell(Progress::Past(done, plan.scale.results));
    }
    let mut tx = store.begin().await?;
    sqlx::query("UPDATE counters SET value = $1 WHERE name = 'results'")
        .bind(to_bigint(done))
        .execute(tx.raw())
        .await?;
    tx.commit().await?;
    Ok(done)
}

async fn count(store: &Store) -> Result<u64> {
    let mut conn = store.read().await?;
    let row = sqlx::query("SELECT 'results' AS id, COUNT(*) AS made FROM results").fetch_one(conn.raw()).await?;
    Fields::of(&row, "results", "id").number("made")
}

async fn write_round(tx: &mut Tx, plan: &Plan<'_>, round: u64) -> Result<u64> {
    let number = |round: u64| FIRST + 2 * round * plan.jobs;
    let made = sqlx::query(ROUND)
        .bind(to_bigint(number(round)))
        .bind(to_bigint(round))
        .bind(to_bigint(plan.jobs))
        .bind(plan.accepted_at(round, 0).as_millis())
        .bind(to_bigint(plan.step()))
        .bind(to_bigint(number(plan.rounds)))
        .bind(to_bigint(plan.scale.targets.len() as u64))
        .execute(tx.raw())
        .await?
        .rows_affected();
    let (first, end) = (format!("01KC0000{}", number(round)), format!("01KC0000{}", number(round + 1)));
    let second = sqlx::query(SECOND).bind(&first).bind(&end).execute(tx.raw()).await?.rows_affected();
    sqlx::query(RUNS).bind(&first).bind(&end).bind(to_bigint(super::present::RUNNERS)).execute(tx.raw()).await?;
    Ok(made + second)
}
