//! Tells maintainers what turned red or green in their distributions: by webhook, mail, or an issue in their repository.
//!
//! What is told was written by `store` in the transaction in which it turned (`store/src/deliveries.rs`); [`tick`] sends it, one subscription at a
//! time, and [`run`] drives that. It is told at least once, under a key by which a second time is recognised. Nothing is ever told of ERROR,
//! ENV, BLOCKED or what is in doubt, as none of that turns anything.
//!
//! Whoever wants to hear of a distribution proves that its META.json means them ([`Desk::ask`], [`Desk::confirm`]); until then nothing is stored.
//! [`router`] takes the forms and the API of that; the pages are the dashboard's, and read through the same [`Desk`].
//!
//! Every address that is told anything was written by a stranger: `notify/src/outbound.rs` says where no connection is made. All channels are off until
//! an operator turns them on.

mod address;
mod api;
mod config;
mod desk;
mod error;
mod forms;
mod github;
mod key;
mod mail;
mod message;
mod outbound;
mod pace;
mod places;
mod refusal;
mod send;
mod task;
mod view;
mod webhook;
mod wish;

pub use api::{described, router};
pub use config::{Config, GitHub, Mail, SmtpServer};
pub use desk::Desk;
pub use error::{Error, Result};
pub use forms::Form;
pub use message::{Message, headline};
pub use places::Place;
pub use refusal::Refusal;
pub use send::{Tick, tick};
pub use task::run;
pub use view::{Asked, Held, Proving};
pub use wish::Wish;

#[cfg(test)]
mod tests;
