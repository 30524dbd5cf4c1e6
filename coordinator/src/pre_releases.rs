//! What maintainers' own CI sends in of trees that are not released, and who may: whoever an operator has given a token.
//!
//! It is kept and shown, and that is all: no job, result, turn, symptom or number comes of it, and nobody is told. What proves that is
//! `store/src/pre_releases.rs`, which no other module of the store reads.

use std::time::Duration;

use protocol::{InvalidReport, Name, PreRelease, PreReleaseId, PreReleaseTaken, Target, Timestamp, UploadTokenId};
use store::TokenHash;
use store::pre_releases;
use store::upload_tokens::{self, A_DAY, Scope, UploadToken};

use crate::config::secret;
use crate::{Coordinator, Result, Tick};

/// How long a token can be used.
pub const LASTS: Duration = Duration::from_hours(365 * 24);

/// A token that was made.
pub struct Granted {
    /// Its id.
    pub id: UploadTokenId,
    /// The token, which is nowhere else.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why what was sent is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It breaks its bounds.
    #[error(transparent)]
    Invalid(#[from] InvalidReport),
    /// There is no such target.
    #[error("there is no target {0}")]
    Target(Target),
    /// The token is for something else.
    #[error("this token is not for `{dist}`, but for {}; an operator makes one for it by `admin uploads grant`", scope_words(.scope))]
    Elsewhere {
        /// The distribution.
        dist: Name,
        /// What it is for.
        scope: Scope,
    },
    /// The token has had its share of the day.
    #[error("this token has sent {A_DAY} reports within a day, or was taken back just now; try again tomorrow")]
    TooOften,
}

fn scope_words(scope: &Scope) -> String {
    match scope {
        Scope::Dist(dist) => format!("`{dist}`"),
        Scope::User(user) => format!("distributions whose latest release on this farm is by {user}"),
    }
}

/// Makes a token.
pub async fn grant(coordinator: &Coordinator, scope: &Scope) -> Result<Granted> {
    let (now, token) = (coordinator.now(), secret());
    let id = UploadTokenId::new(now);
    let mut tx = coordinator.store.begin().await?;
    upload_tokens::grant(&mut tx, id, (scope, &TokenHash::of(&token), LASTS), now).await?;
    tx.commit().await?;
    Ok(Granted { id, token, expires_at: now.plus(LASTS) })
}

/// The tokens that can still be used.
pub async fn tokens(coordinator: &Coordinator) -> Result<Vec<UploadToken>> {
    Ok(upload_tokens::open(&mut coordinator.store.read().await?, coordinator.now()).await?)
}

/// Takes a token back, and removes what came by it unless that is to be kept: how many results. None where there is nothing of either.
pub async fn revoke(coordinator: &Coordinator, id: UploadTokenId, keep_reports: bool) -> Result<Option<u64>> {
    let mut tx = coordinator.store.begin().await?;
    let is_revoked = upload_tokens::revoke(&mut tx, id, coordinator.now()).await?;
    let removed = if keep_reports { 0 } else { pre_releases::forget(&mut tx, id).await? };
    tx.commit().await?;
    Ok((is_revoked || removed > 0).then_some(removed))
}

/// Keeps what was sent by a token that can be used. What is there already, just so, is found and costs nothing.
pub async fn take(
    coordinator: &Coordinator,
    token: &UploadToken,
    sent: &PreRelease,
) -> Result<Result<PreReleaseTaken, Refused>> {
    if let Err(invalid) = sent.check() {
        return Ok(Err(invalid.into()));
    }
    if let Some(unknown) = sent.results.iter().map(|result| result.target).find(|target| !coordinator.knows(*target)) {
        return Ok(Err(Refused::Target(unknown)));
    }
    let mut conn = coordinator.store.read().await?;
    if !token.scope.has(&mut conn, &sent.dist).await? {
        return Ok(Err(Refused::Elsewhere { dist: sent.dist.clone(), scope: token.scope.clone() }));
    }
    if let Some(id) = pre_releases::known(&mut conn, sent).await? {
        return Ok(Ok(PreReleaseTaken { id, is_new: false }));
    }
    drop(conn);
    let now = coordinator.now();
    let mut tx = coordinator.store.begin().await?;
    if !upload_tokens::count(&mut tx, token.id, now).await? {
        return Ok(Err(Refused::TooOften));
    }
    let id = pre_releases::put(&mut tx, PreReleaseId::new(now), (token.id, sent), now).await?;
    tx.commit().await?;
    Ok(Ok(PreReleaseTaken { id, is_new: true }))
}

/// Removes what is too old.
pub async fn tick(coordinator: &Coordinator, now: Timestamp) -> Result<Tick> {
    // A commit makes every answer that is at hand an old one.
    if !pre_releases::is_any_past(&mut coordinator.store.read().await?, now).await? {
        return Ok(Tick::Idle);
    }
    let mut tx = coordinator.store.begin().await?;
    pre_releases::prune(&mut tx, now).await?;
    tx.commit().await?;
    Ok(Tick::Worked)
}
