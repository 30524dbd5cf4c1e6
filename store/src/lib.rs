//! Every SQL statement, the migrations, and the blobs of logs and artifacts.
//!
//! One SQL text runs on SQLite and on PostgreSQL, through sqlx's `Any`. Reads take a [`Conn`], writes a [`Tx`], so that a page cannot
//! write; ids and the time are arguments. While a `Tx` is open, await only the database, and never ask the store for another `Tx`: with
//! SQLite there is one writer, and it would wait for itself.
//!
//! The modules follow the way of the data: [`registry`] and [`releases`] → [`jobs`] → [`runs`] (leases) → [`results`] →
//! [`confirm`] and [`withdrawal`] → [`history`] and [`symptoms`] (what a result means beside others) → [`matrix`], [`verdicts`], [`latest`], [`overview`], [`readiness`], [`queue`],
//! [`farm`] and [`trends`] for the pages, [`lacks`] for the operator, [`export`] for whoever wants everything; [`turns`] → [`subscriptions`] and
//! [`deliveries`] for whoever wants to be told. [`invitations`] and [`join_requests`] lead to [`runners`], who sign by [`signatures`].
//! Beside all of that, and read by nothing of it, [`upload_tokens`] let maintainers send in [`pre_releases`].

pub mod broken;
pub mod confirm;
pub mod deliveries;
pub mod dists;
pub mod export;
pub mod farm;
pub mod fill;
pub mod history;
pub mod images;
pub mod invitations;
pub mod jobs;
pub mod join_requests;
pub mod lacks;
pub mod latest;
pub mod losses;
pub mod matrix;
pub mod overview;
pub mod pre_releases;
pub mod queue;
pub mod readiness;
pub mod registry;
pub mod releases;
pub mod results;
pub mod runners;
pub mod runs;
pub mod signatures;
pub mod standing;
pub mod subscriptions;
pub mod symptoms;
pub mod trends;
pub mod turns;
pub mod upload_tokens;
pub mod verdicts;
pub mod withdrawal;

mod blobs;
mod connect;
mod error;
mod fields;
mod lease;
mod lock;
mod many;
#[cfg(test)]
mod testing;
mod token;

pub use blobs::{Blob, Blobs};
pub use connect::{Conn, Store, Tx};
pub use error::{Error, Result};
pub use token::TokenHash;
