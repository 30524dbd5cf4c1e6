//! The registry's documents, passed on from this machine: kept on disk within bounds, asked for again by `ETag`, and there still when the registry
//! is not.
//!
//! An address becomes a `Document` (`document.rs`), a document an `Answer` (`fresh.rs` decides what is kept, asked for, or served stale; archives
//! are held against their META.json first, `archive.rs`), and an answer a response (`serve.rs`). What a registry does not offer falls through to
//! whatever stands behind [`before`].

mod archive;
mod cache;
mod config;
mod document;
mod error;
mod flight;
mod fresh;
mod range;
mod read;
mod recall;
mod serve;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pgxn::{Origin, Registry};
use protocol::Clock;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use cache::Cache;
use flight::Flights;
use recall::Recall;

pub use config::Config;
pub use document::NARROWED;
pub use error::{Error, Result};
pub use read::Read;
pub use serve::{Offers, before};

/// What stands between the farm's visitors and the registry. Clones share it.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    origin: Origin,
    cache: Cache,
    /// Searches have a small cache of their own: there is no end of them, and they must not drive documents out.
    searches: Cache,
    recall: Recall,
    flights: Flights,
    /// How many requests to the registry are under way at most.
    lines: Semaphore,
    /// The registry of the index that was read last, and that index's `ETag` here.
    registry: Mutex<Option<(String, Registry)>>,
    /// Requests go on when nobody waits for them any more.
    tasks: TaskTracker,
    clock: Arc<dyn Clock>,
    config: Config,
}

impl Proxy {
    /// A proxy of the registry that `config` names, with what its directory has kept. Asks the registry for nothing yet.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let origin = Origin::new(&config.registry, Config::client())?;
        let cache = Cache::open(&config.dir.join("documents"), config.max_bytes)?;
        let searches = Cache::open(&config.dir.join("searches"), config.max_bytes / Config::SEARCHES)?;
        Ok(Self(Arc::new(Inner {
            origin,
            cache,
            searches,
            recall: Recall::default(),
            flights: Flights::default(),
            lines: Semaphore::new(config.concurrency),
            registry: Mutex::new(None),
            tasks: TaskTracker::new(),
            clock,
            config,
        })))
    }

    /// How long somebody should be kept waiting who can be given something else.
    pub fn patience(&self) -> Duration {
        self.0.config.patience
    }
}

#[cfg(test)]
mod tests;
