//! Whether this machine can lend itself, and for what: each thing looked at or tried, with what it means for the offer and what mends it.
//!
//! What an engine says that it limits is not believed: a container of ours, with limits as a run has them, tries to exceed each of them
//! (`trial`). What cannot be enforced takes away from the offer, with a word: everything, where nothing would stop a bomb; the runs beside
//! the first, where processors cannot be shared out; emulated targets, where nothing of them runs. The same is looked at when a runner
//! starts, but for what needs the network.

use serde::Serialize;

mod emulation;
mod examine;
mod fix;
mod machine;
mod network;
mod trial;

pub use examine::{Subject, examine, self_check};
pub use fix::{Fix, fix};

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Not as it should be, or not known; runs can be made all the same.
    Warning,
    /// Something takes it out of the offer.
    Fails,
}

impl Outcome {
    /// As one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fails => "fails",
        }
    }
}

/// What a thing means for the offer of a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// All that was asked for is offered.
    Whole,
    /// One run at a time, whatever was asked for.
    OneAtATime,
    /// No emulated target.
    NotEmulated,
    /// Nothing at all.
    Nothing,
}

impl Effect {
    /// As a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Whole => "The offer stays as it is.",
            Self::OneAtATime => "One run at a time is offered, whatever --jobs says.",
            Self::NotEmulated => "No emulated target is offered.",
            Self::Nothing => "Nothing is offered.",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What, as a word or two.
    pub name: &'static str,
    /// How it is.
    pub outcome: Outcome,
    /// What was found, as words.
    pub found: String,
    /// What it means for the offer.
    pub effect: Effect,
    /// What to do about it: a command, or a sentence; empty where there is nothing to do.
    pub mend: String,
}

impl Check {
    pub(crate) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Ok, found: found.into(), effect: Effect::Whole, mend: String::new() }
    }

    pub(crate) fn warning(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { outcome: Outcome::Warning, mend: mend.into(), ..Self::ok(name, found) }
    }

    pub(crate) fn fails(name: &'static str, found: impl Into<String>, effect: Effect, mend: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fails, effect, mend: mend.into(), ..Self::ok(name, found) }
    }

    /// The same, which takes nothing from the offer.
    pub(crate) fn only_warning(self) -> Self {
        Self { outcome: self.outcome.min(Outcome::Warning), effect: Effect::Whole, ..self }
    }
}

/// All that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// In the order in which it was.
    pub checks: Vec<Check>,
}

impl Examination {
    /// Whether all that was asked for can be offered.
    pub fn is_fit(&self) -> bool {
        self.checks.iter().all(|check| check.outcome < Outcome::Fails)
    }

    /// Whether something has that effect.
    pub fn has(&self, effect: Effect) -> bool {
        self.checks.iter().any(|check| check.effect == effect)
    }

    /// What is not as it should be.
    pub fn remarks(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.outcome > Outcome::Ok)
    }
}
