//! From a claimed job to a signed report: the sandbox, the phases, the judge, the images.

pub mod judge;
pub mod sandbox;

mod error;

pub use error::{Error, Result};
