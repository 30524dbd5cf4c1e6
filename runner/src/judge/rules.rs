//! What is known of logs: one table of rules for each kind of tool, each row with where it was seen.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a row's meaning may have nothing to say, even where this one always has"
)]

pub(crate) mod compiler;
pub(crate) mod configure;
pub(crate) mod files;
pub(crate) mod headers;
pub(crate) mod limits;
pub(crate) mod linker;
pub(crate) mod make;
pub(crate) mod modules;
pub(crate) mod network;
pub(crate) mod programs;
pub(crate) mod regress;
pub(crate) mod sql;
pub(crate) mod sql_meanings;
