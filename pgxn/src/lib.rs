//! The PGXN registry: clients for API server and mirror over `https:`, `http:` and `file:`; META.json; archives.
//!
//! [`Registry::open`] reads a registry's `/index.json`. [`Registry::recent`] is the feed to poll, [`Registry::all_releases`] the whole to compare
//! with, [`Registry::meta`] what to plan by, [`Registry::download`] what to test, [`archive::unpack`] how to open it safely,
//! [`acceptance::archive`] what the registry would say to it. Everything that
//! comes from a registry is hostile: bounded, checked, and never run here.

pub mod acceptance;
mod address;
pub mod archive;
mod census;
mod document;
mod download;
mod error;
mod fetch;
mod files;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod http;
mod index;
mod json;
mod memory;
mod meta;
mod options;
mod origin;
mod provider;
mod registry;
mod retry;
mod template;
pub mod tls;

pub use address::{Reach, is_public};
pub use census::Census;
pub use document::{Feed, FeedEntry, Listed, Listing, Unreadable, User, UserEntry};
pub use download::Archive;
pub use error::{Error, Result};
pub use fetch::{Conditional, Validators};
pub use index::base as base_url;
pub use memory::Memory;
pub use meta::{
    License, Meta, MetaError, Module, Named, Phase, Preload, Prerequisite, Provided, Relation, Resources, Spec,
};
pub use options::ClientOptions;
pub use origin::Origin;
pub use protocol::{PostgresRange, Range, RangeError};
pub use provider::Provider;
pub use registry::{Asked, Registry, Statistics};
pub use template::{Template, TemplateError};
