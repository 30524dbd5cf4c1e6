//! Every SQL statement, the migrations, and the blobs of logs and artifacts.
//!
//! One SQL text runs on SQLite and on PostgreSQL, through sqlx's `Any`. Reads take a [`Conn`], writes a [`Tx`], so that a page cannot
//! write; ids and the time are arguments. While a `Tx` is open, await only the database, and never ask the store for another `Tx`: with
//! SQLite there is one writer, and it would wait for itself.
//!
//! The modules follow the way of the data: [`registry`] and [`releases`] → [`jobs`] → [`runs`] (leases) → [`results`] →
//! [`confirm`] → [`history`] and [`symptoms`] (what a result means beside others) → [`matrix`], [`standing`], [`queue`] and [`farm`] for the pages, [`lacks`] for the operator.

pub mod broken;
pub mod confirm;
pub mod dists;
pub mod farm;
pub mod history;
pub mod jobs;
pub mod lacks;
pub mod matrix;
pub mod queue;
pub mod registry;
pub mod releases;
pub mod results;
pub mod runners;
pub mod runs;
pub mod standing;
pub mod symptoms;

mod blobs;
mod connect;
mod error;
mod fields;
mod lease;
mod lock;
#[cfg(test)]
mod testing;
mod token;

pub use blobs::{Blob, Blobs};
pub use connect::{Conn, Store, Tx};
pub use error::{Error, Result};
pub use token::TokenHash;
