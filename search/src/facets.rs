//! Which of what was found is left by a choice, and how much there would be by another one.
//!
//! One pass over what was found: something that meets all conditions counts for every facet; something that fails one alone counts for that one, as
//! choosing otherwise there would bring it back.

use std::collections::BTreeMap;

use protocol::Timestamp;
use serde::Serialize;

use crate::choice::Choice;
use crate::entry::Fixed;
use crate::outcome::Wanted;
use crate::standing::{Question, Standings};

/// So many values of one facet are offered.
const MOST: usize = 24;
/// How far back verdicts can be asked for on pages: the words in addresses, and days.
const AGES: [(&str, u64); 4] = [("7d", 7), ("30d", 30), ("90d", 90), ("365d", 365)];

/// A value that can be chosen, and how much there would be then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// The value, as addresses have it.
    pub value: String,
    /// How much there would be.
    pub count: usize,
}

/// How much there would be by another choice, everything else staying as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// How much there would be if nothing were chosen.
    pub total: usize,
    /// By what the verdicts say.
    pub verdict: Vec<Bucket>,
    /// By major, newest first.
    pub pg: Vec<Bucket>,
    /// By platform.
    pub platform: Vec<Bucket>,
    /// By when the latest verdicts were given, at most so long ago.
    pub since: Vec<Bucket>,
    /// By whether there are tests.
    pub tests: Vec<Bucket>,
    /// By licence, the most frequent first.
    pub licence: Vec<Bucket>,
    /// By tag, the most frequent first.
    pub tag: Vec<Bucket>,
    /// By who uploaded it, the most frequent first.
    pub user: Vec<Bucket>,
    /// What each condition takes away on its own: its key, and how much there would be without it.
    pub without: Vec<Bucket>,
}

/// The conditions, each by its key; that on verdicts has three more.
const CONDITIONS: [&str; 5] = ["verdict", "tests", "licence", "tag", "user"];

/// What a choice is held against.
#[derive(Clone, Copy)]
pub(crate) struct Sieve<'a> {
    pub(crate) fixed: &'a [Fixed],
    pub(crate) standings: &'a Standings,
    pub(crate) choice: &'a Choice,
    pub(crate) now: Timestamp,
}

/// Values of a facet that are counted as they come.
#[derive(Default)]
struct Tally<'a>(BTreeMap<&'a str, usize>);

impl<'a> Tally<'a> {
    fn add(&mut self, values: impl IntoIterator<Item = &'a str>) {
        for value in values {
            *self.0.entry(value).or_default() += 1;
        }
    }

    /// The most frequent ones, and the one that is chosen.
    fn buckets(self, chosen: Option<&str>) -> Vec<Bucket> {
        let chosen_count = chosen.and_then(|chosen| self.0.get(chosen)).copied().unwrap_or_default();
        let mut all: Vec<_> = self.0.into_iter().map(|(value, count)| bucket(value, count)).collect();
        all.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.value.cmp(&right.value)));
        all.truncate(MOST);
        if let Some(chosen) = chosen
            && all.iter().all(|one| one.value != chosen)
        {
            all.push(bucket(chosen, chosen_count));
        }
        all
    }
}

fn bucket(value: &str, count: usize) -> Bucket {
    Bucket { value: value.to_owned(), count }
}

/// What has been counted for each facet.
#[derive(Default)]
struct Counts<'a> {
    /// Verdict, major, platform, age.
    verdicts: [Vec<(Question, String, usize)>; 4],
    tests: [usize; 2],
    licences: Tally<'a>,
    tags: Tally<'a>,
    users: Tally<'a>,
    without: [usize; 5],
}

impl<'a> Counts<'a> {
    /// Counts a distribution that fails the condition `lone` alone, or none.
    fn add(&mut self, sieve: &Sieve<'a>, dist: usize, lone: Option<usize>) {
        let (fixed, standings) = (&sieve.fixed[dist], sieve.standings);
        let counts = |condition| lone.is_none_or(|lone| lone == condition);
        for (at, sum) in self.without.iter_mut().enumerate() {
            *sum += usize::from(counts(at));
        }
        if counts(0) {
            for (question, _, count) in self.verdicts.iter_mut().flatten() {
                *count += usize::from(standings.admits(dist, *question));
            }
        }
        if counts(1)
            && let Some(has) = standings.has_tests(dist)
        {
            self.tests[usize::from(!has)] += 1;
        }
        if counts(2) {
            self.licences.add(fixed.licences.iter().map(String::as_str));
        }
        if counts(3) {
            self.tags.add(fixed.tags.iter().map(String::as_str));
        }
        if counts(4) {
            self.users.add([fixed.user.as_str()]);
        }
    }

    fn facets(self, choice: &Choice, total: usize) -> Facets {
        let [verdict, pg, platform, since] =
            self.verdicts.map(|facet| facet.iter().map(|(_, value, count)| bucket(value, *count)).collect());
        let is_chosen = [
            choice.wanted() != Wanted::Any || choice.since.is_some(),
            choice.tests.is_some(),
            choice.licence.is_some(),
            choice.tag.is_some(),
            choice.user.is_some(),
        ];
        let without = CONDITIONS.iter().zip(self.without).zip(is_chosen);
        Facets {
            total,
            verdict,
            pg,
            platform,
            since,
            tests: vec![bucket("yes", self.tests[0]), bucket("no", self.tests[1])],
            licence: self.licences.buckets(choice.licence.as_deref()),
            tag: self.tags.buckets(choice.tag.as_deref()),
            user: self.users.buckets(choice.user.as_deref()),
            without: without.filter(|(_, chosen)| *chosen).map(|((key, sum), _)| bucket(key, sum)).collect(),
        }
    }
}

impl Sieve<'_> {
    /// Whether each condition is met.
    fn met(&self, dist: usize) -> [bool; 5] {
        let Some(fixed) = self.fixed.get(dist) else { return [false; 5] };
        let choice = self.choice;
        let tests = choice.tests.is_none_or(|wanted| self.standings.has_tests(dist) == Some(wanted));
        let licence = choice.licence.as_ref().is_none_or(|wanted| fixed.licences.contains(wanted));
        let tag = choice.tag.as_ref().is_none_or(|wanted| fixed.tags.contains(wanted));
        let user = choice.user.as_ref().is_none_or(|wanted| *wanted == fixed.user);
        [self.standings.admits(dist, choice.into()), tests, licence, tag, user]
    }

    /// Whether all conditions are met.
    pub(crate) fn keeps(&self, dist: usize) -> bool {
        self.met(dist).iter().all(|met| *met)
    }

    /// How much of what was found there would be by other choices.
    pub(crate) fn facets(&self, found: &[usize]) -> Facets {
        let mut counts = Counts { verdicts: self.questions(), ..Counts::default() };
        for &dist in found {
            let met = self.met(dist);
            match met.iter().filter(|met| !**met).count() {
                0 => counts.add(self, dist, None),
                1 => counts.add(self, dist, met.iter().position(|met| !met)),
                _ => {}
            }
        }
        counts.facets(self.choice, found.len())
    }

    /// What else could be asked about verdicts, in the order of the facets: verdict, major, platform, age.
    fn questions(&self) -> [Vec<(Question, String, usize)>; 4] {
        let asked = Question::from(self.choice);
        // Of a place, what is asked for there: that it works, where nothing is said.
        let there = Question { wanted: self.choice.verdict.unwrap_or(Wanted::Works), ..asked };
        let one = |question, value: String| (question, value, 0);
        let days = |days: u64| Some(self.now.minus(std::time::Duration::from_hours(24 * days)));
        [
            Wanted::ALL.map(|wanted| one(Question { wanted, ..asked }, wanted.as_str().to_owned())).to_vec(),
            self.standings.majors().iter().map(|pg| one(Question { pg: Some(*pg), ..there }, pg.to_string())).collect(),
            self.standings
                .platforms()
                .iter()
                .map(|platform| one(Question { platform: Some(*platform), ..there }, platform.to_string()))
                .collect(),
            AGES.map(|(text, age)| one(Question { since: days(age), ..asked }, text.to_owned())).to_vec(),
        ]
    }
}
