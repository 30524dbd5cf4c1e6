//! Who hears of what turns in a distribution: a maintainer who proved to be one. What is asked for and not yet proved is stored nowhere.
//!
//! An address may be a secret, as those of many webhooks are: it is stored as `notify` sealed it, with a key that the database does not have. What
//! a subscription's holder knows (the token that shows and ends it, the secret that signs) is computed from that key and is not here at all.

use std::time::Duration;

use protocol::{Channel, Name, Proof, SubscriptionId, SubscriptionState, Timestamp};
use sqlx::any::AnyRow;

use crate::deliveries::millis;
use crate::fields::{Fields, storable};
use crate::{Conn, Result, Tx};

/// A distribution has at most so many that are active.
pub const MOST: i64 = 20;

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The distribution.
    pub dist: Name,
    /// By what its holder hears.
    pub channel: Channel,
    /// How they proved that they may.
    pub proof: Proof,
    /// Where, sealed.
    pub address: String,
    /// What of that may be shown.
    pub shown: String,
    /// How far it is.
    pub state: SubscriptionState,
    /// When something is to be sent.
    pub due_at: Option<Timestamp>,
    /// How often that was tried in vain.
    pub attempts: u32,
    /// What there is of it at the other end, such as the number of an issue.
    pub remote: String,
    /// When it was proved.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why, as words that follow a colon.
    pub end_reason: String,
}

/// A subscription to make.
#[derive(Clone, Copy, Debug)]
pub struct NewSubscription<'a> {
    /// Its id.
    pub id: SubscriptionId,
    /// The distribution.
    pub dist: &'a Name,
    /// By what its holder hears.
    pub channel: Channel,
    /// How they proved that they may.
    pub proof: Proof,
    /// A digest of the address, which tells whether two are the same.
    pub target_key: &'a str,
    /// The address, sealed.
    pub address: &'a str,
    /// What of it may be shown.
    pub shown: &'a str,
    /// How long what turned is gathered before it is sent.
    pub hold: Duration,
}

/// What a wish to subscribe comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is new.
    New(SubscriptionId),
    /// There was the same.
    Known(SubscriptionId),
    /// The distribution has as many as it may.
    Full,
}

/// Makes a subscription, unless the same is there.
pub async fn start(tx: &mut Tx, new: &NewSubscription<'_>, now: Timestamp) -> Result<Started> {
    let done = sqlx::query(
        "INSERT INTO subscriptions (id, dist, dist_key, channel, proof, target_key, address, shown, state, hold_ms, created_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10
         WHERE (SELECT COUNT(*) FROM subscriptions WHERE dist_key = $3 AND state = 'active') < $11
         ON CONFLICT (dist_key, channel, target_key) WHERE state = 'active' DO NOTHING",
    )
    .bind(new.id.to_string())
    .bind(new.dist.as_str())
    .bind(new.dist.key())
    .bind(new.channel.as_str())
    .bind(new.proof.as_str())
    .bind(new.target_key)
    .bind(new.address)
    .bind(storable(new.shown))
    .bind(millis(new.hold))
    .bind(now.as_millis())
    .bind(MOST)
    .execute(tx.raw())
    .await?;
    if done.rows_affected() == 1 {
        return Ok(Started::New(new.id));
    }
    let known = sqlx::query(
        "SELECT id FROM subscriptions WHERE dist_key = $1 AND channel = $2 AND target_key = $3 AND state = 'active'",
    )
    .bind(new.dist.key())
    .bind(new.channel.as_str())
    .bind(new.target_key)
    .fetch_optional(tx.raw())
    .await?;
    match known {
        Some(row) => Ok(Started::Known(Fields::of(&row, "subscriptions", "id").parse("id")?)),
        None => Ok(Started::Full),
    }
}

/// The subscription of that id.
pub async fn get(conn: &mut Conn, id: SubscriptionId) -> Result<Option<Subscription>> {
    let row = sqlx::query("SELECT * FROM subscriptions WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn.raw())
        .await?;
    row.as_ref().map(read).transpose()
}

/// Ends a subscription, and drops what waits to be told. Says whether it was active.
pub async fn end(tx: &mut Tx, id: SubscriptionId, why: &str, now: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE subscriptions SET state = 'ended', due_at = NULL, ended_at = $2, end_reason = $3 WHERE id = $1 AND state = 'active'",
    )
    .bind(id.to_string())
    .bind(now.as_millis())
    .bind(storable(why))
    .execute(tx.raw())
    .await?;
    sqlx::query("UPDATE deliveries SET state = 'dropped' WHERE subscription_id = $1 AND state = 'waiting'")
        .bind(id.to_string())
        .execute(tx.raw())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Remembers what there is of a subscription at the other end.
pub async fn set_remote(tx: &mut Tx, id: SubscriptionId, remote: &str) -> Result<()> {
    sqlx::query("UPDATE subscriptions SET remote = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(storable(remote))
        .execute(tx.raw())
        .await?;
    Ok(())
}

/// How often links to confirm are sent.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one distribution to one address, once in this time.
    pub pair: Duration,
    /// To one address, so often a day.
    pub address: i64,
    /// To anybody, so often an hour.
    pub all: i64,
}

/// Takes the right to send a link to confirm, by a digest of the address. False where too many were sent already.
pub async fn may_confirm(
    tx: &mut Tx,
    (address_key, dist): (&str, &Name),
    patience: Patience,
    now: Timestamp,
) -> Result<bool> {
    const HOUR: Duration = Duration::from_hours(1);
    const DAY: Duration = Duration::from_hours(24);
    sqlx::query("DELETE FROM confirmations WHERE sent_at <= $1")
        .bind(now.minus(DAY.max(patience.pair)).as_millis())
        .execute(tx.raw())
        .await?;
    let done = sqlx::query(
        "INSERT INTO confirmations (address_key, dist_key, sent_at)
         SELECT $1, $2, $3
         WHERE (SELECT COUNT(*) FROM confirmations WHERE address_key = $1 AND sent_at > $4) < $5
             AND (SELECT COUNT(*) FROM confirmations WHERE sent_at > $6) < $7
         ON CONFLICT (address_key, dist_key) DO UPDATE SET sent_at = excluded.sent_at WHERE confirmations.sent_at <= $8",
    )
    .bind(address_key)
    .bind(dist.key())
    .bind(now.as_millis())
    .bind(now.minus(DAY).as_millis())
    .bind(patience.address)
    .bind(now.minus(HOUR).as_millis())
    .bind(patience.all)
    .bind(now.minus(patience.pair).as_millis())
    .execute(tx.raw())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) fn read(row: &AnyRow) -> Result<Subscription> {
    let row = Fields::of(row, "subscriptions", "id");
    Ok(Subscription {
        id: row.parse("id")?,
        dist: row.parse("dist")?,
        channel: row.parse("channel")?,
        proof: row.parse("proof")?,
        address: row.text("address")?,
        shown: row.text("shown")?,
        state: row.parse("state")?,
        due_at: row.optional_time("due_at")?,
        attempts: row.number("attempts")?,
        remote: row.text("remote")?,
        created_at: row.time("created_at")?,
        ended_at: row.optional_time("ended_at")?,
        end_reason: row.text("end_reason")?,
    })
}

#[cfg(test)]
mod tests;
