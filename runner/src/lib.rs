//! From a claimed job to a signed report: the sandbox, the phases, the judge, the images.

pub mod judge;
pub mod sandbox;

mod error;
mod limits;
mod task;

pub use error::{Error, Result};
pub use limits::Limits;
pub use task::Tasks;
