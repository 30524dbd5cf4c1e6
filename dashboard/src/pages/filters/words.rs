//! What filters say.

use search::Wanted;

use crate::mark::Mark;

/// What is wanted of verdicts, as a condition.
pub(super) const fn verdict_words(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Any => "any verdict",
        Wanted::Works => "works",
        Wanted::Pass => "passes",
        Wanted::Untested => "builds, has no tests",
        Wanted::Fail => "fails",
        Wanted::Na => "not supported by its author",
        Wanted::None => "no verdict that counts",
    }
}

/// The same in the list of what can be chosen: the words of the shapes.
pub(super) const fn menu_words(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Any => "any verdict",
        Wanted::Works => "passes or builds",
        Wanted::Pass => Mark::Pass.word(),
        Wanted::Untested => Mark::Untested.word(),
        Wanted::Fail => Mark::Fail.word(),
        Wanted::Na => Mark::Na.word(),
        Wanted::None => "none that counts",
    }
}

/// The shape of what is wanted, where one verdict has it.
pub(super) const fn mark(wanted: Wanted) -> Option<Mark> {
    match wanted {
        Wanted::Any | Wanted::Works | Wanted::None => None,
        Wanted::Pass => Some(Mark::Pass),
        Wanted::Untested => Some(Mark::Untested),
        Wanted::Fail => Some(Mark::Fail),
        Wanted::Na => Some(Mark::Na),
    }
}

/// How old verdicts may be, as a condition.
pub(super) fn since_words(since: &str) -> String {
    format!("verdict {}", since_menu_words(since))
}

/// The same in the list of what can be chosen.
pub(super) fn since_menu_words(since: &str) -> String {
    match since.strip_suffix('d') {
        Some("1") => "in the last day".to_owned(),
        Some("365") => "in the last year".to_owned(),
        Some(days) => format!("in the last {days} days"),
        None => format!("since {since}"),
    }
}
