//! What an operator asks for: tests again, and who may claim. `up` lets its own runner in by the same way.

use protocol::{JobId, Name, Priority, PublicKey, RunnerId, Target, Timestamp, Version};
use store::jobs::{self, Requeue};
use store::runners::{self, NewRunner, Runner};
use store::withdrawal;
use store::{TokenHash, dists, releases, runs, signatures};

use crate::config::secret;
use crate::reconcile;
use crate::{Coordinator, Result, confirm, expire, withdraw};

/// Before whatever a runner did.
const BEGINNING: Timestamp = Timestamp::from_millis(0);

/// Which tests to queue again.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The distribution.
    pub dist: Name,
    /// The version; by default the newest.
    pub version: Option<Version>,
    /// The targets; by default every one that was planned.
    pub targets: Vec<Target>,
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requeued {
    /// So many jobs wait now that did not, or wait at a better place.
    Jobs {
        /// The version.
        version: Version,
        /// The jobs.
        jobs: Vec<JobId>,
    },
    /// The store has no such release.
    NoRelease,
    /// The matrix has no such target.
    NoTarget(Target),
}

/// Queues tests again, before everything else. A target that was never planned is planned, whatever META says of it.
pub async fn requeue(coordinator: &Coordinator, wish: &Wish) -> Result<Requeued> {
    if let Some(unknown) = wish.targets.iter().find(|target| !coordinator.knows(**target)) {
        return Ok(Requeued::NoTarget(*unknown));
    }
    let now = coordinator.now();
    let mut tx = coordinator.store.begin().await?;
    let found = match &wish.version {
        Some(version) => releases::find(&mut tx, &wish.dist, version).await?,
        None => dists::get(&mut tx, &wish.dist).await?.map(|dist| dist.latest),
    };
    let Some(found) = found else { return Ok(Requeued::NoRelease) };
    let (version, priority) = (&found.release.version, Priority::Asked);
    let mut changed = Vec::new();
    let targets: Vec<Option<Target>> =
        if wish.targets.is_empty() { vec![None] } else { wish.targets.iter().copied().map(Some).collect() };
    for target in targets {
        let wanted = Requeue { dist: &wish.dist, version: Some(version), target, priority };
        changed.extend(jobs::requeue(&mut tx, &wanted, now).await?);
    }
    for target in &wish.targets {
        let max_attempts = coordinator.config.max_attempts;
        let plan =
            jobs::Plan { release_id: found.id, target: *target, priority, owner: &found.release.user, max_attempts };
        if let jobs::Planned::New(id) = jobs::plan(&mut tx, JobId::new(now), &plan, now).await? {
            changed.push(id);
        }
    }
    tx.commit().await?;
    coordinator.queued.notify_waiters();
    Ok(Requeued::Jobs { version: found.release.version, jobs: changed })
}

/// Asks for a comparison with the whole registry, which begins at once.
pub fn reconcile(coordinator: &Coordinator) -> reconcile::Progress {
    coordinator.desk.ask()
}

/// How the latest comparison stands.
pub fn reconciliation(coordinator: &Coordinator) -> reconcile::Progress {
    coordinator.desk.progress()
}

/// A runner that was let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// Its id.
    pub id: RunnerId,
    /// Its token, which is nowhere else.
    pub token: String,
}

/// Lets a runner in; none when the name is taken.
pub async fn add_runner(coordinator: &Coordinator, name: &Name) -> Result<Option<Admitted>> {
    let (now, token) = (coordinator.now(), secret());
    let id = RunnerId::new(now);
    let mut tx = coordinator.store.begin().await?;
    let new = NewRunner { id, name: name.as_str(), token: &TokenHash::of(&token) };
    let added = runners::add(&mut tx, &new, now).await?;
    tx.commit().await?;
    Ok(added.then_some(Admitted { id, token }))
}

/// Lets the runner inside this process in, with a new token at each start. What the one before it held is queued again: it is dead.
pub async fn own_runner(coordinator: &Coordinator, name: &Name) -> Result<Admitted> {
    let (now, token) = (coordinator.now(), secret());
    let hash = TokenHash::of(&token);
    let mut tx = coordinator.store.begin().await?;
    let known = runners::by_name(&mut tx, name.as_str()).await?;
    let id = if let Some(Runner { id, revoked_at: None, .. }) = known {
        runners::set_token(&mut tx, id, &hash).await?;
        runs::forfeit(&mut tx, id, now).await?;
        id
    } else {
        let id = RunnerId::new(now);
        runners::add(&mut tx, &NewRunner { id, name: name.as_str(), token: &hash }, now).await?;
        id
    };
    tx.commit().await?;
    expire::tick(coordinator, now).await?;
    Ok(Admitted { id, token })
}

/// A runner, as its operator sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The runner.
    pub runner: Runner,
    /// The key with which it signs.
    pub key: Option<PublicKey>,
    /// How far the withdrawal of its results is.
    pub progress: withdrawal::Progress,
}

/// Every runner, by name.
pub async fn runners(coordinator: &Coordinator) -> Result<Vec<Listed>> {
    let mut conn = coordinator.store.read().await?;
    let mut keys = signatures::current(&mut conn).await?;
    let mut listed = Vec::new();
    for runner in runners::list(&mut conn).await? {
        let progress = withdrawal::progress(&mut conn, runner.id).await?;
        listed.push(Listed { key: keys.remove(&runner.id), progress, runner });
    }
    Ok(listed)
}

/// Gives a runner no more work, for that reason, and withdraws what it claimed since a time, or all that it found; false when there is no such runner,
/// or it is revoked.
pub async fn quarantine_runner(
    coordinator: &Coordinator,
    name: &Name,
    (reason, since): (&str, Option<Timestamp>),
) -> Result<bool> {
    let now = coordinator.now();
    let mut tx = coordinator.store.begin().await?;
    let Some(runner) = runners::by_name(&mut tx, name.as_str()).await? else { return Ok(false) };
    let done = store::confirm::quarantine_since(&mut tx, runner.id, (reason, since.unwrap_or(BEGINNING)), now).await?;
    tx.commit().await?;
    if done {
        confirm::announce_quarantine(coordinator, runner.id).await?;
        confirm::tick(coordinator, now).await?;
        withdraw::tick(coordinator, now).await?;
    }
    Ok(done)
}

/// Ends a runner's quarantine, and lets what was withdrawn count again; false when it is in none and nothing was. A revoked one stays so.
pub async fn release_runner(coordinator: &Coordinator, name: &Name) -> Result<bool> {
    let mut tx = coordinator.store.begin().await?;
    let Some(runner) = runners::by_name(&mut tx, name.as_str()).await? else { return Ok(false) };
    let done = store::confirm::release(&mut tx, runner.id, coordinator.now()).await?;
    tx.commit().await?;
    Ok(done)
}

/// Takes a runner's token away, and withdraws what it found unless that is to be kept; false when there is no such runner. Its leases expire.
pub async fn revoke_runner(coordinator: &Coordinator, name: &Name, keep_results: bool) -> Result<bool> {
    let now = coordinator.now();
    let mut tx = coordinator.store.begin().await?;
    let Some(runner) = runners::by_name(&mut tx, name.as_str()).await? else { return Ok(false) };
    let revoked = runners::revoke(&mut tx, runner.id, now).await?;
    let is_withdrawn = !keep_results && withdrawal::want(&mut tx, runner.id, BEGINNING).await?;
    tx.commit().await?;
    if is_withdrawn {
        withdraw::tick(coordinator, now).await?;
    }
    Ok(revoked || is_withdrawn)
}
