//! End-to-end tests: real processes, a real engine, real databases, a real browser.

pub mod attacks;
pub mod browser;
pub mod chance;
pub mod containers;
pub mod database;
pub mod disk;
pub mod dockerd;
pub mod engine;
pub mod farm;
pub mod fixtures;
pub mod ground;
pub mod host;
pub mod hostile;
pub mod inside;
pub mod listeners;
pub mod poll;
pub mod postgres;
pub mod process;
pub mod publisher;
pub mod registry;
pub mod settled;
pub mod table;
mod threats;
pub mod turn;
pub mod watched;
pub mod wire;
pub mod workflow;
