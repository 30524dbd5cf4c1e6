//! Where the registry is, where what is kept lies, and how patient the proxy is.

use std::path::PathBuf;
use std::time::Duration;

use pgxn::ClientOptions;
use url::Url;

/// The settings of a [`crate::Proxy`].
#[derive(Clone, Debug)]
pub struct Config {
    /// The registry's address.
    pub registry: Url,
    /// The directory of what is kept; made where it is missing.
    pub dir: PathBuf,
    /// How much may be kept. What was not used for longest goes first.
    pub max_bytes: u64,
    /// How long somebody waits for the registry who can be given what was kept.
    pub patience: Duration,
    /// How long somebody waits who cannot.
    pub timeout: Duration,
    /// How many requests to the registry are under way at a time.
    pub concurrency: usize,
}

impl Config {
    /// Searches may have this part of all that is kept.
    pub(crate) const SEARCHES: u64 = 32;

    /// A registry's settings with defaults for everything else.
    pub fn new(registry: Url, dir: PathBuf) -> Self {
        Self {
            registry,
            dir,
            max_bytes: 4 * 1024 * 1024 * 1024,
            patience: Duration::from_secs(2),
            timeout: Duration::from_secs(20),
            concurrency: 16,
        }
    }

    /// A client that tries once: whoever waits is a person, and what failed is asked for again by the next one.
    pub(crate) fn client() -> ClientOptions {
        ClientOptions { connect_timeout: Duration::from_secs(5), attempts: 1, ..ClientOptions::default() }
    }
}
