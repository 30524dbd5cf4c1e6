//! Never in the way: when a runner works, and how much of its machine it takes.
//!
//! `hours` are the times at which it may work, `idle` tells whether anybody else uses the machine, `control` is what its volunteer has said since
//! (pause, resume, drain), and `shares` what it takes at most. Each is a pure function of what it is told; `crate::claim` asks them once a second,
//! and takes no new work where one of them says no. What runs goes on to its end.

pub mod control;
mod hours;
mod idle;
mod shares;

pub use hours::{Hours, Window};
pub use idle::IdleRules;
pub(crate) use idle::Idleness;
pub use shares::{Share, Shares};

/// What is done with a run that goes on when the hours are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenOver {
    /// It goes on to its end, which is some minutes away.
    #[default]
    Finish,
    /// It is given back at once, and another runner begins it anew.
    Stop,
}

/// When a runner works.
#[derive(Clone, Debug, Default)]
pub struct Courtesy {
    /// At which times; always, where nothing is said.
    pub hours: Option<Hours>,
    /// What becomes of a run that goes on when they are over.
    pub over: WhenOver,
    /// Only while nobody else uses the machine, and what counts as that.
    pub idle: Option<IdleRules>,
    /// The most that images and caches may take, in bytes.
    pub disk_bytes: Option<u64>,
}
