//! The pages, a file each: what is read from the store, the view that it becomes, and the template that shows it.

pub(crate) mod badge;
pub(crate) mod charts;
pub(crate) mod design;
pub(crate) mod dist;
pub(crate) mod dists;
pub(crate) mod facts;
pub(crate) mod farm;
pub(crate) mod file;
pub(crate) mod frontend;
pub(crate) mod home;
pub(crate) mod matrix;
pub(crate) mod pre_releases;
pub(crate) mod queue;
pub(crate) mod readiness;
pub(crate) mod release;
pub(crate) mod run;
pub(crate) mod subscribe;
pub(crate) mod subscription;
pub(crate) mod symptoms;
pub(crate) mod turns;
pub(crate) mod vocabulary;

mod filters;
mod lines;
mod reading;
mod registry;
mod rows;

use axum::response::Redirect;

use crate::answer::Ask;
use crate::fault::Fault;

/// `/dists`, `/queue` and others: the slash belongs to the address.
pub(crate) async fn with_slash(ask: Ask) -> Redirect {
    ask.with_slash()
}

/// The answer to an address that no page has.
pub(crate) async fn nothing_here() -> Fault {
    Fault::missing("There is no page at this address.")
}
