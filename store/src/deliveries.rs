//! What is to be told to whom, what became of it, and whose turn it is.
//!
//! # The outbox
//! `owe` writes a delivery per subscription of a distribution in the transaction in which something turned, so that none is lost. Whoever sends
//! takes a subscription ([`take`]) in a transaction that puts it off by a lease, sends, and writes what came of it. Killed in between, the
//! lease ends, and the same is sent again under the same key: at least once, told apart by [`Owed::key`].
//!
//! # Order
//! Of one subscription, what turned first is told first: what waits behind a delivery that is tried again waits as well. So a fix never arrives
//! before the failure, and a target that does not answer is asked once per pause, however much there is to tell.
//!
//! # Bounds
//! More than [`MOST_WAITING`] do not wait: the subscription ends, and says so. Of what is done, the latest [`MOST_KEPT`] are kept.
//!
//! # Locks
//! Whoever writes locks the subscription's row first, and reads what waits in a later statement, which then sees what was committed before.

use std::time::Duration;

use protocol::{DeliveryState, Name, RunId, SubscriptionId, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, storable, to_bigint, to_limit};
use crate::subscriptions::{self, Subscription};
use crate::turns::{self, Recorded, recorded};
use crate::{Conn, Result, Tx};

/// So many deliveries of one subscription wait at most.
pub const MOST_WAITING: i64 = 200;
/// So many that are done are kept of each.
pub const MOST_KEPT: i64 = 200;
/// So much of an answer is kept.
const MOST_SAID: usize = 300;

/// A turn that is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// To whom.
    pub subscription_id: SubscriptionId,
    /// How often that was tried.
    pub attempts: u32,
    /// What turned.
    pub recorded: Recorded,
}

impl Owed {
    /// The same for every attempt, and never the same for anything else.
    pub fn key(&self) -> String {
        format!("{}-{}", self.subscription_id, self.recorded.place)
    }
}

/// A delivery, in a subscription's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried last.
    pub tried_at: Option<Timestamp>,
    /// What came of that.
    pub said: String,
    /// What turned.
    #[serde(flatten)]
    pub recorded: Recorded,
}

/// Writes what is to be delivered of a turn, to every subscription of a distribution.
pub(crate) async fn owe(tx: &mut Tx, dist: &Name, place: i64, now: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE subscriptions SET due_at = COALESCE(due_at, CASE WHEN quiet_until > $2 + hold_ms THEN quiet_until ELSE $2 + hold_ms END)
         WHERE dist_key = $1 AND state = 'active'",
    )
    .bind(dist.key())
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    for id in overfull(tx, dist).await? {
        subscriptions::end(tx, id, "too much waited to be delivered", now).await?;
    }
    sqlx::query(
        "INSERT INTO deliveries (subscription_id, place, state)
         SELECT id, $2, 'waiting' FROM subscriptions WHERE dist_key = $1 AND state = 'active'
         ON CONFLICT DO NOTHING",
    )
    .bind(dist.key())
    .bind(place)
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Strikes what was still to be told of turns from or to a result that is withdrawn.
pub(crate) async fn drop_of(tx: &mut Tx, run: RunId) -> Result<()> {
    let rows = sqlx::query("SELECT job_id, place, dist_key FROM turns WHERE run_id = $1 UNION SELECT job_id, place, dist_key FROM turns WHERE before_id = $1")
        .bind(run.to_string())
        .fetch_all(tx.raw())
        .await?;
    for row in &rows {
        let turn = Fields::of(row, "turns", "job_id");
        sqlx::query(
            "DELETE FROM deliveries WHERE place = $1 AND state = 'waiting'
                 AND subscription_id IN (SELECT id FROM subscriptions WHERE dist_key = $2)",
        )
        .bind(turn.number::<i64>("place")?)
        .bind(turn.text("dist_key")?)
        .execute(tx.raw())
        .await?;
    }
    Ok(())
}

/// The subscriptions of a distribution of which as much waits as may.
async fn overfull(conn: &mut Conn, dist: &Name) -> Result<Vec<SubscriptionId>> {
    let rows = sqlx::query(
        "SELECT id FROM subscriptions WHERE dist_key = $1 AND state = 'active'
             AND (SELECT COUNT(*) FROM deliveries WHERE subscription_id = subscriptions.id AND deliveries.state = 'waiting') >= $2",
    )
    .bind(dist.key())
    .bind(MOST_WAITING)
    .fetch_all(conn.raw())
    .await?;
    rows.iter().map(|row| Fields::of(row, "subscriptions", "id").parse("id")).collect()
}

/// Whether anything is to be sent.
pub async fn is_due(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let row = sqlx::query("SELECT id FROM subscriptions WHERE due_at <= $1 ORDER BY due_at, id LIMIT 1")
        .bind(now.as_millis())
        .fetch_optional(conn.raw())
        .await?;
    Ok(row.is_some())
}

/// Takes the subscription that has been due for the longest, for as long as a lease; none where nothing is due.
pub async fn take(tx: &mut Tx, lease: Duration, now: Timestamp) -> Result<Option<Subscription>> {
    let row = sqlx::query(
        "UPDATE subscriptions SET due_at = $2
         WHERE id = (SELECT id FROM subscriptions WHERE due_at <= $1 ORDER BY due_at, id LIMIT 1) AND due_at <= $1
         RETURNING *",
    )
    .bind(now.as_millis())
    .bind(now.plus(lease).as_millis())
    .fetch_optional(tx.raw())
    .await?;
    row.as_ref().map(subscriptions::read).transpose()
}

/// What waits to be told to a subscription, the oldest first.
pub async fn waiting(conn: &mut Conn, id: SubscriptionId, limit: u32) -> Result<Vec<Owed>> {
    let rows = sqlx::query(WAITING).bind(id.to_string()).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    rows.iter()
        .map(|row| {
            let attempts = Fields::of(row, "deliveries", "turn_place").number("told_attempts")?;
            Ok(Owed { subscription_id: id, attempts, recorded: turns::read(row)? })
        })
        .collect()
}

/// What every query for deliveries selects, by a subscription's id; a condition follows.
macro_rules! told {
    ($condition:literal) => {
        concat!(
            "SELECT told.state AS told_state, told.attempts AS told_attempts, told.tried_at AS told_at, told.said AS told_said, turned.*
             FROM (SELECT * FROM deliveries WHERE subscription_id = $1 ",
            $condition,
            " LIMIT $2) AS told JOIN (",
            recorded!("turns.place IN (SELECT place FROM deliveries WHERE subscription_id = $1)"),
            ") AS turned ON turned.turn_place = told.place ORDER BY told.place"
        )
    };
}

/// What waits, the oldest first.
pub(crate) const WAITING: &str = told!("AND state = 'waiting' ORDER BY place");
/// Everything, the latest first.
pub(crate) const LOG: &str = concat!(told!("ORDER BY place DESC"), " DESC");

/// The latest deliveries of a subscription, the latest first.
pub async fn log(conn: &mut Conn, id: SubscriptionId, limit: u32) -> Result<Vec<Delivery>> {
    let rows = sqlx::query(LOG).bind(id.to_string()).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Delivery> {
    let told = Fields::of(row, "deliveries", "turn_place");
    Ok(Delivery {
        state: told.parse("told_state")?,
        attempts: told.number("told_attempts")?,
        tried_at: told.optional_time("told_at")?,
        said: told.text("told_said")?,
        recorded: turns::read(row)?,
    })
}

/// What came of telling something.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// To whom.
    pub id: SubscriptionId,
    /// The places of the turns that were told.
    pub places: &'a [i64],
    /// What the target said, or what stood in the way.
    pub said: &'a str,
}

/// They were taken. What else waits is due at once, or when `pause` is over.
pub async fn delivered(tx: &mut Tx, outcome: &Outcome<'_>, pause: Duration, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE subscriptions SET attempts = 0, quiet_until = $2 WHERE id = $1")
        .bind(outcome.id.to_string())
        .bind(now.plus(pause).as_millis())
        .execute(tx.raw())
        .await?;
    tried(tx, outcome, DeliveryState::Delivered, now).await?;
    sqlx::query(
        "UPDATE subscriptions SET due_at = CASE WHEN EXISTS
             (SELECT 1 FROM deliveries WHERE subscription_id = $1 AND deliveries.state = 'waiting') THEN quiet_until END
         WHERE id = $1 AND state = 'active'",
    )
    .bind(outcome.id.to_string())
    .execute(tx.raw())
    .await?;
    sqlx::query(
        "DELETE FROM deliveries WHERE subscription_id = $1 AND state <> 'waiting'
             AND place < (SELECT place FROM deliveries WHERE subscription_id = $1 ORDER BY place DESC LIMIT 1 OFFSET $2)",
    )
    .bind(outcome.id.to_string())
    .bind(MOST_KEPT - 1)
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// They were not taken, and are tried again after `pause`.
pub async fn put_off(tx: &mut Tx, outcome: &Outcome<'_>, pause: Duration, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE subscriptions SET attempts = attempts + 1, due_at = $2 WHERE id = $1 AND state = 'active'")
        .bind(outcome.id.to_string())
        .bind(now.plus(pause).as_millis())
        .execute(tx.raw())
        .await?;
    tried(tx, outcome, DeliveryState::Waiting, now).await
}

/// They were not taken, and are not tried again. The subscription ends, and says why.
pub async fn given_up(tx: &mut Tx, outcome: &Outcome<'_>, why: &str, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE subscriptions SET attempts = attempts + 1 WHERE id = $1")
        .bind(outcome.id.to_string())
        .execute(tx.raw())
        .await?;
    tried(tx, outcome, DeliveryState::Failed, now).await?;
    subscriptions::end(tx, outcome.id, why, now).await?;
    Ok(())
}

async fn tried(tx: &mut Tx, outcome: &Outcome<'_>, state: DeliveryState, now: Timestamp) -> Result<()> {
    let said: String = outcome.said.chars().filter(|c| !c.is_control()).take(MOST_SAID).collect();
    for place in outcome.places {
        sqlx::query(
            "UPDATE deliveries SET state = $3, attempts = attempts + 1, tried_at = $4, said = $5
             WHERE subscription_id = $1 AND place = $2 AND state = 'waiting'",
        )
        .bind(outcome.id.to_string())
        .bind(*place)
        .bind(state.as_str())
        .bind(now.as_millis())
        .bind(storable(&said))
        .execute(tx.raw())
        .await?;
    }
    Ok(())
}

/// The number of milliseconds that a subscription's column takes.
pub(crate) fn millis(duration: Duration) -> i64 {
    to_bigint(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
