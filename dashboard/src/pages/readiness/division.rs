//! Ways to divide what is tested on a major: by need, by exact version of the server, by symptom, by what became of it.

use protocol::PgMajor;
use serde::Serialize;
use store::readiness::{Cluster, Outline};

use super::list::{self, Asked, Majors, TURNS};
use super::tally::Tally;
use crate::address;
use crate::fault::Link;
use crate::known::Known;
use crate::mark::Mark;
use crate::pages::matrix::CHOICES;
use crate::text::count;

/// Distributions that so many others need.
#[derive(Debug, Serialize)]
pub(crate) struct Need {
    /// How many, in words.
    pub words: &'static str,
    /// How they do.
    #[serde(flatten)]
    pub tally: Tally,
}

/// How those do that many others need, those that few do, and those that none does; without those of which nothing is known.
pub(super) fn by_need(all: &[Outline], majors: Majors, known: &Known) -> Vec<Need> {
    let groups: [(&'static str, std::ops::RangeInclusive<usize>); 3] =
        [("needed by 3 or more", 3..=usize::MAX), ("needed by 1 or 2", 1..=2), ("needed by none", 0..=0)];
    let need = |(words, range): (&'static str, std::ops::RangeInclusive<usize>)| {
        let those = all.iter().filter(|one| range.contains(&known.dependents(&one.dist)));
        Need { words, tally: Tally::of(those, majors.this, majors.below) }
    };
    let is_there = |need: &Need| need.tally.judged() > 0;
    groups.into_iter().map(need).filter(is_there).collect()
}

/// An exact version of the server.
#[derive(Debug, Serialize)]
pub(crate) struct Server {
    /// The version, and where its distributions are listed.
    #[serde(flatten)]
    pub link: Link,
    /// How many distributions' verdicts are with it.
    pub dists: u64,
    /// Whether they are listed now.
    pub is_current: bool,
}

pub(super) fn at_server(asked: &Asked, major: PgMajor, server: String, dists: u64) -> Server {
    let is_current = asked.with == server;
    let with = if is_current { String::new() } else { server.clone() };
    let href = Asked { with, page: 1, ..asked.clone() }.address(major);
    Server { link: Link { href, text: server }, dists, is_current }
}

/// A symptom that latest releases share.
#[derive(Debug, Serialize)]
pub(crate) struct Symptom {
    /// The symptom.
    #[serde(flatten)]
    pub cluster: Cluster,
    /// The shape of its grade.
    pub mark: Mark,
    /// The grade and the phase in words.
    pub words: String,
    /// Where those that show it are listed.
    pub list: String,
    /// The page of the run that one of them shows it in.
    pub run_href: String,
}

impl Symptom {
    /// How many share it, in words.
    pub(crate) fn shared(&self) -> String {
        count(self.cluster.dists, "distribution", "distributions")
    }

    /// The error, or the reason's sentence where no line shows one.
    pub(crate) fn title(&self) -> &str {
        if self.cluster.text.is_empty() { self.cluster.reason.sentence() } else { &self.cluster.text }
    }
}

pub(super) fn symptom(major: PgMajor, cluster: Cluster) -> Symptom {
    let mark = Mark::from(cluster.reason.grade());
    let asked = Asked { symptom: Some(cluster.signature.clone()), page: 1, ..Asked::default() };
    Symptom {
        mark,
        words: mark.words(Some(cluster.phase)),
        list: asked.address(major),
        run_href: address::run(cluster.run),
        cluster,
    }
}

/// A filter of the list.
#[derive(Debug, Serialize)]
pub(crate) struct Choice {
    /// Where it leads.
    #[serde(flatten)]
    pub link: Link,
    /// How many distributions it leaves.
    pub dists: usize,
    /// Whether it is set.
    pub is_current: bool,
}

/// The filters that leave anything, and the one that is set.
pub(super) fn choices(all: &[Outline], asked: &Asked, majors: Majors) -> Vec<Choice> {
    let of = |is: &str, text: &str| {
        let alone = Asked { is: is.to_owned(), ..Asked::default() };
        Choice {
            link: Link { href: asked.showing(is).address(majors.this), text: text.to_owned() },
            dists: list::choose(all, &alone, majors, None, None).len(),
            is_current: asked.is == is,
        }
    };
    let turns = TURNS.iter().map(|(word, _)| of(word, word));
    let marks = CHOICES.iter().map(|mark| of(mark.class(), mark.word()));
    let chosen: Vec<Choice> = std::iter::once(of("", "all")).chain(turns).chain(marks).collect();
    chosen.into_iter().filter(|choice| choice.dists > 0 || choice.is_current).collect()
}
