//! Who asks to become a runner, and what an operator said. Anybody may ask: so few wait at a time, they end by themselves, and the volunteer's
//! words are cut.

use std::time::Duration;

use protocol::{JoinRequestId, JoinState, Name, PublicKey, RunnerId, Timestamp};
use sqlx::any::AnyRow;

use crate::fields::{Fields, storable};
use crate::runners::{self, NewRunner};
use crate::{Conn, Result, TokenHash, Tx, signatures};

/// So many wait at a time.
pub const MOST: i64 = 50;
/// How long one waits.
pub const LASTS: Duration = Duration::from_hours(7 * 24);
/// So much of the volunteer's words is kept, in characters.
pub const MAX_NOTE: usize = 500;
/// Who asks how a wish stands gets an answer for so long after its end.
const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// The wish of a volunteer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// Its id, which the volunteer tells the operator.
    pub id: JoinRequestId,
    /// The name that the runner is to have.
    pub name: Name,
    /// The volunteer's words.
    pub note: String,
    /// What the operator said.
    pub state: JoinState,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
    /// The key with which it would sign.
    pub key: Option<PublicKey>,
}

/// A wish to store.
#[derive(Clone, Copy, Debug)]
pub struct NewRequest<'a> {
    /// Its id.
    pub id: JoinRequestId,
    /// The name that the runner is to have.
    pub name: &'a Name,
    /// The digest of what is to be its token.
    pub token: &'a TokenHash,
    /// The volunteer's words.
    pub note: &'a str,
    /// The key with which it will sign.
    pub key: Option<&'a PublicKey>,
}

/// What became of an operator's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// So it is.
    Done(Name),
    /// There is no such wish.
    Unknown,
    /// It was decided before.
    Before(JoinState),
    /// It has waited too long.
    Expired(Timestamp),
    /// Another runner has the name.
    NameTaken(Name),
}

/// Stores a wish; none where too many wait. The same token again is the same wish again.
pub async fn ask(tx: &mut Tx, new: &NewRequest<'_>, now: Timestamp) -> Result<Option<JoinRequest>> {
    sqlx::query("DELETE FROM join_requests WHERE expires_at <= $1")
        .bind(now.minus(REMEMBERED).as_millis())
        .execute(tx.raw())
        .await?;
    sqlx::query(
        "INSERT INTO join_requests (id, name, token_hash, note, state, created_at, expires_at, public_key)
         SELECT $1, $2, $3, $4, 'pending', $5, $6, $8
         WHERE (SELECT COUNT(*) FROM join_requests WHERE state = 'pending' AND expires_at > $5) < $7
         ON CONFLICT (token_hash) DO NOTHING",
    )
    .bind(new.id.to_string())
    .bind(storable(new.name.as_str()))
    .bind(new.token.as_str())
    .bind(storable(&new.note.chars().take(MAX_NOTE).collect::<String>()))
    .bind(now.as_millis())
    .bind(now.plus(LASTS).as_millis())
    .bind(MOST)
    .bind(new.key.map(ToString::to_string))
    .execute(tx.raw())
    .await?;
    let row = sqlx::query("SELECT * FROM join_requests WHERE token_hash = $1")
        .bind(new.token.as_str())
        .fetch_optional(tx.raw())
        .await?;
    row.as_ref().map(read).transpose()
}

/// The wish of that id, for who has its token.
pub async fn of_asker(conn: &mut Conn, id: JoinRequestId, token: &TokenHash) -> Result<Option<JoinRequest>> {
    let row = sqlx::query("SELECT * FROM join_requests WHERE id = $1 AND token_hash = $2")
        .bind(id.to_string())
        .bind(token.as_str())
        .fetch_optional(conn.raw())
        .await?;
    row.as_ref().map(read).transpose()
}

/// The wishes that wait, the oldest first.
pub async fn pending(conn: &mut Conn, now: Timestamp) -> Result<Vec<JoinRequest>> {
    let rows = sqlx::query("SELECT * FROM join_requests WHERE state = 'pending' AND expires_at > $1 ORDER BY id")
        .bind(now.as_millis())
        .fetch_all(conn.raw())
        .await?;
    rows.iter().map(read).collect()
}

/// Makes a runner of a wish, whose token is the one that the volunteer asks with. Whatever comes out, the transaction may be committed.
pub async fn approve(tx: &mut Tx, id: JoinRequestId, runner_id: RunnerId, now: Timestamp) -> Result<Decided> {
    let Some(row) = decide(tx, id, JoinState::Approved, now).await? else { return why_not(tx, id).await };
    let (request, token) =
        (read(&row)?, TokenHash::stored(Fields::of(&row, "join_requests", "id").text("token_hash")?));
    let new = NewRunner { id: runner_id, name: request.name.as_str(), token: &token };
    let is_added = runners::add(tx, &new, now).await?;
    if let Some(key) = request.key.as_ref().filter(|_| is_added) {
        signatures::register(tx, runner_id, (key, None), now).await?;
    }
    sqlx::query("UPDATE join_requests SET state = $2, decided_at = $3, runner_id = $4 WHERE id = $1")
        .bind(id.to_string())
        .bind(if is_added { JoinState::Approved.as_str() } else { JoinState::Pending.as_str() })
        .bind(is_added.then_some(now.as_millis()))
        .bind(is_added.then(|| runner_id.to_string()))
        .execute(tx.raw())
        .await?;
    Ok(if is_added { Decided::Done(request.name) } else { Decided::NameTaken(request.name) })
}

/// Says no to a wish.
pub async fn refuse(tx: &mut Tx, id: JoinRequestId, now: Timestamp) -> Result<Decided> {
    match decide(tx, id, JoinState::Refused, now).await? {
        Some(row) => Ok(Decided::Done(read(&row)?.name)),
        None => why_not(tx, id).await,
    }
}

async fn decide(tx: &mut Tx, id: JoinRequestId, state: JoinState, now: Timestamp) -> Result<Option<AnyRow>> {
    let decided = sqlx::query(
        "UPDATE join_requests SET state = $2, decided_at = $3 WHERE id = $1 AND state = 'pending' AND expires_at > $3 RETURNING *",
    )
    .bind(id.to_string())
    .bind(state.as_str())
    .bind(now.as_millis())
    .fetch_optional(tx.raw())
    .await?;
    Ok(decided)
}

async fn why_not(conn: &mut Conn, id: JoinRequestId) -> Result<Decided> {
    let row = sqlx::query("SELECT * FROM join_requests WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn.raw())
        .await?;
    Ok(match row.as_ref().map(read).transpose()? {
        None => Decided::Unknown,
        Some(JoinRequest { state: JoinState::Pending, expires_at, .. }) => Decided::Expired(expires_at),
        Some(JoinRequest { state, .. }) => Decided::Before(state),
    })
}

fn read(row: &AnyRow) -> Result<JoinRequest> {
    let row = Fields::of(row, "join_requests", "id");
    Ok(JoinRequest {
        id: row.parse("id")?,
        name: row.parse("name")?,
        note: row.text("note")?,
        state: row.parse("state")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        key: row.optional_parse("public_key")?,
    })
}

#[cfg(test)]
mod tests;
