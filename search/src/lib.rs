//! Searches the registry as PGXN's API server does (pgxn-api, `/search/`), over an index in memory.
//!
//! An index is made of [`Entry`]s, one for each distribution, all at once, and never changes: a new one takes its place. What is asked and what is
//! indexed are both hostile: the one is parsed leniently and within bounds, the other comes out of [`Hit`]s as it went in, but for excerpts, which
//! are escaped here.

mod answer;
mod entry;
mod excerpt;
mod index;
mod query;

pub use answer::{Answer, Hit};
pub use entry::{Entry, Extension};
pub use index::{Index, SearchError};
pub use query::{Ask, In};

#[cfg(test)]
mod tests;
