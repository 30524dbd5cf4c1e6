//! How machines become runners: by an invitation, or by asking an operator; how a runner changes its token; how it leaves.
//!
//! A secret is told once, by whoever made it. A runner that chose its token says it again where an answer was lost, and is answered in the same way:
//! so an invitation is not lost with the answer to its use.

use std::time::Duration;

use protocol::{InvitationId, JoinRequestId, KeyWish, Name, PublicKey, RunnerId, Timestamp};
use store::TokenHash;
use store::invitations::{self, Invitation, NewInvitation, Used};
use store::join_requests::{self, Decided, JoinRequest, NewRequest};
use store::runners::{self, Runner};
use store::signatures::{self, Registered};

use crate::config::secret;
use crate::{Coordinator, Result};

/// No invitation lasts longer.
pub const LONGEST: Duration = Duration::from_hours(90 * 24);
/// How long one lasts where nobody says so.
pub const USUAL: Duration = Duration::from_hours(7 * 24);

/// What stands in the API's addresses where the name of a runner could stand, so that no runner can be called so.
const RESERVED: [&str; 3] = ["join", "rotate", "self"];

/// Whether a runner can be called so.
pub fn is_reserved(name: &Name) -> bool {
    RESERVED.contains(&name.as_str())
}

/// An invitation that was made.
pub struct Invited {
    /// Its id.
    pub id: InvitationId,
    /// Its secret, which is nowhere else.
    pub secret: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Makes an invitation.
pub async fn invite(coordinator: &Coordinator, name: Option<&Name>, lasts: Duration) -> Result<Invited> {
    let (now, secret) = (coordinator.now(), secret());
    let id = InvitationId::new(now);
    let mut tx = coordinator.store.begin().await?;
    let new = NewInvitation { id, name, secret: &TokenHash::of(&secret), lasts };
    invitations::invite(&mut tx, &new, now).await?;
    tx.commit().await?;
    Ok(Invited { id, secret, expires_at: now.plus(lasts) })
}

/// The invitations that can still be used.
pub async fn invitations(coordinator: &Coordinator) -> Result<Vec<Invitation>> {
    Ok(invitations::open(&mut coordinator.store.read().await?, coordinator.now()).await?)
}

/// Takes an invitation back; false when there is none that could still be used.
pub async fn withdraw(coordinator: &Coordinator, id: InvitationId) -> Result<bool> {
    let mut tx = coordinator.store.begin().await?;
    let done = invitations::withdraw(&mut tx, id).await?;
    tx.commit().await?;
    Ok(done)
}

/// Makes a runner of an invitation, with the token that it chose or a new one.
pub async fn accept(
    coordinator: &Coordinator,
    invitation: &str,
    name: &Name,
    (token, key): (Option<String>, Option<&PublicKey>),
) -> Result<(Used, String)> {
    let (now, token) = (coordinator.now(), token.unwrap_or_else(secret));
    let hash = TokenHash::of(&token);
    let mut tx = coordinator.store.begin().await?;
    let used = invitations::accept(&mut tx, &TokenHash::of(invitation), (RunnerId::new(now), name, &hash), now).await?;
    if let (Used::Runner(id, _), Some(key)) = (&used, key) {
        // Where an answer was lost, another key may come; its first start tells the runner so.
        signatures::register(&mut tx, *id, (key, None), now).await?;
    }
    tx.commit().await?;
    if let Used::Runner(id, name) = &used {
        tracing::info!(runner = %id, %name, "a runner has joined by an invitation");
    }
    Ok((used, token))
}

/// Stores the wish of a volunteer, with the token that it chose or a new one; none where too many wait.
pub async fn ask(
    coordinator: &Coordinator,
    name: &Name,
    note: &str,
    (token, key): (Option<String>, Option<&PublicKey>),
) -> Result<Option<(JoinRequest, String)>> {
    let (now, token) = (coordinator.now(), token.unwrap_or_else(secret));
    let mut tx = coordinator.store.begin().await?;
    let new = NewRequest { id: JoinRequestId::new(now), name, token: &TokenHash::of(&token), note, key };
    let asked = join_requests::ask(&mut tx, &new, now).await?;
    tx.commit().await?;
    Ok(asked.map(|request| (request, token)))
}

/// How a wish stands, for whoever has its token.
pub async fn request(coordinator: &Coordinator, id: JoinRequestId, token: &TokenHash) -> Result<Option<JoinRequest>> {
    Ok(join_requests::of_asker(&mut coordinator.store.read().await?, id, token).await?)
}

/// The wishes that wait.
pub async fn requests(coordinator: &Coordinator) -> Result<Vec<JoinRequest>> {
    Ok(join_requests::pending(&mut coordinator.store.read().await?, coordinator.now()).await?)
}

/// Makes a runner of a wish.
pub async fn approve(coordinator: &Coordinator, id: JoinRequestId) -> Result<Decided> {
    let now = coordinator.now();
    let mut tx = coordinator.store.begin().await?;
    let decided = join_requests::approve(&mut tx, id, RunnerId::new(now), now).await?;
    tx.commit().await?;
    Ok(decided)
}

/// Says no to a wish.
pub async fn refuse(coordinator: &Coordinator, id: JoinRequestId) -> Result<Decided> {
    let mut tx = coordinator.store.begin().await?;
    let decided = join_requests::refuse(&mut tx, id, coordinator.now()).await?;
    tx.commit().await?;
    Ok(decided)
}

/// Gives a runner a new token; its old one goes on until that is first used, and for an hour at most. None where it was revoked meanwhile.
pub async fn rotate(coordinator: &Coordinator, runner: &Runner) -> Result<Option<String>> {
    let token = secret();
    let mut tx = coordinator.store.begin().await?;
    let done = runners::rotate(&mut tx, runner.id, &TokenHash::of(&token), coordinator.now()).await?;
    tx.commit().await?;
    Ok(done.then_some(token))
}

/// Has a runner sign with a key from now on: its first one, or one that the one before has signed.
pub async fn change_key(coordinator: &Coordinator, runner: &Runner, wish: &KeyWish) -> Result<Registered> {
    let mut tx = coordinator.store.begin().await?;
    let done = signatures::register(&mut tx, runner.id, (&wish.key, wish.proof.as_ref()), coordinator.now()).await?;
    tx.commit().await?;
    if done == Registered::New {
        tracing::info!(runner = %runner.id, name = runner.name, key = %wish.key.fingerprint(), "a runner has a key");
    }
    Ok(done)
}

/// Takes the token of a runner that leaves.
pub async fn leave(coordinator: &Coordinator, runner: &Runner) -> Result<()> {
    let mut tx = coordinator.store.begin().await?;
    runners::revoke(&mut tx, runner.id, coordinator.now()).await?;
    tx.commit().await?;
    tracing::info!(runner = %runner.id, name = runner.name, "a runner has left");
    Ok(())
}
