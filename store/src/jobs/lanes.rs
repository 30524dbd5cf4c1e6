//! Keeps the lanes: how many jobs of an owner wait, and when the owner had a turn.

use protocol::{Priority, Target};
use sqlx::AssertSqlSafe;

use crate::fields::Fields;
use crate::{Conn, Result, Tx, many};

/// The lane of a target that is served next: the first entry of an index that holds a job that does not avoid the runner $1.
pub(super) fn next(target: usize) -> String {
    format!(
        "SELECT target, rank, owner_key, served_turn FROM lanes WHERE target = ${target} AND waiting > 0
             AND waiting > (SELECT COUNT(*) FROM avoidances WHERE avoidances.runner_id = $1 AND avoidances.target = lanes.target
                 AND avoidances.rank = lanes.rank AND avoidances.owner_key = lanes.owner_key)
             ORDER BY rank, served_turn, owner_key LIMIT 1"
    )
}

/// Every lane of an owner at a priority, by index.
pub(super) const SERVE: &str = "UPDATE lanes SET served_turn = $3 WHERE rank = $1 AND owner_key = $2";

/// Whose turn it is, on whichever target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) priority: Priority,
    pub(crate) owner_key: String,
}

/// Takes the queue for this transaction, and returns the number of the turn that a claim would be.
pub(crate) async fn lock_queue(tx: &mut Tx) -> Result<i64> {
    let row = sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'turn' RETURNING name, value")
        .fetch_one(tx.raw())
        .await?;
    Fields::of(&row, "counters", "name").number("value")
}

/// One more job waits in a lane. A lane that is new inherits the turn that its owner had at that priority on other targets.
pub(crate) async fn join(tx: &mut Tx, target: Target, priority: Priority, owner_key: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO lanes (target, rank, owner_key, waiting, served_turn)
         VALUES ($1, $2, $3, 1, (SELECT COALESCE(MAX(served_turn), 0) FROM lanes WHERE rank = $2 AND owner_key = $3))
         ON CONFLICT (target, rank, owner_key) DO UPDATE SET waiting = lanes.waiting + 1",
    )
    .bind(target.to_string())
    .bind(priority.rank())
    .bind(owner_key)
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// One job less waits in a lane.
pub(crate) async fn leave(tx: &mut Tx, target: Target, priority: Priority, owner_key: &str) -> Result<()> {
    sqlx::query("UPDATE lanes SET waiting = waiting - 1 WHERE target = $1 AND rank = $2 AND owner_key = $3")
        .bind(target.to_string())
        .bind(priority.rank())
        .bind(owner_key)
        .execute(tx.raw())
        .await?;
    Ok(())
}

/// The owner had this turn at this priority, on whatever target.
pub(crate) async fn serve(tx: &mut Tx, priority: Priority, owner_key: &str, turn: i64) -> Result<()> {
    sqlx::query(SERVE).bind(priority.rank()).bind(owner_key).bind(turn).execute(tx.raw()).await?;
    Ok(())
}

/// The lane of each of so many targets that is served next. A question of few rows: each that comes back costs more than finding it.
pub(super) fn heads(targets: usize) -> String {
    many::each(targets, 1, next)
}

/// Whether anything waits for one of these targets, for whomever; asked without the queue's lock, so that runners without work hold up no other
/// coordinator's claims.
pub(crate) async fn is_any_waiting(conn: &mut Conn, targets: &[Target]) -> Result<bool> {
    if targets.is_empty() {
        return Ok(false);
    }
    let sql = format!("SELECT target FROM ({}) AS heads LIMIT 1", heads(targets.len()));
    // No runner: nobody is avoided.
    let query = sqlx::query(AssertSqlSafe(sql)).bind("");
    let query = targets.iter().fold(query, |query, target| query.bind(target.to_string()));
    Ok(query.fetch_optional(conn.raw()).await?.is_some())
}

/// A lane of a row that has its columns.
pub(super) fn read(row: &Fields<'_>) -> Result<Lane> {
    Ok(Lane { priority: row.priority("rank")?, owner_key: row.text("owner_key")? })
}
