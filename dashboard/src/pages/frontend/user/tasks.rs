//! What a maintainer has to do, by urgency: what turned red, what still is, what waits, what turned green.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::{Comparison, JobId, JobState, Matrix, Phase, Platform, Reason, Support, Timestamp};
use serde::Serialize;
use store::dists::Dist;
use store::jobs::Waiting;
use store::matrix::Cell;

use crate::address;
use crate::grid::place;
use crate::mark::Mark;
use crate::text::{Dash, When, majors};

/// What turned is news for so long.
const NEWS: Duration = Duration::from_hours(24 * 7);
/// So many are listed of each urgency.
const MOST: usize = 20;

/// How urgent something is, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Urgency {
    /// It fails, and did not a week ago.
    NewlyRed,
    /// It fails, and has for longer.
    StillRed,
    /// It has no verdict yet, or one that a second run has to agree with.
    Waiting,
    /// It failed a week ago, and does not any more.
    NewlyGreen,
    /// It could not be tested, which counts for nothing.
    Stuck,
}

impl Urgency {
    /// The heading.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::NewlyRed => "Newly red",
            Self::StillRed => "Still red",
            Self::Waiting => "Waiting",
            Self::NewlyGreen => "Newly green",
            Self::Stuck => "Could not be tested",
        }
    }

    /// The word in addresses.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::NewlyRed => "newly-red",
            Self::StillRed => "still-red",
            Self::Waiting => "waiting",
            Self::NewlyGreen => "newly-green",
            Self::Stuck => "stuck",
        }
    }

    /// The word in a sentence that counts.
    pub(crate) const fn counted(self) -> &'static str {
        match self {
            Self::NewlyRed => "newly red",
            Self::StillRed => "still red",
            Self::Waiting => "waiting",
            Self::NewlyGreen => "newly green",
            Self::Stuck => "not testable",
        }
    }

    fn of(cell: &Cell, now: Timestamp) -> Option<Self> {
        let mark = Mark::of(cell.state, cell.result.as_ref().map(|it| (it.grade, it.flags.as_slice())));
        let is_news = cell.compared_at.is_some_and(|at| now.since(at) <= NEWS);
        let goes_on = matches!(cell.state, JobState::Queued | JobState::Running);
        match (mark, cell.comparison) {
            (Mark::Fail, Some(Comparison::NewFail)) if is_news => Some(Self::NewlyRed),
            (Mark::Fail, _) => Some(Self::StillRed),
            (Mark::Queued | Mark::Running, _) => Some(Self::Waiting),
            (Mark::Unconfirmed, _) if goes_on => Some(Self::Waiting),
            (Mark::Pass | Mark::Untested, Some(Comparison::Fixed)) if is_news => Some(Self::NewlyGreen),
            (Mark::Env | Mark::Blocked | Mark::Error, _) => Some(Self::Stuck),
            _ => None,
        }
    }
}

/// Everything of one urgency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    /// How urgent.
    pub urgency: Urgency,
    /// How many things there are in all.
    pub total: usize,
    /// The first of them.
    pub tasks: Vec<Task>,
}

/// A release that ends the same way on some targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Task {
    /// The release: `pgTAP 1.3.4`.
    pub release: String,
    /// The run, or the distribution's page where there is none.
    pub href: String,
    /// The shape of the verdict.
    pub mark: Mark,
    /// The verdict in words.
    pub words: String,
    /// On what: `PostgreSQL 17 and 18, arm64`.
    pub on: String,
    /// Why, in a few words; may be empty.
    pub why: String,
    /// Since when.
    pub since: When,
    /// What to do next.
    pub next: String,
}

/// What the tasks are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// The majors.
    pub matrix: &'a Matrix,
    /// The distributions.
    pub dists: &'a [Dist],
    /// The cells of their latest releases.
    pub cells: &'a [Cell],
    /// Where waiting jobs stand in the queue.
    pub waiting: &'a BTreeMap<JobId, Waiting>,
    /// The page's time.
    pub now: Timestamp,
}

/// What ends alike is told once.
type Alike = (Urgency, Mark, Option<Phase>);

/// The tasks by urgency. Majors past their end are nobody's.
pub(crate) fn groups(sources: Sources<'_>) -> Vec<Group> {
    let Sources { matrix, dists, cells, now, .. } = sources;
    let supported =
        |cell: &&Cell| matrix.get(cell.target.major).is_some_and(|entry| entry.support(now) != Support::Eol);
    let mut by_urgency: BTreeMap<Urgency, Vec<(&Dist, Vec<&Cell>)>> = BTreeMap::new();
    for dist in dists {
        let mut alike: BTreeMap<Alike, Vec<&Cell>> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| cell.release_id == dist.latest.id).filter(supported) {
            if let Some(urgency) = Urgency::of(cell, now) {
                let (mark, phase, _) = verdict(cell);
                alike.entry((urgency, mark, phase)).or_default().push(cell);
            }
        }
        for ((urgency, ..), cells) in alike {
            by_urgency.entry(urgency).or_default().push((dist, cells));
        }
    }
    let group = |(urgency, mut found): (Urgency, Vec<(&Dist, Vec<&Cell>)>)| {
        found.sort_by_key(|(_, cells)| std::cmp::Reverse(cells.iter().filter_map(|cell| cell.compared_at).max()));
        let tasks = found.iter().take(MOST).map(|(dist, cells)| task(sources, urgency, dist, cells)).collect();
        Group { urgency, total: found.len(), tasks }
    };
    by_urgency.into_iter().map(group).collect()
}

/// The verdict, where it was decided, and why.
fn verdict(cell: &Cell) -> (Mark, Option<Phase>, Option<Reason>) {
    let result = cell.result.as_ref();
    let mark = Mark::of(cell.state, result.map(|it| (it.grade, it.flags.as_slice())));
    (mark, result.map(|it| it.phase), result.map(|it| it.reason))
}

fn task(sources: Sources<'_>, urgency: Urgency, dist: &Dist, cells: &[&Cell]) -> Task {
    let first = cells[0];
    let (mark, phase, reason) = verdict(first);
    let result = first.result.as_ref();
    let run = result.map(|it| it.run_id).or(first.run_id);
    let since = cells.iter().filter_map(|cell| cell.compared_at).min().unwrap_or(first.changed_at);
    let why = match result {
        Some(it) if !mark.is_good() && it.detail.is_empty() => it.reason.sentence().to_owned(),
        Some(it) if !mark.is_good() => it.detail.clone(),
        _ => String::new(),
    };
    let is_devel = |cell: &&&Cell| {
        sources.matrix.get(cell.target.major).is_some_and(|entry| entry.support(sources.now) == Support::Devel)
    };
    let only_devel = cells.iter().filter(is_devel).count() == cells.len();
    Task {
        release: format!("{} {}", dist.name, dist.latest.release.version),
        href: run.map_or_else(|| address::dist(&dist.name), address::run),
        words: mark.words(phase.filter(|_| mark.is_failure())),
        mark,
        on: on(cells),
        why,
        since: When::new(since, sources.now),
        next: match urgency {
            Urgency::NewlyRed | Urgency::StillRed => mend(phase, only_devel),
            Urgency::Waiting => wait(sources, mark, cells),
            Urgency::NewlyGreen => "Nothing to do: it failed before, and does not any more.".to_owned(),
            Urgency::Stuck => stuck(reason),
        },
    }
}

/// What to do about a failure.
fn mend(phase: Option<Phase>, only_devel: bool) -> String {
    let look = match phase {
        Some(Phase::Unpack | Phase::Metadata) => {
            "Mend the archive or its META.json, and upload a new version: the run says what is wrong with it."
        }
        Some(Phase::Dependencies) => "Look whether META.json names all that it needs: the run says what is missing.",
        Some(Phase::Configure | Phase::Build | Phase::Install) => {
            "Mend the build: the run shows the first error, what changed since it last passed, and the command that repeats it on your machine."
        }
        Some(Phase::Create) => {
            "Mend what CREATE EXTENSION runs into: the run shows the statement's error and the command that repeats it."
        }
        Some(Phase::Installcheck) => {
            "Mend the code or the expected output: the run shows the tests that fail, with their differences, and the command that repeats them."
        }
        _ => "The run shows what went wrong, and the command that repeats it on your machine.",
    };
    let time = if only_devel { " PostgreSQL has not released this major yet." } else { "" };
    format!("{look}{time}")
}

/// Why nothing is to be done but to wait, and how long.
fn wait(sources: Sources<'_>, mark: Mark, cells: &[&Cell]) -> String {
    let soonest = cells.iter().filter_map(|cell| sources.waiting.get(&cell.job_id)).min_by_key(|waiting| waiting.ahead);
    let what = if mark.is_failure() { "A second run has to agree before this counts" } else { "Nothing to do" };
    match soonest {
        _ if cells.iter().any(|cell| cell.state == JobState::Running) => format!("{what}; it runs now."),
        Some(waiting) => format!("{what}: {}.", place(waiting)),
        None => format!("{what}; it is in the queue."),
    }
}

/// Why it could not be tested; some reasons say by themselves that this counts for nothing.
fn stuck(reason: Option<Reason>) -> String {
    let why = reason.map(Reason::sentence).unwrap_or_default();
    let counts = if why.contains("does not count") { "" } else { "This does not count against you." };
    format!("{why} {counts} Nothing to do.").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// On which majors and platforms: `PostgreSQL 17 and 18`, `PostgreSQL 17, arm64`, `PostgreSQL 17, amd64; 18, arm64`.
fn on(cells: &[&Cell]) -> String {
    let of = |platform| {
        let those = cells.iter().filter(|cell| cell.target.platform == platform);
        let numbers: Vec<u16> = those.map(|cell| cell.target.major.number()).collect();
        majors(&numbers, &[], Dash::Words)
    };
    let all: Vec<(String, Platform)> = Platform::ALL.into_iter().map(|platform| (of(platform), platform)).collect();
    let text = if all.windows(2).all(|pair| pair[0].0 == pair[1].0) {
        all.first().map(|(numbers, _)| numbers.clone()).unwrap_or_default()
    } else {
        let some = all.iter().filter(|(numbers, _)| !numbers.is_empty());
        some.map(|(numbers, platform)| format!("{numbers}, {platform}")).collect::<Vec<_>>().join("; ")
    };
    format!("PostgreSQL {text}")
}

#[cfg(test)]
mod tests;
