//! What the verdicts on a distribution's latest release come to, in one word, over whichever targets are asked about.

use protocol::{Flag, Grade};
use serde::Serialize;

/// What a verdict comes to. The order is the one in which a word for several targets is taken: that something fails somewhere is never hidden by that
/// it passes elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing that counts: no verdict yet, one that is in doubt, or a failure that is not the extension's.
    None,
    /// It says that it does not support the target.
    Na,
    /// It builds and loads, and has no tests.
    Untested,
    /// Its tests pass.
    Pass,
    /// It fails, and the extension is the cause.
    Fail,
}

impl Outcome {
    /// What a verdict comes to. One that is in doubt counts neither for nor against an author.
    pub fn of(grade: Grade, flags: &[Flag]) -> Self {
        let is_sure = !flags.contains(&Flag::Unconfirmed) && !flags.contains(&Flag::Flaky);
        match grade {
            Grade::Pass if is_sure => Self::Pass,
            Grade::Untested if is_sure => Self::Untested,
            Grade::Fail if is_sure => Self::Fail,
            Grade::Na => Self::Na,
            Grade::Pass | Grade::Untested | Grade::Fail | Grade::Blocked | Grade::Env | Grade::Error => Self::None,
        }
    }

    /// What it is worth for health, of two.
    pub(crate) const fn points(self) -> u32 {
        match self {
            Self::Pass => 2,
            Self::Untested => 1,
            Self::None | Self::Na | Self::Fail => 0,
        }
    }
}

/// What the verdicts have to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// Anything.
    Any,
    /// It passes, or builds and has no tests, and fails nowhere.
    Works,
    /// It passes, and fails nowhere.
    Pass,
    /// It builds and has no tests, and neither passes nor fails anywhere.
    Untested,
    /// It fails somewhere.
    Fail,
    /// It says that it does not support this.
    Na,
    /// Nothing that counts.
    None,
}

impl Wanted {
    /// All of them, in the order in which pages offer them.
    pub const ALL: [Self; 7] = [Self::Any, Self::Works, Self::Pass, Self::Untested, Self::Fail, Self::Na, Self::None];
    pub(crate) const EXPECTED: &'static str = "it is any, works, pass, untested, fail, na or none";

    /// The word in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Works => "works",
            Self::Pass => "pass",
            Self::Untested => "untested",
            Self::Fail => "fail",
            Self::Na => "na",
            Self::None => "none",
        }
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether that is what is wanted.
    pub const fn admits(self, outcome: Outcome) -> bool {
        match self {
            Self::Any => true,
            Self::Works => matches!(outcome, Outcome::Pass | Outcome::Untested),
            Self::Pass => matches!(outcome, Outcome::Pass),
            Self::Untested => matches!(outcome, Outcome::Untested),
            Self::Fail => matches!(outcome, Outcome::Fail),
            Self::Na => matches!(outcome, Outcome::Na),
            Self::None => matches!(outcome, Outcome::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_counts_for_or_against_an_author_is_an_outcome() {
        assert_eq!(Outcome::of(Grade::Pass, &[Flag::Warnings]), Outcome::Pass);
        assert_eq!(Outcome::of(Grade::Fail, &[]), Outcome::Fail);
        assert_eq!(Outcome::of(Grade::Na, &[]), Outcome::Na);
        for grade in [Grade::Blocked, Grade::Env, Grade::Error] {
            assert_eq!(Outcome::of(grade, &[]), Outcome::None, "{grade}");
        }
        for flag in [Flag::Unconfirmed, Flag::Flaky] {
            assert_eq!(Outcome::of(Grade::Fail, &[flag]), Outcome::None);
            assert_eq!(Outcome::of(Grade::Pass, &[flag]), Outcome::None);
        }
    }

    #[test]
    fn every_outcome_is_in_one_word_beside_any_and_works() {
        for outcome in [Outcome::None, Outcome::Na, Outcome::Untested, Outcome::Pass, Outcome::Fail] {
            let words: Vec<_> = Wanted::ALL.into_iter().skip(2).filter(|wanted| wanted.admits(outcome)).collect();
            assert_eq!(words.len(), 1, "{outcome:?}: {words:?}");
        }
    }
}
