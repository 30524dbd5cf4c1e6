//! Compares verdicts with those that a careful person reached.

use protocol::{Flag, Grade, PgMajor, Phase};
use sample::debian::Expected;
use store::runs::FullResult;

use crate::gather::Row;

/// The major on which every release was looked at by hand.
pub(crate) const BY_HAND: u16 = 17;

/// How a verdict compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// It is what is right.
    Agrees,
    /// It is what may stand until the farm provides a prerequisite, a package or a setting.
    Awaits,
    /// It is what is right since the server has another minor version than the one that was looked at by hand.
    Moved,
    /// By hand nobody found what is right, and the farm does not blame the author.
    Open,
    /// It is not what is right, and nothing excuses that.
    Wrong,
}

impl Comparison {
    /// All of them, the best first.
    pub(crate) const ALL: [Self; 5] = [Self::Agrees, Self::Awaits, Self::Moved, Self::Open, Self::Wrong];

    /// The words for a heading.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Awaits => "waits for a prerequisite, a package or a setting",
            Self::Moved => "right since the server has moved on",
            Self::Open => "open: no right verdict was found by hand",
            Self::Wrong => "differs wrongly",
        }
    }
}

/// What is right for a release on a major, where that is known.
///
/// A module of the server's own sources passes on the major that it belongs to; that is what these modules are in the corpus for.
pub(crate) fn right(row: &Row, major: PgMajor) -> Vec<Expected> {
    let number = major.number().to_string();
    if let Some(right) = row.entry.right.get(&number) {
        return right.clone();
    }
    let is_module = row.entry.subdirectory.as_deref().is_some_and(|dir| dir.starts_with("contrib/"));
    let is_own = row.version.as_str().split('.').next() == Some(number.as_str());
    if is_module && is_own { vec![Expected { grade: Grade::Pass, phase: None }] } else { Vec::new() }
}

/// Compares; none where nothing is known about a release on a major.
pub(crate) fn compare(row: &Row, major: PgMajor, result: &FullResult) -> Option<Comparison> {
    let right = right(row, major);
    let found = (result.grade, result.verdict.phase);
    if right.is_empty() {
        let is_open = matches!(result.grade, Grade::Env | Grade::Blocked);
        let open = if is_open { Comparison::Open } else { Comparison::Wrong };
        return (major.number() == BY_HAND).then_some(open);
    }
    let terms = [
        (right.as_slice(), Comparison::Agrees),
        (&row.entry.before, Comparison::Awaits),
        (&row.entry.moved, Comparison::Moved),
    ];
    Some(verdict_against(&terms, found))
}

/// The first list that has the verdict says how it compares.
fn verdict_against(terms: &[(&[Expected], Comparison)], found: (Grade, Phase)) -> Comparison {
    let is_it = |one: &Expected| one.grade == found.0 && one.phase.is_none_or(|phase| phase == found.1);
    let term = terms.iter().find(|(list, _)| list.iter().any(is_it));
    term.map_or(Comparison::Wrong, |(_, comparison)| *comparison)
}

/// A verdict as the corpus writes it: the phase only where something failed in it.
pub(crate) fn verdict(result: &FullResult) -> String {
    let grade = result.grade;
    let flaky = if result.verdict.flags.contains(&Flag::Flaky) { " (FLAKY)" } else { "" };
    match grade {
        Grade::Pass | Grade::Untested | Grade::Na => format!("{grade}{flaky}"),
        _ => format!("{grade} ({}){flaky}", result.verdict.phase),
    }
}

/// Expected verdicts in words.
pub(crate) fn words(expected: &[Expected]) -> String {
    let words: Vec<String> = expected
        .iter()
        .map(|one| one.phase.map_or_else(|| one.grade.to_string(), |phase| format!("{} ({phase})", one.grade)))
        .collect();
    words.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(text: &str) -> Vec<Expected> {
        vec![Expected::try_from(text.to_owned()).unwrap()]
    }

    #[test]
    fn a_verdict_agrees_only_in_the_phase_that_is_named() {
        let right = expected("FAIL (build)");
        let terms = [(right.as_slice(), Comparison::Agrees)];
        assert_eq!(verdict_against(&terms, (Grade::Fail, Phase::Build)), Comparison::Agrees);
        assert_eq!(verdict_against(&terms, (Grade::Fail, Phase::Install)), Comparison::Wrong);
        assert_eq!(verdict_against(&terms, (Grade::Env, Phase::Build)), Comparison::Wrong);
    }

    #[test]
    fn only_what_may_stand_before_is_excused() {
        let (right, before) = (expected("PASS"), expected("ENV"));
        let terms = [(right.as_slice(), Comparison::Agrees), (before.as_slice(), Comparison::Awaits)];
        assert_eq!(verdict_against(&terms, (Grade::Pass, Phase::Installcheck)), Comparison::Agrees);
        assert_eq!(verdict_against(&terms, (Grade::Env, Phase::Create)), Comparison::Awaits);
        assert_eq!(verdict_against(&terms, (Grade::Fail, Phase::Create)), Comparison::Wrong);
    }
}
