//! What every part of the coordinator works with: the store, the registry, the clock, and the bells that wake those who wait.

use std::sync::Arc;

use live::Live;
use protocol::{Clock, Matrix, Target, Timestamp};
use store::{Blobs, Store};
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::allowance::Allowance;
use crate::api::auth::Bearer;
use crate::images::Word;
use crate::lease::{Look, Seen};
use crate::pace::Pace;
use crate::plan::Scope;
use crate::reconcile::Desk;
use crate::signing::Asked;
use crate::source::Source;
use crate::together::Together;
use crate::{Config, Events, Result};

/// Whether a step found something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// It did something.
    Worked,
    /// There was nothing to do.
    Idle,
}

/// A coordinator. Clones are one and the same.
#[derive(Clone)]
pub struct Coordinator {
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
    pub(crate) events: Events,
    pub(crate) source: Arc<Source>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) allowance: Arc<Allowance>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) images: Arc<Word>,
    /// Claims that look for a job at the same time.
    pub(crate) claims: Arc<Together<Look>>,
    /// Tokens whose runners are looked for at the same time.
    pub(crate) callers: Arc<Together<Bearer>>,
    /// Leases whose reports are verified at the same time.
    pub(crate) leases: Arc<Together<Asked>>,
    /// Reports that are stored at the same time.
    pub(crate) reports: Arc<Together<Seen>>,
    pub(crate) live: Live,
    /// Held while a release is stored, so that the feed and a comparison do not store the same one at the same time.
    pub(crate) intake: Arc<Mutex<()>>,
    /// Held while a chunk of an export is made: however many are read, they take one connection.
    pub(crate) exports: Arc<Semaphore>,
    /// Rung when jobs come into the queue, for claims that wait.
    pub(crate) queued: Arc<Notify>,
    /// Cancelled when the coordinator ends, so that claims that wait are answered.
    pub(crate) closing: CancellationToken,
    scope: Arc<Scope>,
}

impl Coordinator {
    /// Puts the parts together; starts nothing. Refuses majors and platforms that the matrix does not have.
    pub fn new(store: Store, blobs: Blobs, matrix: Matrix, clock: Arc<dyn Clock>, config: Config) -> Result<Self> {
        let scope = Scope::new(matrix, &config.majors, &config.platforms)?;
        let pace = Arc::new(Pace::of(config.calls_per_second));
        let source = Source::new(config.registry.clone(), config.assigned_registry.clone(), config.client.clone());
        Ok(Self {
            store,
            blobs,
            clock,
            config: Arc::new(config),
            events: Events::default(),
            source: Arc::new(source),
            desk: Arc::default(),
            allowance: Arc::default(),
            pace,
            images: Arc::default(),
            claims: Arc::default(),
            callers: Arc::default(),
            leases: Arc::default(),
            reports: Arc::default(),
            live: Live::default(),
            intake: Arc::default(),
            exports: Arc::new(Semaphore::new(1)),
            queued: Arc::default(),
            closing: CancellationToken::new(),
            scope: Arc::new(scope),
        })
    }

    /// What happens, for whoever wants to listen.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Logs and other files of runs.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// What runs tell while they go on, for whoever shows it.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The registry that is watched.
    pub fn registry_url(&self) -> Url {
        self.source.url().clone()
    }

    /// Every target of the day, the newest major first.
    pub fn targets(&self, now: Timestamp) -> Vec<Target> {
        self.scope.targets(now)
    }

    /// Whether there can be an image for a target.
    pub(crate) fn knows(&self, target: Target) -> bool {
        self.scope.knows(target)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
