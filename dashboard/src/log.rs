//! Logs as pages show them: cut into lines and parts, terminal colours as classes, everything else made visible or dropped.
//!
//! A log is written by whatever a stranger's Makefile runs, so nothing in it may reach the page but text: a [`Line`] holds plain
//! spans with a class out of a closed list, and the template escapes the text.

mod ansi;
mod diff;
mod find;
mod growing;
mod part;
mod sides;

pub(crate) use ansi::Line;
pub(crate) use diff::{DiffLine, classify};
pub(crate) use find::{Found, asked, find};
pub(crate) use growing::Growing;
pub(crate) use part::{LINES_PER_PART, Part, beginning, context, ending, part_of_line};
pub(crate) use sides::{Row, has_sides, sides};
