//! What the farm found of each distribution, as the search needs it: a few words per target, in memory, replaced whole when verdicts change.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use protocol::{PgMajor, Platform, Target, Timestamp};
use serde::Serialize;

use crate::choice::Choice;
use crate::outcome::{Outcome, Wanted};

/// A verdict that stands on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The target.
    pub target: Target,
    /// What it comes to.
    pub outcome: Outcome,
    /// Whether tests ran.
    pub tests: bool,
    /// When it was accepted.
    pub at: Timestamp,
}

/// The verdicts on the latest release of every distribution, in the order of the entries of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    of: Vec<Vec<Seen>>,
    supported: Vec<PgMajor>,
    majors: Vec<PgMajor>,
    platforms: Vec<Platform>,
    reach: u32,
}

/// How well a distribution does: the share of the targets that the farm tests on which its latest release is known to work.
///
/// The targets are those of the supported majors on which the farm has any verdict, the same for every distribution. One that passes counts two, one that
/// builds and has no tests one, all else nothing, so that a verdict that turns better never makes the figure worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The figure, in percent.
    pub percent: u32,
    /// On how many targets it passes, or builds and has no tests.
    pub works: u32,
    /// On how many it fails.
    pub fails: u32,
    /// How many targets there are.
    pub targets: u32,
}

impl Health {
    /// Whether there is any verdict that counts: a release that nobody has tested yet is not an unhealthy one.
    pub const fn is_known(self) -> bool {
        self.works > 0 || self.fails > 0
    }
}

impl Standings {
    /// Puts together what stands of each distribution; `supported` are the majors that PostgreSQL maintains.
    pub fn new(of: Vec<Vec<Seen>>, supported: &[PgMajor]) -> Self {
        let seen = || of.iter().flatten().map(|seen| seen.target);
        let reached: BTreeSet<Target> = seen().filter(|target| supported.contains(&target.major)).collect();
        let majors: BTreeSet<_> =
            supported.iter().copied().chain(seen().map(|target| target.major)).map(Reverse).collect();
        let platforms: BTreeSet<_> = seen().map(|target| target.platform).collect();
        Self {
            majors: majors.into_iter().map(|Reverse(major)| major).collect(),
            platforms: platforms.into_iter().collect(),
            reach: u32::try_from(reached.len()).unwrap_or(u32::MAX),
            supported: supported.to_vec(),
            of,
        }
    }

    /// The majors that can be asked about, newest first.
    pub(crate) fn majors(&self) -> &[PgMajor] {
        &self.majors
    }

    /// The platforms that can be asked about.
    pub(crate) fn platforms(&self) -> &[Platform] {
        &self.platforms
    }

    fn seen(&self, dist: usize) -> &[Seen] {
        self.of.get(dist).map_or(&[], Vec::as_slice)
    }

    /// The health of a distribution.
    pub fn health(&self, dist: usize) -> Health {
        let seen = self.seen(dist).iter().filter(|seen| self.supported.contains(&seen.target.major));
        let (mut points, mut health) = (0, Health { targets: self.reach, ..Health::default() });
        for one in seen {
            points += one.outcome.points();
            health.works += u32::from(one.outcome.points() > 0);
            health.fails += u32::from(one.outcome == Outcome::Fail);
        }
        health.percent = (points * 50).checked_div(self.reach).unwrap_or_default();
        health
    }

    /// Whether a distribution's latest release has tests; none where nothing has shown it.
    pub(crate) fn has_tests(&self, dist: usize) -> Option<bool> {
        let seen = self.seen(dist);
        if seen.iter().any(|seen| seen.tests) {
            return Some(true);
        }
        seen.iter().any(|seen| seen.outcome == Outcome::Untested).then_some(false)
    }

    /// Whether the verdicts on a distribution are as they are wanted.
    pub(crate) fn admits(&self, dist: usize, question: Question) -> bool {
        let is_asked = |seen: &&Seen| {
            let major =
                question.pg.map_or_else(|| self.supported.contains(&seen.target.major), |pg| pg == seen.target.major);
            let platform = question.platform.is_none_or(|platform| platform == seen.target.platform);
            major && platform && question.since.is_none_or(|since| seen.at >= since)
        };
        let mut asked = self.seen(dist).iter().filter(is_asked).map(|seen| seen.outcome);
        match question.wanted {
            Wanted::Any => question.since.is_none() || asked.next().is_some(),
            wanted => wanted.admits(asked.max().unwrap_or(Outcome::None)),
        }
    }
}

/// What is asked about verdicts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) pg: Option<PgMajor>,
    pub(crate) platform: Option<Platform>,
    pub(crate) wanted: Wanted,
    pub(crate) since: Option<Timestamp>,
}

impl From<&Choice> for Question {
    fn from(choice: &Choice) -> Self {
        let since = choice.since.as_ref().map(crate::choice::Since::at);
        Self { pg: choice.pg, platform: choice.platform, wanted: choice.wanted(), since }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn major(number: u16) -> PgMajor {
        number.try_into().unwrap()
    }

    fn seen(target: &str, outcome: Outcome, day: i64) -> Seen {
        let at = Timestamp::from_millis(day * 86_400_000);
        Seen { target: target.parse().unwrap(), outcome, tests: outcome == Outcome::Pass, at }
    }

    fn standings(of: &[(&str, Outcome)]) -> Standings {
        let of = of.iter().map(|(target, outcome)| seen(target, *outcome, 10)).collect();
        Standings::new(vec![of], &[major(18), major(17)])
    }

    fn ask(wanted: Wanted) -> Question {
        Question { pg: None, platform: None, wanted, since: None }
    }

    #[test]
    fn a_failure_on_one_platform_is_not_hidden_by_a_pass_on_the_other() {
        let both =
            standings(&[("pg18-amd64", Outcome::Pass), ("pg18-arm64", Outcome::Fail), ("pg17-amd64", Outcome::Pass)]);
        let eighteen = Question { pg: Some(major(18)), ..ask(Wanted::Pass) };
        assert!(!both.admits(0, eighteen) && !both.admits(0, ask(Wanted::Works)));
        assert!(both.admits(0, Question { platform: Some(Platform::Amd64), ..eighteen }));
        assert!(both.admits(0, Question { pg: Some(major(17)), ..eighteen }));
        assert!(both.admits(0, Question { wanted: Wanted::Fail, ..eighteen }));
    }

    #[test]
    fn majors_that_are_not_supported_count_where_they_are_asked_for_alone() {
        let devel = standings(&[("pg19-amd64", Outcome::Fail), ("pg18-amd64", Outcome::Pass)]);
        assert!(devel.admits(0, ask(Wanted::Pass)));
        assert!(devel.admits(0, Question { pg: Some(major(19)), ..ask(Wanted::Fail) }));
        assert_eq!(devel.majors().iter().map(|major| major.number()).collect::<Vec<_>>(), [19, 18, 17]);
        assert_eq!(devel.health(0), Health { percent: 100, works: 1, fails: 0, targets: 1 });
    }

    #[test]
    fn what_is_older_than_asked_for_is_not_looked_at() {
        let old = standings(&[("pg18-amd64", Outcome::Pass)]);
        let since =
            |day: i64, wanted| Question { since: Some(Timestamp::from_millis(day * 86_400_000)), ..ask(wanted) };
        assert!(old.admits(0, since(10, Wanted::Any)) && old.admits(0, since(10, Wanted::Pass)));
        assert!(!old.admits(0, since(11, Wanted::Any)) && !old.admits(0, since(11, Wanted::Pass)));
        assert!(old.admits(0, since(11, Wanted::None)));
        assert!(!old.admits(9, since(10, Wanted::Any)) && old.admits(9, ask(Wanted::None)), "nothing stands of it");
    }

    #[test]
    fn tests_are_there_where_any_ran_and_not_there_where_a_run_found_none() {
        assert_eq!(
            standings(&[("pg18-amd64", Outcome::Untested), ("pg17-amd64", Outcome::Pass)]).has_tests(0),
            Some(true)
        );
        assert_eq!(standings(&[("pg18-amd64", Outcome::Untested)]).has_tests(0), Some(false));
        assert_eq!(standings(&[("pg18-amd64", Outcome::None)]).has_tests(0), None);
    }

    #[test]
    fn health_is_the_share_of_targets_that_the_farm_tests() {
        let of = vec![
            vec![seen("pg18-amd64", Outcome::Pass, 1), seen("pg17-amd64", Outcome::Untested, 1)],
            vec![seen("pg18-amd64", Outcome::Fail, 1)],
            vec![],
        ];
        let all = Standings::new(of, &[major(18), major(17), major(16)]);
        assert_eq!(all.health(0), Health { percent: 75, works: 2, fails: 0, targets: 2 });
        assert_eq!(all.health(1), Health { percent: 0, works: 0, fails: 1, targets: 2 });
        assert_eq!(all.health(2), Health { percent: 0, works: 0, fails: 0, targets: 2 });
        assert_eq!(Standings::default().health(0), Health::default());
        assert_eq!([0, 1, 2].map(|dist| all.health(dist).is_known()), [true, true, false]);
    }

    proptest! {
        #[test]
        fn no_verdict_that_turns_better_makes_health_worse(
            mut worths in prop::collection::vec(0_usize..5, 1..8), at in 0_usize..8, better in 0_usize..5,
        ) {
            let order = [Outcome::Fail, Outcome::None, Outcome::Na, Outcome::Untested, Outcome::Pass];
            let health = |worths: &[usize]| {
                let row = |(index, worth): (usize, &usize)| seen(&format!("pg{}-amd64", 11 + index), order[*worth], 1);
                let majors: Vec<_> = (11..19).map(major).collect();
                Standings::new(vec![worths.iter().enumerate().map(row).collect()], &majors).health(0)
            };
            let before = health(&worths);
            let at = at % worths.len();
            worths[at] = worths[at].max(better);
            let after = health(&worths);
            prop_assert!(after.percent >= before.percent && after.fails <= before.fails && after.percent <= 100);
        }
    }
}
