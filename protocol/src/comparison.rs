//! How a verdict compares with an earlier one: release with release, major with major, the same test yesterday and today.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::grade::{Flag, Grade};
use crate::release::Status;
use crate::version::Version;

/// How a verdict compares with the one before it. Only the first two are news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Comparison {
    /// It fails, and did not before.
    NewFail,
    /// It failed before, and does not any more.
    Fixed,
    /// It failed before, and still does.
    StillFailing,
    /// It did not fail before, and still does not.
    StillPassing,
    /// It was tested before, and says now that it does not support this.
    NewlyNa,
    /// One of the two says nothing of the extension.
    NotComparable,
}

impl Comparison {
    /// Every way to compare.
    pub const ALL: [Self; 6] =
        [Self::NewFail, Self::Fixed, Self::StillFailing, Self::StillPassing, Self::NewlyNa, Self::NotComparable];

    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewFail => "NEW-FAIL",
            Self::Fixed => "FIXED",
            Self::StillFailing => "STILL-FAILING",
            Self::StillPassing => "STILL-PASSING",
            Self::NewlyNa => "NEWLY-NA",
            Self::NotComparable => "NOT-COMPARABLE",
        }
    }

    /// A sentence for people, complete in itself.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NewFail => "It fails, and did not before.",
            Self::Fixed => "It failed before, and does not any more.",
            Self::StillFailing => "It failed before, and still does.",
            Self::StillPassing => "It did not fail before, and still does not.",
            Self::NewlyNa => "It was tested before, and says now that it does not support this.",
            Self::NotComparable => {
                "They do not compare: of one of them nothing is known for sure, as it was not tested, could not be, or is \
                 not confirmed."
            }
        }
    }

    /// Whether somebody should hear of it.
    pub const fn is_news(self) -> bool {
        matches!(self, Self::NewFail | Self::Fixed)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Comparison {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|comparison| comparison.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a comparison"))
    }
}

/// A side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged<'a> {
    /// The grade.
    pub grade: Grade,
    /// Its flags.
    pub flags: &'a [Flag],
}

impl Judged<'_> {
    /// Whether the extension fails, as far as that can be said: none where the verdict says nothing of the extension for sure.
    pub fn fails(self) -> Option<bool> {
        if self.flags.iter().any(|flag| matches!(flag, Flag::Unconfirmed | Flag::Flaky)) {
            return None;
        }
        match self.grade {
            Grade::Pass | Grade::Untested => Some(false),
            Grade::Fail => Some(true),
            Grade::Na | Grade::Blocked | Grade::Env | Grade::Error => None,
        }
    }
}

/// Compares a verdict with the one before it.
///
/// What could not be tested, what is not confirmed, and what ends now so and now so compare with nothing. Neither does what was not
/// supported before: nothing was tested then.
pub fn compare(before: Judged<'_>, after: Judged<'_>) -> Comparison {
    match (before.fails(), after.fails()) {
        (Some(false), Some(true)) => Comparison::NewFail,
        (Some(true), Some(false)) => Comparison::Fixed,
        (Some(true), Some(true)) => Comparison::StillFailing,
        (Some(false), Some(false)) => Comparison::StillPassing,
        (Some(_), None) if after.grade == Grade::Na => Comparison::NewlyNa,
        _ => Comparison::NotComparable,
    }
}

/// The releases that one is compared with, the nearest first: the lower stable ones; where there is none, the other lower ones.
pub fn predecessors<'a, R>(of: &Version, all: &'a [R], about: impl Fn(&R) -> (&Version, Status)) -> Vec<&'a R> {
    let mut lower: Vec<&R> = all.iter().filter(|one| about(one).0 < of).collect();
    lower.sort_by(|left, right| about(right).0.cmp(about(left).0));
    if lower.iter().any(|one| about(one).1 == Status::Stable) {
        lower.retain(|one| about(one).1 == Status::Stable);
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn plain(grade: Grade) -> Judged<'static> {
        Judged { grade, flags: &[] }
    }

    /// What every pair of grades without flags compares as: a row per grade before, a column per grade after, in the order of `Grade::ALL`.
    const TABLE: [[&str; 7]; 7] = [
        // PASS, UNTESTED, FAIL, NA, BLOCKED, ENV, ERROR
        ["=", "=", "new", "na", "?", "?", "?"],
        ["=", "=", "new", "na", "?", "?", "?"],
        ["fixed", "fixed", "still", "na", "?", "?", "?"],
        ["?", "?", "?", "?", "?", "?", "?"],
        ["?", "?", "?", "?", "?", "?", "?"],
        ["?", "?", "?", "?", "?", "?", "?"],
        ["?", "?", "?", "?", "?", "?", "?"],
    ];

    fn short(comparison: Comparison) -> &'static str {
        match comparison {
            Comparison::NewFail => "new",
            Comparison::Fixed => "fixed",
            Comparison::StillFailing => "still",
            Comparison::StillPassing => "=",
            Comparison::NewlyNa => "na",
            Comparison::NotComparable => "?",
        }
    }

    #[test]
    fn every_pair_of_grades_compares_as_the_table_says() {
        for (row, before) in TABLE.iter().zip(Grade::ALL) {
            for (expected, after) in row.iter().zip(Grade::ALL) {
                assert_eq!(short(compare(plain(before), plain(after))), *expected, "{before} then {after}");
            }
        }
    }

    #[test]
    fn what_is_not_sure_compares_with_nothing_whatever_its_grade() {
        for doubt in [Flag::Unconfirmed, Flag::Flaky] {
            for one in Grade::ALL {
                for other in [Grade::Pass, Grade::Untested, Grade::Fail] {
                    let (sure, unsure) = (plain(other), Judged { grade: one, flags: &[Flag::Warnings, doubt] });
                    let after = if one == Grade::Na { Comparison::NewlyNa } else { Comparison::NotComparable };
                    assert_eq!(compare(unsure, sure), Comparison::NotComparable, "{one} {doubt} then {other}");
                    assert_eq!(compare(sure, unsure), after, "{other} then {one} {doubt}");
                }
            }
        }
    }

    #[test]
    fn other_flags_change_no_comparison() {
        for flag in [Flag::Crash, Flag::Timeout, Flag::Warnings] {
            let after = Judged { grade: Grade::Fail, flags: &[flag] };
            assert_eq!(compare(plain(Grade::Pass), after), Comparison::NewFail, "{flag}");
        }
    }

    #[test]
    fn only_what_turned_is_news() {
        let news: Vec<_> = Comparison::ALL.into_iter().filter(|one| one.is_news()).collect();
        assert_eq!(news, [Comparison::NewFail, Comparison::Fixed]);
    }

    #[test]
    fn every_comparison_reads_back_in_text_and_in_json_and_has_its_sentence() {
        for one in Comparison::ALL {
            assert_eq!(one.as_str().parse(), Ok(one));
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert!(
                one.sentence().ends_with('.') && one.sentence().starts_with("It ") || one == Comparison::NotComparable
            );
        }
    }

    #[test]
    fn a_release_is_compared_with_the_stable_one_before_it() {
        use Status::{Stable, Testing, Unstable};
        let all =
            [("1.0.0", Stable), ("1.1.0", Stable), ("1.2.0-b1", Testing), ("1.2.0", Stable), ("1.3.0-b1", Unstable)];
        let all = all.map(|(version, status)| (version.parse::<Version>().unwrap(), status));
        let before = |of: &str, all: &[(Version, Status)]| -> Vec<String> {
            let found = predecessors(&of.parse().unwrap(), all, |one| (&one.0, one.1));
            found.iter().map(|one| one.0.to_string()).collect()
        };
        assert_eq!(before("1.2.0", &all), ["1.1.0", "1.0.0"]);
        assert_eq!(before("1.3.0-b1", &all), ["1.2.0", "1.1.0", "1.0.0"]);
        assert_eq!(before("1.2.0-b1", &all), ["1.1.0", "1.0.0"]);
        assert!(before("1.0.0", &all).is_empty());
        assert_eq!(before("1.3.0", &all[2..3]), ["1.2.0-b1"], "where nothing is stable, anything serves");
    }
}
