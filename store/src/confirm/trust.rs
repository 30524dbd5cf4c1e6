//! What runners make of each other's results, and what follows from it.

use std::time::Duration;

use protocol::{RunnerId, Timestamp};

use super::rules::{self, Said};
use crate::fields::{Fields, storable};
use crate::jobs::Job;
use crate::releases::StoredRelease;
use crate::{Conn, Result, Tx, withdrawal};

/// Where others found a runner out, what it claimed longer ago than this stays as it is.
pub(super) const REACH: Duration = Duration::from_hours(7 * 24);

/// Opinions are looked through this far back for the latest of each owner.
const OPINIONS_READ: i64 = 500;

/// Writes down what a round's newest result says of the runners in it. Returns the one that is quarantined for it.
pub(crate) async fn learn(
    tx: &mut Tx,
    (job, release): (&Job, &StoredRelease),
    round: &[Said],
    now: Timestamp,
) -> Result<Option<RunnerId>> {
    let opinions = rules::opinions(round);
    if opinions.is_empty() {
        return Ok(None);
    }
    let dist_key = release.release.dist.key();
    for opinion in &opinions {
        sqlx::query(
            "INSERT INTO opinions (run_id, runner_id, dist_key, odd, formed_at, owner_key) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (run_id) DO UPDATE SET odd = excluded.odd, formed_at = excluded.formed_at",
        )
        .bind(opinion.run_id.to_string())
        .bind(opinion.runner_id.to_string())
        .bind(storable(&dist_key))
        .bind(i64::from(opinion.odd))
        .bind(now.as_millis())
        .bind(&job.owner_key)
        .execute(tx.raw())
        .await?;
    }
    for opinion in opinions.iter().filter(|opinion| opinion.odd) {
        if let Some((odd, of)) = judge(tx, opinion.runner_id).await? {
            let reason = format!("two others agreed against it on releases of {odd} of the latest {of} owners");
            if quarantine(tx, opinion.runner_id, &reason, now).await? {
                return Ok(Some(opinion.runner_id));
            }
        }
    }
    Ok(None)
}

async fn judge(conn: &mut Conn, runner: RunnerId) -> Result<Option<(usize, usize)>> {
    let rows = sqlx::query(
        "SELECT opinions.run_id, opinions.owner_key, opinions.odd
         FROM opinions JOIN runners ON runners.id = opinions.runner_id
         WHERE opinions.runner_id = $1 AND opinions.formed_at > runners.trusted_at
         ORDER BY opinions.formed_at DESC, opinions.run_id DESC LIMIT $2",
    )
    .bind(runner.to_string())
    .bind(OPINIONS_READ)
    .fetch_all(conn.raw())
    .await?;
    let mut opinions = Vec::new();
    for row in &rows {
        let row = Fields::of(row, "opinions", "run_id");
        opinions.push((row.text("owner_key")?, row.number::<i64>("odd")? == 1));
    }
    Ok(rules::is_odd(opinions.into_iter()))
}

/// Gives a runner no more work, for that reason, and withdraws what it found in its last week. Says whether it had any work to expect.
///
/// What it runs goes to others by [`super::tend`], what it found by [`withdrawal::step`].
pub async fn quarantine(tx: &mut Tx, id: RunnerId, reason: &str, now: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE runners SET quarantined_at = $2 WHERE id = $1 AND quarantined_at IS NULL AND revoked_at IS NULL",
    )
    .bind(id.to_string())
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(done.rows_affected() == 1 && quarantine_since(tx, id, (reason, now.minus(REACH)), now).await?)
}

/// The same for what it claimed since a time, and also for a runner that is quarantined already: it is then for that reason, and withdrawn is more.
/// Says whether there is such a runner that is not revoked.
pub async fn quarantine_since(
    tx: &mut Tx,
    id: RunnerId,
    (reason, since): (&str, Timestamp),
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE runners SET quarantined_at = COALESCE(quarantined_at, $2), quarantine_reason = $3 WHERE id = $1 AND revoked_at IS NULL",
    )
    .bind(id.to_string())
    .bind(now.as_millis())
    .bind(storable(&reason.chars().take(500).collect::<String>()))
    .execute(tx.raw())
    .await?;
    if done.rows_affected() != 1 {
        return Ok(false);
    }
    withdrawal::want(tx, id, since).await?;
    Ok(true)
}

/// Ends a quarantine: the runner is given work again, what others made of its results before is forgotten, and what was withdrawn counts again. The
/// last is so for a revoked one, too.
pub async fn release(tx: &mut Tx, id: RunnerId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE runners SET quarantined_at = NULL, quarantine_reason = '', trusted_at = $2, withdrawn_from = NULL, lost = 0, lost_at = NULL
         WHERE id = $1 AND (quarantined_at IS NOT NULL OR withdrawn_from IS NOT NULL)",
    )
    .bind(id.to_string())
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(done.rows_affected() == 1)
}
