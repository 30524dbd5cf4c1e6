//! Keeps the lanes: how many jobs of an owner wait, and when the owner had a turn.

use protocol::{Priority, Target};

use crate::fields::{Fields, to_bigint};
use crate::{Conn, Result, Tx, many};

/// The lanes of a target that are served next, as many as the last place says: the first entries of an index that hold a job that does not avoid the
/// runner $1.
pub(super) fn next(target: usize, limit: usize) -> String {
    format!(
        "SELECT target, rank, owner_key, served_turn FROM lanes WHERE target = ${target} AND waiting > 0
             AND waiting > (SELECT COUNT(*) FROM avoidances WHERE avoidances.runner_id = $1 AND avoidances.target = lanes.target
                 AND avoidances.rank = lanes.rank AND avoidances.owner_key = lanes.owner_key)
             ORDER BY rank, served_turn, owner_key LIMIT ${limit}"
    )
}

/// Every lane of an owner at a priority, by index: it had this turn, and in one of them a job less waits.
pub(super) const SERVE: many::Listed = (
    "UPDATE lanes SET served_turn = v.column3, waiting = lanes.waiting - CASE WHEN lanes.target = v.column4 THEN 1 ELSE 0 END FROM",
    4,
    "WHERE lanes.rank = v.column1 AND lanes.owner_key = v.column2",
);

/// An owner's turn: a job of a lane is taken.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) target: Target,
    pub(super) priority: Priority,
    pub(super) owner_key: String,
    /// Its number.
    pub(super) number: i64,
}

/// Takes the queue for this transaction.
pub(crate) async fn lock_queue(tx: &mut Tx) -> Result<()> {
    take_turns(tx, 1).await.map(drop)
}

/// Takes the queue for this transaction, and returns the number of the first of so many turns.
pub(crate) async fn take_turns(tx: &mut Tx, count: usize) -> Result<i64> {
    let count = to_bigint(count as u64);
    let row = sqlx::query("UPDATE counters SET value = value + $1 WHERE name = 'turn' RETURNING name, value")
        .bind(count)
        .fetch_one(tx.raw())
        .await?;
    Ok(Fields::of(&row, "counters", "name").number::<i64>("value")? - count + 1)
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

/// Owners had turns, each another owner.
pub(super) async fn serve(tx: &mut Tx, turns: &[Turn]) -> Result<()> {
    many::update(tx, SERVE, turns, |query, turn| {
        query.bind(turn.priority.rank()).bind(turn.owner_key.clone()).bind(turn.number).bind(turn.target.to_string())
    })
    .await
}

/// The lanes of each of so many targets that are served next; the place after the targets says how many of each. A question of few rows: each that comes
/// back costs more than finding it.
pub(super) fn heads(targets: usize) -> String {
    many::each(targets, 1, |target| next(target, targets + 2))
}

/// Whether anything waits for one of these targets, for whomever; asked without the queue's lock, so that runners without work hold up no other
/// coordinator's claims.
pub(crate) async fn is_any_waiting(conn: &mut Conn, targets: &[Target]) -> Result<bool> {
    if targets.is_empty() {
        return Ok(false);
    }
    let head = "SELECT target FROM";
    let sql = many::text((head, "heads", targets.len(), true), || {
        format!("{head} ({}) AS heads LIMIT 1", heads(targets.len()))
    });
    // No runner: nobody is avoided.
    let query = sqlx::query(sql).bind("");
    let query = targets.iter().fold(query, |query, target| query.bind(target.to_string())).bind(1_i64);
    Ok(query.fetch_optional(conn.raw()).await?.is_some())
}
