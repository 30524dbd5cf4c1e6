//! Invitations: the right to become a runner, which is used once. The secret is told to one volunteer, and here as a digest only.

use std::time::Duration;

use protocol::{InvitationId, Name, RunnerId, Timestamp};
use sqlx::any::AnyRow;

use crate::fields::{Fields, storable};
use crate::runners::{self, NewRunner};
use crate::{Conn, Result, TokenHash, Tx};

/// Who asks why an invitation is not taken gets an answer for so long after its end; then it is as if it had never been.
const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The name that the runner will have; none where the volunteer chooses.
    pub name: Option<Name>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// The runner that it became.
    pub runner_id: Option<RunnerId>,
}

/// An invitation to make.
#[derive(Clone, Copy, Debug)]
pub struct NewInvitation<'a> {
    /// Its id.
    pub id: InvitationId,
    /// The name that the runner will have; none where the volunteer chooses.
    pub name: Option<&'a Name>,
    /// The digest of its secret.
    pub secret: &'a TokenHash,
    /// How long it can be used.
    pub lasts: Duration,
}

/// What became of the use of an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// It is a runner now, or was made one before by the same token.
    Runner(RunnerId, Name),
    /// There is no such invitation, or none any more.
    Unknown,
    /// Somebody else has used it.
    Before(Timestamp),
    /// Its time is over.
    Expired(Timestamp),
    /// Another runner has the name; the invitation can be used with another one.
    NameTaken(Name),
}

/// Makes an invitation.
pub async fn invite(tx: &mut Tx, new: &NewInvitation<'_>, now: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM invitations WHERE expires_at <= $1")
        .bind(now.minus(REMEMBERED).as_millis())
        .execute(tx.raw())
        .await?;
    sqlx::query("INSERT INTO invitations (id, name, secret_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(new.id.to_string())
        .bind(storable(new.name.map(Name::as_str).unwrap_or_default()))
        .bind(new.secret.as_str())
        .bind(now.as_millis())
        .bind(now.plus(new.lasts).as_millis())
        .execute(tx.raw())
        .await?;
    Ok(())
}

/// Makes a runner of an invitation. Of two who use it at the same time, the statement that marks it lets one through, on either engine; where the
/// name is taken the mark is removed again, so that the transaction may be committed whatever came out.
///
/// The invitation's own name goes before `wanted`'s. The same token again is the same runner again, as its answer may have been lost.
pub async fn accept(
    tx: &mut Tx,
    secret: &TokenHash,
    wanted: (RunnerId, &Name, &TokenHash),
    now: Timestamp,
) -> Result<Used> {
    let (id, name, token) = wanted;
    let marked = sqlx::query(
        "UPDATE invitations SET used_at = $2, runner_id = NULL
         WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING *",
    )
    .bind(secret.as_str())
    .bind(now.as_millis())
    .fetch_optional(tx.raw())
    .await?;
    let Some(row) = marked else { return why_not(tx, secret, token).await };
    let invitation = read(&row)?;
    let name = invitation.name.as_ref().unwrap_or(name);
    let is_added = runners::add(tx, &NewRunner { id, name: name.as_str(), token }, now).await?;
    sqlx::query("UPDATE invitations SET used_at = $2, runner_id = $3 WHERE id = $1")
        .bind(invitation.id.to_string())
        .bind(is_added.then_some(now.as_millis()))
        .bind(is_added.then(|| id.to_string()))
        .execute(tx.raw())
        .await?;
    Ok(if is_added { Used::Runner(id, name.clone()) } else { Used::NameTaken(name.clone()) })
}

async fn why_not(conn: &mut Conn, secret: &TokenHash, token: &TokenHash) -> Result<Used> {
    let row = sqlx::query("SELECT * FROM invitations WHERE secret_hash = $1")
        .bind(secret.as_str())
        .fetch_optional(conn.raw())
        .await?;
    let Some(invitation) = row.as_ref().map(read).transpose()? else { return Ok(Used::Unknown) };
    let Some(used_at) = invitation.used_at else { return Ok(Used::Expired(invitation.expires_at)) };
    let same = sqlx::query("SELECT id, name FROM runners WHERE id = $1 AND token_hash = $2 AND revoked_at IS NULL")
        .bind(invitation.runner_id.map(|id| id.to_string()))
        .bind(token.as_str())
        .fetch_optional(conn.raw())
        .await?;
    match same {
        Some(row) => {
            let row = Fields::of(&row, "runners", "id");
            Ok(Used::Runner(row.parse("id")?, row.parse("name")?))
        }
        None => Ok(Used::Before(used_at)),
    }
}

/// Takes an invitation back. False when there is none that could still be used.
pub async fn withdraw(tx: &mut Tx, id: InvitationId) -> Result<bool> {
    let done = sqlx::query("DELETE FROM invitations WHERE id = $1 AND used_at IS NULL")
        .bind(id.to_string())
        .execute(tx.raw())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The invitations that can still be used, the oldest first.
pub async fn open(conn: &mut Conn, now: Timestamp) -> Result<Vec<Invitation>> {
    let rows =
        sqlx::query("SELECT * FROM invitations WHERE used_at IS NULL AND expires_at > $1 ORDER BY id LIMIT 1000")
            .bind(now.as_millis())
            .fetch_all(conn.raw())
            .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Invitation> {
    let row = Fields::of(row, "invitations", "id");
    let name = row.text("name")?;
    Ok(Invitation {
        id: row.parse("id")?,
        name: if name.is_empty() { None } else { Some(row.parse("name")?) },
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        used_at: row.optional_time("used_at")?,
        runner_id: row.optional_parse("runner_id")?,
    })
}

#[cfg(test)]
mod tests;
