//! The sandbox: one container per run, in which everything of a distribution runs, and nothing else.
//!
//! A [`Sandbox`] is made from an image, gets the source copied in, runs commands under limits, gives small files back, and is removed
//! whatever happens: at the end, on a panic, when its run is dropped, and at the next start of a runner that was killed.

mod command;
pub mod docker;
mod files;
mod image;
mod instance;
mod life;
mod log;
mod look;
mod stream;

pub(crate) use command::{Command, Ended, WAIT_FOR_SERVER};
pub use files::Collected;
pub(crate) use files::pack;
pub use image::Image;
pub(crate) use image::label;
pub use instance::{INSTANCE_LABEL, Instance};
pub use life::{Place, Sandbox};
pub(crate) use log::Log;
pub use log::LogText;

#[cfg(test)]
pub(crate) mod tests;
