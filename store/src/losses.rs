//! Runners that claim and do not report. One that is honest loses what it claimed when its machine goes down, all at once, and then it is silent; one
//! that goes on claiming would keep every job from everybody else, and use up their attempts.
//!
//! So a runner has [`MOST_LEASES`] leases at most. Losses are counted in a row: all leases that were open when one of them ran out are one loss. From
//! [`FREE`] on it has one lease at a time, and waits before the next one, twice as long after each loss. A report that is accepted ends it. What was
//! lost goes to another runner, if one is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::{RunnerId, Timestamp};

use crate::fields::Fields;
use crate::runners::Runner;
use crate::{Conn, Result, Tx, many};

/// More leases than this are never open for one runner: as many runs as a runner makes at a time at most.
pub const MOST_LEASES: u32 = 64;

/// So many losses in a row have no consequence.
pub const FREE: u32 = 3;

/// The wait after the first loss that has one, doubled after each further one up to the second.
const WAITS: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(6));

impl Runner {
    /// Until when it gets no work, as it has lost too much in a row.
    pub fn held_until(&self) -> Option<Timestamp> {
        let beyond = self.lost.checked_sub(FREE)?;
        let wait = WAITS.0.saturating_mul(2_u32.saturating_pow(beyond)).min(WAITS.1);
        Some(self.lost_at?.plus(wait))
    }

    /// Whether it gets no work now for that.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.held_until().is_some_and(|until| now < until)
    }
}

/// How many leases more runners may have, of those that are neither quarantined nor revoked; asked under the queue's lock, as they may
/// claim several times at once.
pub(crate) async fn allowed(conn: &mut Conn, ids: impl Iterator<Item = RunnerId>) -> Result<BTreeMap<RunnerId, u32>> {
    const ALLOWED: &str = "SELECT id, lost,
             (SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE runner_id = runners.id AND state = 'open' LIMIT 64) leases) AS open
         FROM runners WHERE quarantined_at IS NULL AND revoked_at IS NULL AND id IN";
    let ids: BTreeSet<String> = ids.map(|id| id.to_string()).collect();
    let rows = many::by_ids(conn, ALLOWED, &ids.into_iter().collect::<Vec<_>>()).await?;
    let read = |row| {
        let row = Fields::of(row, "runners", "id");
        let most = if row.number::<u32>("lost")? >= FREE { 1 } else { MOST_LEASES };
        Ok((row.parse("id")?, most.saturating_sub(row.number("open")?)))
    };
    rows.iter().map(read).collect()
}

/// Counts a loss of a runner, unless what it lost was open already at the loss before.
pub(crate) async fn count(tx: &mut Tx, id: RunnerId, claimed_at: Timestamp, now: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE runners SET lost = lost + 1, lost_at = $3 WHERE id = $1 AND (lost_at IS NULL OR lost_at <= $2)",
    )
    .bind(id.to_string())
    .bind(claimed_at.as_millis())
    .bind(now.as_millis())
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// Forgets what a runner has lost, such as when it has reported.
pub async fn forgive(tx: &mut Tx, id: RunnerId) -> Result<()> {
    sqlx::query("UPDATE runners SET lost = 0, lost_at = NULL WHERE id = $1 AND lost > 0")
        .bind(id.to_string())
        .execute(tx.raw())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
