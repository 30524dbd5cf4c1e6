//! End-to-end tests: real processes, a real engine, real databases, a real browser.

pub mod attacks;
pub mod browser;
pub mod containers;
pub mod database;
pub mod disk;
pub mod engine;
pub mod farm;
pub mod fixtures;
pub mod poll;
pub mod process;
pub mod registry;
pub mod turn;
