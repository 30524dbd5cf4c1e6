//! Faults, survived: each at moments by chance in the life of a run, and afterwards nothing is lost but time.
//!
//! `docs/faults.md` has a row for each. A test that fails says its seed, with which it takes the same turns again. Most of the time is spent
//! waiting, so that each test has several farms side by side.

mod clock;
mod database;
mod disk;
mod engine;
mod killed;
mod network;
mod table;
mod tokens;
