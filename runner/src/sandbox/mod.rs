//! The sandbox: one container per run, in which everything of a distribution runs, and nothing else.

pub mod docker;
