//! What the judge says of real logs, and what it promises of any.
//!
//! Each directory of `logs/` is named by its fate, and holds what a phase really printed beside the verdict that it must earn.

mod installcheck;
mod lines;
mod logs;
mod promises;
mod rules;
#[cfg(test)]
mod suites;
