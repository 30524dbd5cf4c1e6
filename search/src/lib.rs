//! Searches the registry as PGXN's API server does (pgxn-api, `/search/`), over an index in memory.
//!
//! What is found can be narrowed down by a [`Choice`]: by verdicts, which stand beside the index ([`Standings`]) so that they can change while it does
//! not, and by what META.json says. All of that is a pass over a table in memory, as long as the registry and no longer, however many results there are.
//!
//! An index is made of [`Entry`]s, one for each distribution, all at once, and never changes: a new one takes its place. What is asked and what is
//! indexed are both hostile: the one is parsed leniently and within bounds, the other comes out of [`Hit`]s as it went in, but for excerpts, which
//! are escaped here.

mod answer;
mod choice;
mod entry;
mod excerpt;
mod facets;
mod index;
mod matches;
mod near;
mod outcome;
mod query;
mod standing;
mod things;

pub use answer::{Answer, Hit};
pub use choice::{Choice, Refusal, Since, Sort};
pub use entry::{Entry, Extension};
pub use facets::{Bucket, Facets};
pub use index::{Found, Index, Listed, Narrow, SearchError};
pub use outcome::{Outcome, Wanted};
pub use query::{Ask, In};
pub use standing::{Health, Seen, Standings};

#[cfg(test)]
mod tests;
