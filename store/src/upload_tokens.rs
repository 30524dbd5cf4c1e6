//! Upload tokens: the right of a maintainer's own CI to send in what it found. The token is told once, and here as a digest only.

use std::time::Duration;

use protocol::{Name, Timestamp, UploadTokenId};
use sqlx::any::AnyRow;

use crate::fields::{Fields, storable};
use crate::{Conn, Error, Result, TokenHash, Tx, dists};

/// A token is good for so many uploads a day: twenty times a workflow with a job for each of twelve targets.
pub const A_DAY: u32 = 240;
/// The day that they are counted in begins with the first of them.
const DAY: Duration = Duration::from_hours(24);

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One distribution, whether the farm knows it or not.
    Dist(Name),
    /// Every distribution whose latest release this user uploaded, as long as that is so.
    User(Name),
}

impl Scope {
    /// The word in the database, and the name.
    fn parts(&self) -> (&'static str, &Name) {
        match self {
            Self::Dist(name) => ("dist", name),
            Self::User(name) => ("user", name),
        }
    }

    /// Whether it takes in a distribution now.
    pub async fn has(&self, conn: &mut Conn, dist: &Name) -> Result<bool> {
        Ok(match self {
            Self::Dist(own) => own == dist,
            Self::User(user) => dists::get(conn, dist).await?.is_some_and(|dist| dist.latest.release.user == *user),
        })
    }
}

/// An upload token, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadToken {
    /// Its id.
    pub id: UploadTokenId,
    /// What it is good for.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// When something was last taken by it.
    pub used_at: Option<Timestamp>,
}

/// Makes a token that lasts so long.
pub async fn grant(
    tx: &mut Tx,
    id: UploadTokenId,
    (scope, token, lasts): (&Scope, &TokenHash, Duration),
    now: Timestamp,
) -> Result<()> {
    let (word, name) = scope.parts();
    sqlx::query(
        "INSERT INTO upload_tokens (id, scope, name, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.to_string())
    .bind(word)
    .bind(storable(name.as_str()))
    .bind(token.as_str())
    .bind(now.as_millis())
    .bind(now.plus(lasts).as_millis())
    .execute(tx.raw())
    .await?;
    Ok(())
}

/// The tokens that can still be used, the oldest first.
pub async fn open(conn: &mut Conn, now: Timestamp) -> Result<Vec<UploadToken>> {
    let rows =
        sqlx::query("SELECT * FROM upload_tokens WHERE revoked_at IS NULL AND expires_at > $1 ORDER BY id LIMIT 1000")
            .bind(now.as_millis())
            .fetch_all(conn.raw())
            .await?;
    rows.iter().map(read).collect()
}

/// What is known of a token, be it good or not any more.
pub async fn find(conn: &mut Conn, token: &TokenHash) -> Result<Option<UploadToken>> {
    let row = sqlx::query("SELECT * FROM upload_tokens WHERE token_hash = $1")
        .bind(token.as_str())
        .fetch_optional(conn.raw())
        .await?;
    row.as_ref().map(read).transpose()
}

/// Counts an upload by a token. False where it has had its share of the day, or was taken back meanwhile.
pub async fn count(tx: &mut Tx, id: UploadTokenId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE upload_tokens SET used_at = $2, uploads = CASE WHEN day_at <= $3 THEN 1 ELSE uploads + 1 END,
            day_at = CASE WHEN day_at <= $3 THEN $2 ELSE day_at END
         WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2 AND (day_at <= $3 OR uploads < $4)",
    )
    .bind(id.to_string())
    .bind(now.as_millis())
    .bind(now.minus(DAY).as_millis())
    .bind(i64::from(A_DAY))
    .execute(tx.raw())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a token back. False when there is none, or it was taken back before.
pub async fn revoke(tx: &mut Tx, id: UploadTokenId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query("UPDATE upload_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id.to_string())
        .bind(now.as_millis())
        .execute(tx.raw())
        .await?;
    Ok(done.rows_affected() == 1)
}

fn read(row: &AnyRow) -> Result<UploadToken> {
    let row = Fields::of(row, "upload_tokens", "id");
    let (word, name) = (row.text("scope")?, row.parse("name")?);
    let scope = match word.as_str() {
        "dist" => Scope::Dist(name),
        "user" => Scope::User(name),
        other => {
            let why = format!("`{other}` is no scope");
            return Err(Error::Corrupt { table: "upload_tokens", column: "scope", row: row.shown_id(), why });
        }
    };
    Ok(UploadToken {
        id: row.parse("id")?,
        scope,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
        used_at: row.optional_time("used_at")?,
    })
}

#[cfg(test)]
mod tests;
