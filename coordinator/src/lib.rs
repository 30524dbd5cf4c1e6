//! From a release in the registry to a verdict that stands: watch → plan → claim → renew → report → expire → confirm, and the HTTP API for all of it.
//!
//! [`watch`] and [`reconcile`] bring releases in, [`plan`] says what to test of them, [`lease`] hands jobs to runners and takes their
//! reports, [`expire`] takes jobs back from runners that went silent, [`confirm`] lets results wait for a second
//! opinion, [`withdraw`] takes out of sight what bad runners found. [`join`] lets machines in. Each is one step that a test can take; [`run`] drives them all.
//! [`api::router`] puts them on HTTP.

pub mod api;
pub mod config;
pub mod confirm;
pub mod expire;
pub mod images;
pub mod join;
pub mod lease;
pub mod operate;
pub mod plan;
pub mod pre_releases;
pub mod progress;
pub mod reconcile;
pub mod replan;
pub mod watch;
pub mod withdraw;

mod allowance;
mod coordinator;
mod error;
mod events;
mod intake;
mod pace;
mod schedule;
mod signing;
mod source;
mod task;
mod together;

pub use config::Config;
pub use coordinator::{Coordinator, Tick};
pub use error::{Error, Result};
pub use events::{Event, Events};
pub use schedule::Schedule;
pub use task::run;

#[cfg(test)]
mod testing;
