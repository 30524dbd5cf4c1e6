//! Registries as they are, and as they are on a bad day, served on this machine.

mod census;
mod documents;
mod download;
mod failures;
mod mirror;
mod policy;
mod server;

use std::time::Duration;

use protocol::{Name, Version};

use crate::ClientOptions;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// As in real use, but without long pauses.
fn options() -> ClientOptions {
    ClientOptions {
        backoff: Duration::from_millis(1),
        max_backoff: Duration::from_millis(5),
        ..ClientOptions::default()
    }
}

/// An error with its causes, as a log shows it.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
