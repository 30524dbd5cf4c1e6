//! How patient, how greedy and how trusting a client of a registry is.

use std::time::Duration;

use crate::address::Reach;
use crate::memory::Memory;

/// The limits of a client. Every default suits both the public registry and one on the local network.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Who asks; registries have blocked clients that did not say so.
    pub user_agent: String,
    /// To connect, name look-up and TLS handshake included.
    pub connect_timeout: Duration,
    /// Without a byte.
    pub idle_timeout: Duration,
    /// For one document in all.
    pub document_timeout: Duration,
    /// For one archive in all.
    pub archive_timeout: Duration,
    /// Of one document, after decompression. A META.json may have a mebibyte at most.
    pub max_document_bytes: u64,
    /// Of one archive.
    pub max_archive_bytes: u64,
    /// How often one thing is asked for when the failure is a passing one.
    pub attempts: u32,
    /// Before the second attempt; doubled before each further one, less up to a half by chance.
    pub backoff: Duration,
    /// The longest wait between attempts, also where the server asks for more by `Retry-After`.
    pub max_backoff: Duration,
    /// How many redirects are followed.
    pub max_redirects: usize,
    /// How many documents are asked for at a time when the whole registry is read.
    pub concurrency: usize,
    /// What is kept of answers, for a machine without a network.
    pub memory: Option<Memory>,
    /// Where it may connect to.
    pub reach: Reach,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            user_agent: user_agent(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(20),
            document_timeout: Duration::from_mins(1),
            archive_timeout: Duration::from_mins(10),
            max_document_bytes: 16 * 1024 * 1024,
            max_archive_bytes: 256 * 1024 * 1024,
            attempts: 3,
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            max_redirects: 5,
            concurrency: 4,
            memory: None,
            reach: Reach::Anywhere,
        }
    }
}

/// `pgxn-testers/0.1.0 (+https://…)`, with the repository that the package names.
fn user_agent() -> String {
    let agent = concat!("pgxn-testers/", env!("CARGO_PKG_VERSION"));
    match env!("CARGO_PKG_REPOSITORY") {
        "" => agent.to_owned(),
        repository => format!("{agent} (+{repository})"),
    }
}
