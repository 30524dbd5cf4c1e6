//! The one sentence on a release, and the few words of its badge: both from the same groups, so that they cannot disagree.

use protocol::{Phase, Platform, Support};

use super::majors::{Dash, list};
use crate::mark::{Doubt, Mark};

/// A release on one PostgreSQL major; one for each platform where what is said of them differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnMajor {
    /// The major.
    pub major: u16,
    /// Whether PostgreSQL maintains it.
    pub support: Support,
    /// The verdict, or what stands in its place.
    pub mark: Mark,
    /// The phase in which it fails.
    pub phase: Option<Phase>,
    /// The platform, where another one differs.
    pub platform: Option<Platform>,
    /// The release since which it fails, where an earlier one did not.
    pub since: Option<String>,
    /// Why the verdict does not count.
    pub doubt: Option<Doubt>,
}

impl OnMajor {
    /// Whether the same is to be said of it, the platform left aside.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let words = |on: &Self| (on.mark, on.phase, on.doubt);
        words(self) == words(other) && self.since == other.since
    }

    /// Whether it works every time, as far as is known.
    fn works(&self) -> bool {
        self.mark.is_good() && self.doubt.is_none()
    }
}

/// What the sentence is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The distribution, as its author writes it.
    pub dist: &'a str,
    /// The release.
    pub version: &'a str,
    /// Its verdicts, in any order.
    pub on: &'a [OnMajor],
}

/// Majors that share everything that the sentence says of them.
struct Clause<'a> {
    like: &'a OnMajor,
    /// Whether it fails on its platform and works on every other one.
    alone: bool,
    majors: Vec<u16>,
}

/// The order in which clauses stand: what works, what does not, what is unknown.
const ORDER: [Mark; 9] = [
    Mark::Pass,
    Mark::Untested,
    Mark::Fail,
    Mark::Blocked,
    Mark::Env,
    Mark::Na,
    Mark::Error,
    Mark::Running,
    Mark::Queued,
];

/// Says where a release works: `pgtap 1.3.4 passes on PostgreSQL 14 to 18; on 19 devel it fails to build since 1.3.3.`
pub(crate) fn sentence(subject: Subject<'_>) -> String {
    let devel: Vec<u16> = devel(subject.on);
    let name = format!("{} {}", subject.dist, subject.version);
    let clauses = clauses(subject.on);
    if clauses.is_empty() {
        return format!("{name} has not been tested, and no test is planned.");
    }
    let texts: Vec<String> = clauses
        .iter()
        .enumerate()
        .map(|(index, clause)| {
            let majors = format!("{}{}", list(&clause.majors, &devel, Dash::Words), platform(clause));
            match (index, clause.like.mark) {
                (0, Mark::Na) => format!("{name} does not support PostgreSQL {majors}"),
                (_, Mark::Na) => format!("it does not support {majors}"),
                (0, _) => first(&name, &majors, clause.like),
                (_, Mark::Error) => format!("on {majors} the farm failed to test it"),
                _ => format!("on {majors} it {}", does(clause.like)),
            }
        })
        .collect();
    format!("{}.", texts.join("; "))
}

fn platform(clause: &Clause<'_>) -> String {
    let only = if clause.alone { " only" } else { "" };
    clause.like.platform.map(|platform| format!(" ({}{only})", platform.as_str())).unwrap_or_default()
}

fn first(name: &str, majors: &str, like: &OnMajor) -> String {
    let place = format!("on PostgreSQL {majors}");
    let doubt = doubt(like);
    match like.mark {
        Mark::Untested => format!("{name} builds and loads {place}{}", without_tests(like)),
        Mark::Env => format!("{name} could not be tested {place}, as the farm lacks something that it needs"),
        Mark::Error => format!("{name} could not be tested {place}, as the farm failed"),
        _ => match &like.since {
            Some(since) => format!("{name} {} {place}, since {since}{doubt}", verb(like)),
            None => format!("{name} {} {place}{doubt}", verb(like)),
        },
    }
}

fn does(like: &OnMajor) -> String {
    let doubt = doubt(like);
    match (like.mark, &like.since) {
        (Mark::Untested, _) => format!("builds and loads{}", without_tests(like)),
        (Mark::Env, _) => "could not be tested, as the farm lacks something that it needs".to_owned(),
        (_, Some(since)) => format!("{} since {since}{doubt}", verb(like)),
        (_, None) => format!("{}{doubt}", verb(like)),
    }
}

const fn without_tests(like: &OnMajor) -> &'static str {
    if like.doubt.is_some() { ", but not every time, and has no tests" } else { ", but has no tests" }
}

fn doubt(like: &OnMajor) -> &'static str {
    match (like.mark, like.doubt) {
        (_, None) => "",
        // A failure stands only where no run of the test did better.
        (Mark::Fail, Some(Doubt::Flaky)) => ", but not the same way every time",
        (_, Some(Doubt::Flaky)) => ", but not every time",
        (_, Some(Doubt::Unconfirmed)) => " (not confirmed yet)",
    }
}

fn verb(like: &OnMajor) -> &'static str {
    match like.mark {
        Mark::Pass => "passes",
        Mark::Fail => failing(like.phase),
        Mark::Blocked => "is blocked by something that it needs",
        Mark::Running => "is being tested",
        Mark::Queued => "waits to be tested",
        _ => "is not tested",
    }
}

/// What a failure in a phase is called.
fn failing(phase: Option<Phase>) -> &'static str {
    match phase {
        Some(Phase::Unpack) => "fails to unpack",
        Some(Phase::Metadata) => "fails for its META.json",
        Some(Phase::Dependencies) => "fails for its dependencies",
        Some(Phase::Configure) => "fails to configure",
        Some(Phase::Build) => "fails to build",
        Some(Phase::Install) => "fails to install",
        Some(Phase::Create) => "fails to load",
        Some(Phase::Installcheck) => "fails its tests",
        Some(Phase::Upgrade) => "fails to upgrade",
        Some(Phase::Reload) => "fails to reload",
        Some(Phase::Uninstall) => "fails to uninstall",
        Some(Phase::Fetch | Phase::Verify) | None => "fails",
    }
}

/// The few words of a badge and the mark that colours them: `15–18 passing`, `failing on 18`, `untested`.
///
/// Only supported majors count, and only what counts for or against an author.
pub(crate) fn badge(on: &[OnMajor]) -> (String, Mark) {
    let supported: Vec<OnMajor> = on.iter().filter(|on| on.support == Support::Supported).cloned().collect();
    let considered = if supported.is_empty() { on } else { &supported };
    let devel = devel(considered);
    let those = |mark: Mark| {
        let majors: Vec<u16> =
            considered.iter().filter(|on| on.mark == mark && on.doubt.is_none()).map(|on| on.major).collect();
        (!majors.is_empty()).then(|| list(&majors, &devel, Dash::Short))
    };
    if let Some(majors) = those(Mark::Fail) {
        return (format!("failing on {majors}"), Mark::Fail);
    }
    if let Some(majors) = those(Mark::Pass) {
        return (format!("{majors} passing"), Mark::Pass);
    }
    if let Some(majors) = those(Mark::Untested) {
        return (format!("builds on {majors}"), Mark::Untested);
    }
    ("untested".to_owned(), Mark::Na)
}

/// The few words of a badge of one major and the mark that colours them: `passing`, `failing (build)`, `passing on amd64, failing (build) on
/// arm64`. What does not count is grey, as on the badge of all majors.
pub(crate) fn badge_of_major(on: &[OnMajor]) -> (String, Mark) {
    let words = |on: &OnMajor| {
        let platform = on.platform.map(|platform| format!(" on {}", platform.as_str())).unwrap_or_default();
        format!("{}{platform}", state(on))
    };
    let sure = |mark: Mark| on.iter().any(|on| on.mark == mark && on.doubt.is_none()).then_some(mark);
    let mark = sure(Mark::Fail).or_else(|| sure(Mark::Pass)).or_else(|| sure(Mark::Untested)).unwrap_or(Mark::Na);
    let all: Vec<String> = on.iter().map(words).collect();
    if all.is_empty() { ("untested".to_owned(), Mark::Na) } else { (all.join(", "), mark) }
}

/// What a release does on a major, in a word or two.
fn state(on: &OnMajor) -> String {
    match (on.mark, on.doubt, on.phase) {
        (_, Some(Doubt::Flaky), _) => "flaky".to_owned(),
        (_, Some(Doubt::Unconfirmed), _) => "unconfirmed".to_owned(),
        (Mark::Pass, ..) => "passing".to_owned(),
        (Mark::Fail, _, Some(phase)) => format!("failing ({phase})"),
        (Mark::Fail, ..) => "failing".to_owned(),
        (Mark::Na, ..) => "not supported".to_owned(),
        (Mark::Error | Mark::Withdrawn, ..) => "untested".to_owned(),
        (mark, ..) => mark.word().to_owned(),
    }
}

fn devel(on: &[OnMajor]) -> Vec<u16> {
    on.iter().filter(|on| on.support == Support::Devel).map(|on| on.major).collect()
}

fn clauses(on: &[OnMajor]) -> Vec<Clause<'_>> {
    let mut clauses: Vec<Clause<'_>> = Vec::new();
    let others = |one: &OnMajor| {
        let (major, platform) = (one.major, one.platform);
        on.iter().filter(move |other| other.major == major && other.platform != platform)
    };
    let is_alone =
        |one: &OnMajor| one.mark == Mark::Fail && others(one).next().is_some() && others(one).all(OnMajor::works);
    // Where it fails "only" on one platform, that it works on the others is said already.
    let is_said = |one: &OnMajor| one.works() && others(one).any(is_alone);
    for one in on.iter().filter(|one| ORDER.contains(&one.mark) && !is_said(one)) {
        let alone = is_alone(one);
        let alike = |clause: &&mut Clause<'_>| {
            clause.alone == alone && clause.like.platform == one.platform && clause.like.is_like(one)
        };
        match clauses.iter_mut().find(alike) {
            Some(clause) => clause.majors.push(one.major),
            None => clauses.push(Clause { like: one, alone, majors: vec![one.major] }),
        }
    }
    clauses.sort_by_key(|clause| ORDER.iter().position(|mark| *mark == clause.like.mark));
    clauses
}

#[cfg(test)]
mod tests;
