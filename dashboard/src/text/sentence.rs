//! The one sentence on a release, and the few words of its badge: both from the same groups, so that they cannot disagree.

use protocol::{Phase, Platform, Support};

use super::majors::{Dash, list};
use crate::mark::Mark;

/// A release on one PostgreSQL major; two of them where the platforms differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnMajor {
    /// The major.
    pub major: u16,
    /// Whether PostgreSQL maintains it.
    pub support: Support,
    /// The verdict, or what stands in its place.
    pub mark: Mark,
    /// The phase that decided.
    pub phase: Option<Phase>,
    /// The platform, where the others differ.
    pub only: Option<Platform>,
    /// The release since which it fails, where an earlier one did not.
    pub since: Option<String>,
    /// Whether the verdict counts: false for a failure that no second run has confirmed, and for what ends now so and now so.
    pub confirmed: bool,
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
            let platform =
                clause.like.only.map(|platform| platform_words(platform, clause.like.mark)).unwrap_or_default();
            let majors = format!("{}{platform}", list(&clause.majors, &devel, Dash::Words));
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

fn platform_words(platform: Platform, mark: Mark) -> String {
    // A failure on one platform says by "only" that it does not fail on the others.
    let only = if mark == Mark::Fail { " only" } else { "" };
    format!(" ({}{only})", platform.as_str())
}

fn first(name: &str, majors: &str, like: &OnMajor) -> String {
    let place = format!("on PostgreSQL {majors}");
    match like.mark {
        Mark::Untested => format!("{name} builds and loads {place}, but has no tests"),
        Mark::Env => format!("{name} could not be tested {place}, as the farm lacks something that it needs"),
        Mark::Error => format!("{name} could not be tested {place}, as the farm failed"),
        _ => match &like.since {
            Some(since) => format!("{name} {} {place}, since {since}{}", verb(like), doubt(like)),
            None => format!("{name} {} {place}{}", verb(like), doubt(like)),
        },
    }
}

fn does(like: &OnMajor) -> String {
    match (like.mark, &like.since) {
        (Mark::Untested, _) => "builds and loads, but has no tests".to_owned(),
        (Mark::Env, _) => "could not be tested, as the farm lacks something that it needs".to_owned(),
        (_, Some(since)) => format!("{} since {since}{}", verb(like), doubt(like)),
        (_, None) => format!("{}{}", verb(like), doubt(like)),
    }
}

fn doubt(like: &OnMajor) -> &'static str {
    match (like.confirmed, like.mark.is_good()) {
        (true, _) => "",
        (false, true) => ", but not every time",
        (false, false) => " (not confirmed yet)",
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
            considered.iter().filter(|on| on.mark == mark && on.confirmed).map(|on| on.major).collect();
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

fn devel(on: &[OnMajor]) -> Vec<u16> {
    on.iter().filter(|on| on.support == Support::Devel).map(|on| on.major).collect()
}

fn clauses(on: &[OnMajor]) -> Vec<Clause<'_>> {
    let mut clauses: Vec<Clause<'_>> = Vec::new();
    let fails_elsewhere = |one: &OnMajor| {
        on.iter().any(|other| other.major == one.major && other.mark == Mark::Fail && one.mark.is_good())
    };
    for one in on.iter().filter(|one| ORDER.contains(&one.mark) && !fails_elsewhere(one)) {
        let alike = |clause: &&mut Clause<'_>| {
            let like = clause.like;
            (like.mark, like.only, &like.since, like.confirmed) == (one.mark, one.only, &one.since, one.confirmed)
                && (one.mark != Mark::Fail || like.phase == one.phase)
        };
        match clauses.iter_mut().find(alike) {
            Some(clause) => clause.majors.push(one.major),
            None => clauses.push(Clause { like: one, majors: vec![one.major] }),
        }
    }
    clauses.sort_by_key(|clause| ORDER.iter().position(|mark| *mark == clause.like.mark));
    clauses
}

#[cfg(test)]
mod tests;
