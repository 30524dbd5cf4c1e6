//! The HTTP client of operator's commands.

use std::time::Duration;

use anyhow::{Context, Result};
use rustls::crypto::ring;

/// Makes ring the provider of cryptography for every TLS connection of the process.
pub(crate) fn install_crypto() {
    // An error means that there is one already, which is as good.
    let _ = ring::default_provider().install_default();
}

/// A client with limits on time.
pub(crate) fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("pgxn-testers/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_mins(1))
        .build()
        .context("set up the HTTP client")
}
