//! Logs as pages show them: cut into lines and parts, terminal colours as classes, everything else made visible or dropped.
//!
//! A log is written by whatever a stranger's Makefile runs, so nothing in it may reach the page but text: a [`Line`] holds plain
//! spans with a class out of a closed list, and the template escapes the text.

mod ansi;
mod diff;
mod part;

pub(crate) use ansi::Line;
pub(crate) use diff::{DiffLine, classify};
pub(crate) use part::{LINES_PER_PART, Part, beginning, context, part_of_line};
