//! What a distribution needs before it can be built: which releases of which distributions, in which order, and what is kept of them.
//!
//! Finding that out is a pure function, [`resolve`]: it is given what META asks for, what the server ships and what is known of the registry,
//! and gives a plan, a refusal, or the next questions to the registry. [`put_together`] asks those until there is a plan. Installing is
//! the run's, see `run/dependencies`; [`Cache`] keeps what it installed.

mod ask;
mod cache;
mod catalogue;
mod need;
mod refusal;
mod resolve;
mod sift;

pub(crate) use ask::{Halt, put_together};
pub(crate) use cache::{Cache, Entry, Key};
#[cfg(test)]
pub(crate) use catalogue::Known;
pub(crate) use catalogue::{Root, Shipped};
pub(crate) use need::Need;
pub(crate) use refusal::Refusal;
pub(crate) use resolve::{Plan, Planned, Server};
pub(crate) use sift::{SiftError, shown};
