//! What the tests stand on: a farm on a real database with a clock that stands, and a registry that can be made to misbehave.

mod call;
mod database;
mod farm;
mod registry;

use std::time::Duration;

use protocol::{Name, Version};

pub(crate) use call::{Answer, Call};
pub(crate) use database::on_both;
pub(crate) use farm::{Farm, secret_of};
pub(crate) use registry::{FakeRegistry, Trap, meta_path};

/// An evening on which PostgreSQL 15 to 18 are supported.
pub(crate) const START: i64 = 1_795_200_000_000;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}
