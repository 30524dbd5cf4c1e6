//! A PGXN mirror tree made from real extension sources, and its server.
//!
//! It stands before the way of the data: what it writes is what a registry serves. [`mirror`] writes a tree from uploads as
//! PGXN Manager does, [`debian`] makes uploads from the upstream tarballs of Debian's archive, and [`serve`] answers for a tree
//! over HTTP as PGXN's API server does. The farm falls back to it where the public registry does not answer, and the tests
//! publish their fixtures through it.

pub mod debian;
mod error;
pub mod made_up;
pub mod mirror;
#[cfg(test)]
mod round_trip;
pub mod serve;
mod tree;

pub use debian::{Event, Order, Progress, Selection, Summary, build};
pub use error::Error;
pub use mirror::{Mirror, ReleaseMeta, Templates, Upload, User};
pub use tree::{Node, Tree};
