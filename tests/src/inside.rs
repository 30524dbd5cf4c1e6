//! A coordinator inside the test, whose clock can be stepped. How a process of its own gets such a clock: [`crate::wall`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use coordinator::config::AdminToken;
use coordinator::{Config, Coordinator};
use protocol::{Clock, Matrix, SystemClock, Timestamp};
use store::{Blobs, Store};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::farm::{Farm, PATIENCE};
use crate::poll;

/// The machine's clock, wrong by as much as a test wants; clones are wrong alike.
#[derive(Clone, Debug, Default)]
pub struct SteppedClock(Arc<AtomicI64>);

impl SteppedClock {
    /// Steps it by so many minutes.
    pub fn step(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0.load(Ordering::SeqCst))
    }
}

/// A coordinator that answers over HTTP; gone, as after SIGKILL, when it is dropped.
pub struct Inside {
    store: Store,
    tasks: JoinSet<()>,
}

impl Inside {
    /// Starts it on a farm's data directory: where it was, if there was one.
    ///
    /// # Panics
    /// In a task of its own, where one of its loops ends by itself.
    pub async fn start(farm: &Farm, clock: &SteppedClock, lease: Duration) -> Result<Self> {
        let data = farm.path("data");
        std::fs::create_dir_all(&data)?;
        let listen = farm.listen().unwrap_or_else(|_| "127.0.0.1:0".to_owned());
        // Between its end and its new start, somebody else may have had the port for a moment.
        let listener = poll::until(PATIENCE, "the port", async || Ok(TcpListener::bind(&listen).await.ok())).await?;
        std::fs::write(data.join("address"), format!("http://{}/\n", listener.local_addr()?))?;
        let store = Store::connect(&farm.database()).await?;
        let blobs = Blobs::open(&data.join("blobs").display().to_string())?;
        let mut config = Config::new(farm.registry().parse()?, AdminToken::open(&data)?);
        config.majors = vec!["17".parse()?];
        config.poll = Duration::from_secs(1);
        config.expire_every = Duration::from_secs(1);
        config.retries.pause = Duration::from_secs(1);
        config.lease = lease;
        let coordinator = Coordinator::new(store.clone(), blobs, Matrix::embedded(), Arc::new(clock.clone()), config)
            .context("put the coordinator together")?;
        let router = coordinator::api::router(coordinator.clone(), coordinator::api::OpenApi::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.expect("it serves until it is dropped") });
        tasks.spawn(async move {
            coordinator::run(coordinator, CancellationToken::new()).await.expect("its loops do not end by themselves");
        });
        Ok(Self { store, tasks })
    }

    /// Ends it where it stands.
    pub async fn kill(mut self) {
        self.tasks.shutdown().await;
        self.store.close().await;
    }
}
