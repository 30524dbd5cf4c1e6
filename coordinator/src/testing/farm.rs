//! A farm: the coordinator on a database, with its registry and its clock.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use pgxn::ClientOptions;
use protocol::{ManualClock, Matrix, Platform, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::{Connection, Executor};
use store::{Blobs, Store};
use tokio::sync::broadcast::Receiver;

use crate::config::AdminToken;
use crate::testing::{Answer, Call, FakeRegistry, START};
use crate::{Config, Coordinator, Event, operate};

/// A farm with a registry of its own.
pub(crate) struct Farm {
    pub(crate) coordinator: Coordinator,
    pub(crate) clock: ManualClock,
    pub(crate) registry: FakeRegistry,
    pub(crate) events: Receiver<Event>,
    dir: tempfile::TempDir,
}

impl Farm {
    /// A farm on a new SQLite database.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("farm.db").display());
        let mut farm = Self::on(Store::connect(&url).await.unwrap(), adjust).await;
        // The database goes when the farm goes.
        farm.dir = dir;
        farm
    }

    pub(super) async fn on(store: Store, adjust: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = FakeRegistry::start().await;
        let clock = ManualClock::at(Timestamp::from_millis(START));
        let coordinator = assemble(&store, &dir, &registry, &clock, adjust);
        let events = coordinator.events().subscribe();
        Self { coordinator, clock, registry, events, dir }
    }

    /// The same farm after a restart, on the same data.
    pub(crate) fn restarted(&self, adjust: impl FnOnce(&mut Config)) -> Coordinator {
        assemble(&self.coordinator.store, &self.dir, &self.registry, &self.clock, adjust)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.coordinator.now()
    }

    /// What has happened since the last look.
    pub(crate) fn happened(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// Lets a runner in that signs by [`secret_of`] its token, which is returned.
    pub(crate) async fn runner(&self, name: &str) -> String {
        let token = self.keyless_runner(name).await;
        let key = secret_of(&token).verifying_key().into();
        let mut tx = self.coordinator.store.begin().await.unwrap();
        let id = store::runners::by_name(&mut tx, name).await.unwrap().unwrap().id;
        store::signatures::register(&mut tx, id, (&key, None), self.now()).await.unwrap();
        tx.commit().await.unwrap();
        token
    }

    /// Lets a runner in that has no key, as before there were any.
    pub(crate) async fn keyless_runner(&self, name: &str) -> String {
        operate::add_runner(&self.coordinator, &name.parse().unwrap()).await.unwrap().unwrap().token
    }

    /// Runs a statement on the database behind the coordinator's back; only where it is the farm's own SQLite file.
    pub(crate) async fn sql(&self, sql: &'static str) {
        let url = format!("sqlite://{}", self.dir.path().join("farm.db").display());
        let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
        connection.execute(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Calls the API.
    pub(crate) async fn call(&self, call: Call) -> Answer {
        call.answered_by(&self.coordinator).await
    }

    /// Takes in what the registry's feed has.
    pub(crate) async fn watch(&self) -> crate::Tick {
        crate::watch::tick(&self.coordinator, self.now()).await.unwrap()
    }
}

/// The key of the runner that has a token; another one for each.
pub(crate) fn secret_of(token: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(token).into())
}

fn assemble(
    store: &Store,
    dir: &tempfile::TempDir,
    registry: &FakeRegistry,
    clock: &ManualClock,
    adjust: impl FnOnce(&mut Config),
) -> Coordinator {
    let blobs = Blobs::open(&dir.path().join("blobs").display().to_string()).unwrap();
    let mut config = Config::new(registry.url.parse().unwrap(), AdminToken::random());
    config.platforms = vec![Platform::Amd64];
    config.client = ClientOptions { attempts: 1, ..ClientOptions::default() };
    adjust(&mut config);
    Coordinator::new(store.clone(), blobs, Matrix::embedded(), Arc::new(clock.clone()), config).unwrap()
}
