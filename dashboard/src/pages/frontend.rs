//! The registry's own pages, at the addresses that they have on pgxn.org (pgxn-site), with the verdicts on what they list.
//!
//! What they say comes from the registry's documents as [`proxy`] has them, and is as hostile as those. A page whose document may be out of date says so.

pub(crate) mod document;
pub(crate) mod extension;
pub(crate) mod feed;
pub(crate) mod machines;
pub(crate) mod mirrors;
pub(crate) mod moved;
pub(crate) mod recent;
pub(crate) mod search;
pub(crate) mod source;
pub(crate) mod spec;
pub(crate) mod tag;
pub(crate) mod tags;
pub(crate) mod text;
pub(crate) mod user;
pub(crate) mod users;

mod own;
mod shelf;

use super::facts::{short, web};

/// A text of the registry as it may be shown on one line.
fn line(text: &str) -> String {
    short(text).trim().to_owned()
}
