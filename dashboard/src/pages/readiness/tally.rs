//! How latest releases do on a major and beside the major below: pure functions over what stands of them.

use protocol::{Comparison, Matrix, PgMajor, compare};
use serde::Serialize;
use store::readiness::Outline;
use store::standing::Narrow;

use crate::mark::Mark;

/// What is told of a distribution whose platforms differ: the first of these that one of them shows.
const TOLD: [Mark; 11] = [
    Mark::Fail,
    Mark::Pass,
    Mark::Untested,
    Mark::Unconfirmed,
    Mark::Flaky,
    Mark::Blocked,
    Mark::Env,
    Mark::Error,
    Mark::Na,
    Mark::Running,
    Mark::Queued,
];

/// The major that one is compared with: the next lower one of the matrix.
pub(crate) fn below(matrix: &Matrix, major: PgMajor) -> Option<PgMajor> {
    matrix.postgresql.iter().map(|entry| entry.major).filter(|other| *other < major).max()
}

fn mark_of(cell: Narrow) -> Mark {
    let standing = cell.standing.as_ref();
    match standing {
        // What passes now so and now so counts no more than what fails so.
        Some(it) if it.unsure.is_some() && it.fails().is_none() && Mark::from(it.grade).is_good() => Mark::Flaky,
        _ => Mark::of(cell.state, standing.map(|it| (it.grade, it.unsure.as_slice()))),
    }
}

/// What is told of a distribution on a major; none where no test is planned.
pub(crate) fn told(cells: &[Narrow], major: PgMajor) -> Option<Mark> {
    let marks: Vec<Mark> = cells.iter().filter(|cell| cell.target.major == major).copied().map(mark_of).collect();
    TOLD.into_iter().find(|mark| marks.contains(mark))
}

/// How a distribution on a major compares with itself on the one below: what turned on any platform is told before what did not.
pub(crate) fn compared(cells: &[Narrow], major: PgMajor, below: PgMajor) -> Option<Comparison> {
    let on = |major| cells.iter().filter(move |cell| cell.target.major == major);
    let pairs = on(major).flat_map(|after| {
        on(below)
            .filter(move |before| before.target.platform == after.target.platform)
            .map(move |before| (before, after))
    });
    let all = pairs.filter_map(|(before, after)| {
        Some(compare(before.standing.as_ref()?.judged(), after.standing.as_ref()?.judged()))
    });
    all.min()
}

/// How many distributions do how on a major.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// They pass.
    pub passing: usize,
    /// They build and load, and have no tests.
    pub untested: usize,
    /// They fail.
    pub failing: usize,
    /// They failed, and it is not sure.
    pub unsure: usize,
    /// They could not be tested: the farm lacks something, or something that they need fails.
    pub stuck: usize,
    /// They say that they do not support it.
    pub unsupported: usize,
    /// They wait.
    pub waiting: usize,
    /// No test of them is planned.
    pub unplanned: usize,
    /// They fail, and do not on the major below.
    pub broke: usize,
    /// They fail on the major below, and not here.
    pub mended: usize,
}

impl Tally {
    /// Counts distributions.
    pub(crate) fn of<'a>(all: impl Iterator<Item = &'a Outline>, major: PgMajor, below: Option<PgMajor>) -> Self {
        let mut tally = Self::default();
        for one in all {
            let place = match told(&one.cells, major) {
                Some(Mark::Pass) => &mut tally.passing,
                Some(Mark::Untested) => &mut tally.untested,
                Some(Mark::Fail) => &mut tally.failing,
                Some(Mark::Unconfirmed | Mark::Flaky) => &mut tally.unsure,
                Some(Mark::Blocked | Mark::Env | Mark::Error) => &mut tally.stuck,
                Some(Mark::Na) => &mut tally.unsupported,
                Some(Mark::Running | Mark::Queued) => &mut tally.waiting,
                Some(Mark::Withdrawn) | None => &mut tally.unplanned,
            };
            *place += 1;
            match below.and_then(|below| compared(&one.cells, major, below)) {
                Some(Comparison::NewFail) => tally.broke += 1,
                Some(Comparison::Fixed) => tally.mended += 1,
                _ => {}
            }
        }
        tally
    }

    /// Those with a verdict that counts for or against an author.
    pub(crate) const fn judged(&self) -> usize {
        self.works() + self.failing
    }

    /// Those that do not fail.
    pub(crate) const fn works(&self) -> usize {
        self.passing + self.untested
    }

    /// A number as whole percents of those that are judged: a hundred only where it is all of them, and none only where it is nobody.
    pub(crate) const fn percent(&self, number: usize) -> usize {
        match (number, self.judged()) {
            (0, _) | (_, 0) => 0,
            (number, judged) if number >= judged => 100,
            (number, judged) => {
                let rounded = (number * 200 + judged) / (judged * 2);
                if rounded == 0 {
                    1
                } else if rounded > 99 {
                    99
                } else {
                    rounded
                }
            }
        }
    }

    /// The share that works, in words.
    pub(crate) fn words(&self) -> String {
        if self.judged() == 0 {
            return "none tested".to_owned();
        }
        let parts = [(self.passing, "pass"), (self.untested, "build and have no tests"), (self.failing, "fail")];
        let parts: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, words)| format!("{number} {words}")).collect();
        format!("{} % work: {}", self.percent(self.works()), parts.join(", "))
    }

    /// Those of which it is not known, in words.
    pub(crate) fn unknown(&self) -> String {
        let parts = [
            (self.waiting, "waiting"),
            (self.unsure, "not sure"),
            (self.stuck, "could not be tested"),
            (self.unsupported, "do not support it"),
            (self.unplanned, "not planned"),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, words)| format!("{number} {words}")).collect();
        if parts.is_empty() { String::new() } else { format!("{}.", parts.join(", ")) }
    }

    /// The parts of the bar: a class, where it begins and how long it is, in thousandths.
    pub(crate) fn bar(&self) -> Vec<(&'static str, usize, usize)> {
        let judged = self.judged().max(1);
        let mut from = 0;
        let parts = [("pass", self.passing), ("untested", self.untested), ("fail", self.failing)];
        let place = |(class, number): (&'static str, usize)| {
            let part = (class, from * 1_000 / judged, number * 1_000 / judged);
            from += number;
            part
        };
        parts.into_iter().map(place).filter(|(_, _, length)| *length > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Flag, Grade, JobState, ReleaseId, Timestamp};
    use store::standing::Standing;

    use super::*;

    const PASS: Option<Standing> = Some(Standing { grade: Grade::Pass, unsure: None });
    const FAIL: Option<Standing> = Some(Standing { grade: Grade::Fail, unsure: None });
    const DOUBT: Option<Standing> = Some(Standing { grade: Grade::Fail, unsure: Some(Flag::Unconfirmed) });

    fn one(cells: &[(&str, Option<Standing>)]) -> Outline {
        let narrow = |(target, standing): &(&str, Option<Standing>)| Narrow {
            target: target.parse().unwrap(),
            state: if standing.is_some() { JobState::Finished } else { JobState::Queued },
            standing: *standing,
        };
        Outline {
            dist: "pair".parse().unwrap(),
            release_id: ReleaseId::new(Timestamp::from_millis(0)),
            version: "1.0.0".parse().unwrap(),
            cells: cells.iter().map(narrow).collect(),
        }
    }

    fn major(number: u16) -> PgMajor {
        number.try_into().unwrap()
    }

    #[test]
    fn what_fails_on_one_platform_fails_and_what_is_not_sure_breaks_nothing() {
        let cases = [
            (one(&[("pg19-amd64", PASS), ("pg19-arm64", FAIL), ("pg18-arm64", PASS)]), Some(Mark::Fail), "NEW-FAIL"),
            (one(&[("pg19-amd64", FAIL), ("pg18-arm64", PASS)]), Some(Mark::Fail), ""),
            (one(&[("pg19-amd64", FAIL), ("pg18-amd64", FAIL)]), Some(Mark::Fail), "STILL-FAILING"),
            (one(&[("pg19-amd64", PASS), ("pg18-amd64", FAIL)]), Some(Mark::Pass), "FIXED"),
            (one(&[("pg19-amd64", DOUBT), ("pg18-amd64", PASS)]), Some(Mark::Unconfirmed), "NOT-COMPARABLE"),
            (one(&[("pg19-amd64", None), ("pg18-amd64", PASS)]), Some(Mark::Queued), ""),
            (one(&[("pg18-amd64", PASS)]), None, ""),
        ];
        for (outline, mark, comparison) in cases {
            assert_eq!(told(&outline.cells, major(19)), mark, "{outline:?}");
            let found = compared(&outline.cells, major(19), major(18));
            assert_eq!(found.map_or("", Comparison::as_str), comparison, "{outline:?}");
        }
    }

    #[test]
    fn every_distribution_is_counted_once_and_shares_are_of_what_is_judged() {
        let flaky = Some(Standing { grade: Grade::Pass, unsure: Some(Flag::Flaky) });
        let with = |grade| Some(Standing { grade, unsure: None });
        let all: Vec<Outline> =
            [PASS, with(Grade::Untested), FAIL, DOUBT, flaky, with(Grade::Env), with(Grade::Na), None]
                .into_iter()
                .map(|standing| one(&[("pg19-amd64", standing), ("pg18-amd64", PASS)]))
                .chain([one(&[])])
                .collect();
        let tally = Tally::of(all.iter(), major(19), Some(major(18)));
        let expected = Tally {
            passing: 1,
            untested: 1,
            failing: 1,
            unsure: 2,
            stuck: 1,
            unsupported: 1,
            waiting: 1,
            unplanned: 1,
            broke: 1,
            mended: 0,
        };
        assert_eq!(tally, expected);
        assert_eq!((tally.judged(), tally.works(), tally.percent(tally.works())), (3, 2, 67));
        assert_eq!(tally.words(), "67 % work: 1 pass, 1 build and have no tests, 1 fail");
        assert_eq!(
            tally.unknown(),
            "1 waiting, 2 not sure, 1 could not be tested, 1 do not support it, 1 not planned."
        );
        assert_eq!((Tally::default().words(), Tally::default().unknown()), ("none tested".into(), String::new()));
        assert_eq!(tally.bar(), [("pass", 0, 333), ("untested", 333, 333), ("fail", 666, 333)]);
    }

    #[test]
    fn only_all_are_a_hundred_percent_and_only_nobody_is_none() {
        let of = |failing, passing| Tally { passing, failing, ..Tally::default() }.percent(passing);
        assert_eq!([of(0, 3), of(1, 999), of(999, 1), of(3, 0), of(0, 0), of(1, 1)], [100, 99, 1, 0, 0, 50]);
    }

    #[test]
    fn a_major_is_compared_with_the_next_lower_one() {
        let matrix = Matrix::embedded();
        assert_eq!(below(&matrix, major(19)), Some(major(18)));
        assert_eq!(below(&matrix, major(13)), None);
    }
}
