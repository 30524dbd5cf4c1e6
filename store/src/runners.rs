//! Runners: who may claim, and when they were heard of.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::{Absence, Platform, RunnerId, Target, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::farm::RUNNER_SEEN;
use crate::fields::{Fields, storable, to_json};
use crate::{Conn, Result, TokenHash, Tx, many};

/// A runner that says the same again within this time is not written again.
const TOUCH_EVERY: Duration = Duration::from_secs(30);

/// How long the old token of a runner goes on beside a new one that is not used.
pub const BOTH_TOKENS: Duration = Duration::from_hours(1);

/// A runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runner {
    /// Its id.
    pub id: RunnerId,
    /// Its name, for pages and commands.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// Since when it may not claim any more.
    pub revoked_at: Option<Timestamp>,
    /// When it was heard of last.
    pub last_seen_at: Option<Timestamp>,
    /// The version of its program, as it told last.
    pub version: String,
    /// The targets that it can test, as it told last.
    pub targets: Vec<Target>,
    /// The platforms of these that it emulates, as it told last.
    pub emulated: Vec<Platform>,
    /// Since when it gets no work: see [`crate::confirm`].
    pub quarantined_at: Option<Timestamp>,
    /// Why, as words that follow a colon.
    pub quarantine_reason: String,
    /// That it takes no work, though it is there, as it told last.
    pub absence: Option<Absence>,
    /// How often in a row it has lost what it claimed: see [`crate::losses`].
    pub lost: u32,
    /// When it lost something last.
    pub lost_at: Option<Timestamp>,
}

impl Runner {
    /// Whether it has told the same within half a minute, so that nothing has to be written of it.
    pub fn told(&self, version: &str, targets: &[Target], now: Timestamp) -> bool {
        let lately = self.last_seen_at.is_some_and(|seen| now.since(seen) < TOUCH_EVERY);
        lately && self.version == version && self.targets == targets
    }

    /// Whether it can be expected to take a job for a target.
    pub fn works_on(&self, target: Target, now: Timestamp) -> bool {
        let here = self.last_seen_at.is_some_and(|seen| now.since(seen) <= RUNNER_SEEN);
        let takes = self.revoked_at.is_none() && self.quarantined_at.is_none() && self.absence.is_none();
        here && takes && !self.is_held(now) && self.targets.contains(&target)
    }
}

/// A runner to add.
#[derive(Clone, Copy, Debug)]
pub struct NewRunner<'a> {
    /// Its id.
    pub id: RunnerId,
    /// Its name.
    pub name: &'a str,
    /// The digest of its bearer token.
    pub token: &'a TokenHash,
}

/// Adds a runner. False when the name is taken by one that is not revoked, or the token by whoever chose it.
///
/// The name of a revoked runner is free again: the old one is renamed to its name and id.
pub async fn add(tx: &mut Tx, new: &NewRunner<'_>, now: Timestamp) -> Result<bool> {
    let name = storable(new.name);
    sqlx::query("UPDATE runners SET name = name || ' ' || id WHERE name = $1 AND revoked_at IS NOT NULL")
        .bind(&name)
        .execute(tx.raw())
        .await?;
    let done = sqlx::query(
        "INSERT INTO runners (id, name, token_hash, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(new.id.to_string())
    .bind(&name)
    .bind(new.token.as_str())
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a runner a new token, such as the runner inside `up` at each start, which is forgiven what it lost before. Says whether there is such a runner, not revoked.
pub async fn set_token(tx: &mut Tx, id: RunnerId, token: &TokenHash) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE runners SET token_hash = $2, next_token_hash = NULL, next_token_at = NULL, lost = 0, lost_at = NULL WHERE id = $1 AND revoked_at IS NULL",
    )
    .bind(id.to_string())
    .bind(token.as_str())
    .execute(tx.raw())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a runner a token that takes the place of its own when it is first used: see [`settle`]. The answer with it may be lost, so that the old
/// one goes on until then, and for [`BOTH_TOKENS`] at most. Asked again, the latest is the one that counts.
pub async fn rotate(tx: &mut Tx, id: RunnerId, next: &TokenHash, now: Timestamp) -> Result<bool> {
    let done =
        sqlx::query("UPDATE runners SET next_token_hash = $2, next_token_at = $3 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id.to_string())
            .bind(next.as_str())
            .bind(now.as_millis())
            .execute(tx.raw())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// A runner by its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The runner.
    pub runner: Runner,
    /// Whether the token is the next one, whose first use this is: see [`settle`].
    pub by_next: bool,
    /// Whether it has a key, without which nothing that it reports would be taken.
    pub has_key: bool,
}

/// The runner whose token has this digest, unless it is revoked or the token was replaced.
pub async fn authenticate(conn: &mut Conn, token: &TokenHash, now: Timestamp) -> Result<Option<Known>> {
    Ok(authenticate_each(conn, &[token], now).await?.pop().flatten())
}

/// Runners by tokens, their own and their next ones.
const KNOWN: many::Listed = (
    "SELECT v.column1 AS asked, runners.*,
         CASE WHEN EXISTS (SELECT 1 FROM runner_keys WHERE runner_keys.runner_id = runners.id) THEN 1 ELSE 0 END AS keys
     FROM",
    1,
    "CROSS JOIN runners WHERE (runners.next_token_hash = v.column1 OR runners.token_hash = v.column1) AND runners.revoked_at IS NULL",
);

/// The same for each of some tokens.
pub async fn authenticate_each(conn: &mut Conn, tokens: &[&TokenHash], now: Timestamp) -> Result<Vec<Option<Known>>> {
    let rows = many::by_list(conn, KNOWN, tokens, |query, token| query.bind(token.as_str().to_owned())).await?;
    let mut found = BTreeMap::new();
    for row in &rows {
        let fields = Fields::of(row, "runners", "id");
        let asked = fields.text("asked")?;
        let by_next = fields.optional_text("next_token_hash")?.as_ref() == Some(&asked);
        let is_over = fields.optional_time("next_token_at")?.is_some_and(|at| at <= now.minus(BOTH_TOKENS));
        if by_next || !is_over {
            found.insert(asked, Known { runner: read(row)?, by_next, has_key: fields.number::<u8>("keys")? == 1 });
        }
    }
    Ok(tokens.iter().map(|token| found.get(token.as_str()).cloned()).collect())
}

/// Has the next token take the place of the old one, which is refused from here on.
pub async fn settle(tx: &mut Tx, id: RunnerId, next: &TokenHash) -> Result<()> {
    sqlx::query(
        "UPDATE runners SET token_hash = next_token_hash, next_token_hash = NULL, next_token_at = NULL
         WHERE id = $1 AND next_token_hash = $2",
    )
    .bind(id.to_string())
    .bind(next.as_str())
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// The runner of that name.
pub async fn by_name(conn: &mut Conn, name: &str) -> Result<Option<Runner>> {
    let row =
        sqlx::query("SELECT * FROM runners WHERE name = $1").bind(storable(name)).fetch_optional(conn.raw()).await?;
    row.as_ref().map(read).transpose()
}

/// Takes a runner's right to claim, renew and report; its leases expire. Says whether it had it.
pub async fn revoke(tx: &mut Tx, id: RunnerId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query("UPDATE runners SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id.to_string())
        .bind(now.as_millis())
        .execute(tx.raw())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores that a runner was heard of, and what it told. The same again is written every half minute only.
pub async fn touch(tx: &mut Tx, id: RunnerId, version: &str, targets: &[Target], now: Timestamp) -> Result<()> {
    let stale = now.as_millis().saturating_sub(i64::try_from(TOUCH_EVERY.as_millis()).unwrap_or(i64::MAX));
    sqlx::query(
        "UPDATE runners SET last_seen_at = $2, version = $3, targets = $4
         WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at <= $5 OR version <> $3 OR targets <> $4)",
    )
    .bind(id.to_string())
    .bind(now.as_millis())
    .bind(storable(&version.chars().take(100).collect::<String>()))
    .bind(to_json(&targets))
    .bind(stale)
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Stores which platforms a runner emulates.
pub async fn emulates(tx: &mut Tx, id: RunnerId, platforms: &[Platform]) -> Result<()> {
    sqlx::query("UPDATE runners SET emulated = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(to_json(&platforms))
        .execute(tx.raw())
        .await?;
    Ok(())
}

/// Stores whether a runner takes work, as it tells.
pub async fn set_absence(tx: &mut Tx, id: RunnerId, absence: Option<Absence>) -> Result<()> {
    sqlx::query("UPDATE runners SET away = $2, away_until = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(absence.map_or("", |absence| absence.why.as_str()))
        .bind(absence.and_then(|absence| absence.until).map(Timestamp::as_millis))
        .execute(tx.raw())
        .await?;
    Ok(())
}

/// Every runner, by name.
pub async fn list(conn: &mut Conn) -> Result<Vec<Runner>> {
    let rows = sqlx::query("SELECT * FROM runners ORDER BY name").fetch_all(conn.raw()).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Runner> {
    let row = Fields::of(row, "runners", "id");
    let absence = if row.text("away")?.is_empty() {
        None
    } else {
        Some(Absence { why: row.parse("away")?, until: row.optional_time("away_until")? })
    };
    Ok(Runner {
        id: row.parse("id")?,
        name: row.text("name")?,
        created_at: row.time("created_at")?,
        revoked_at: row.optional_time("revoked_at")?,
        last_seen_at: row.optional_time("last_seen_at")?,
        version: row.text("version")?,
        targets: row.json("targets")?,
        emulated: row.json("emulated")?,
        quarantined_at: row.optional_time("quarantined_at")?,
        quarantine_reason: row.text("quarantine_reason")?,
        absence,
        lost: row.number("lost")?,
        lost_at: row.optional_time("lost_at")?,
    })
}

#[cfg(test)]
mod tests;
