//! A release on one target: the verdict with everything that its card says, or why there is none.

use protocol::{Comparison, Flag, JobState, Judged, Phase, Reason, RunId, Target, Timestamp};
use serde::Serialize;
use store::jobs::Waiting;
use store::matrix;

use super::Change;
use crate::address;
use crate::mark::{Doubt, Mark};
use crate::text::{When, count, duration, elapsed_ms};

/// A verdict, or what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Spot {
    /// The target.
    pub target: Target,
    /// The verdict's shape, word and colour.
    pub mark: Mark,
    /// The phase that decided.
    pub phase: Option<Phase>,
    /// Why.
    pub reason: Option<Reason>,
    /// Remarks beside the grade.
    pub flags: Vec<Flag>,
    /// What exactly, in a few words.
    pub detail: String,
    /// The line that decided.
    pub decisive: Option<String>,
    /// The server's exact version.
    pub postgresql: Option<String>,
    /// The runner that found it.
    pub runner: Option<String>,
    /// The run that gave the verdict, or that goes on.
    pub run: Option<RunId>,
    /// When the verdict was accepted, or since when it waits or runs.
    pub at: When,
    /// How it compares with the nearest release before that compares.
    pub change: Option<Change>,
    /// How it compares with the next lower major, where the two compare.
    pub across: Option<Change>,
    /// The release since which it fails, where an earlier one did not.
    pub since: Option<String>,
    /// What the job does now, in words, where it is not over: its place in the queue and why it has that, or that it runs again.
    pub now: Option<String>,
    /// The same in as few words as there is room for in a cell without a verdict: `about 4 min`.
    pub soon: Option<String>,
}

impl Spot {
    pub(super) fn new(cell: &matrix::Cell, waiting: Option<&Waiting>, now: Timestamp) -> Self {
        let result = cell.result.as_ref();
        let at = result.map_or(cell.changed_at, |result| result.accepted_at);
        Self {
            target: cell.target,
            mark: Mark::of(cell.state, result.map(|result| (result.grade, result.flags.as_slice()))),
            phase: result.map(|result| result.phase),
            reason: result.map(|result| result.reason),
            flags: result.map(|result| result.flags.clone()).unwrap_or_default(),
            detail: result.map(|result| result.detail.clone()).unwrap_or_default(),
            decisive: result.and_then(|result| result.decisive.clone()),
            postgresql: result.and_then(|result| result.postgresql.clone()),
            runner: cell.runner.clone(),
            run: result.map(|result| result.run_id).or(cell.run_id),
            at: When::new(at, now),
            change: None,
            across: None,
            since: None,
            now: state_words(cell, waiting, now),
            soon: soon(cell, waiting, now).filter(|_| result.is_none()),
        }
    }

    /// The shape's word, with the phase where it failed: `fail (build)`.
    pub(crate) fn words(&self) -> String {
        self.mark.words(self.phase)
    }

    /// Where a click leads.
    pub(crate) fn href(&self) -> Option<String> {
        self.run.map(address::run)
    }

    /// Why, as a sentence; empty where there is no verdict.
    pub(crate) fn sentence(&self) -> &'static str {
        self.reason.map_or("", Reason::sentence)
    }

    /// How it compares, in words: with the release before, or since when it fails, and with the major below where that one differs.
    pub(crate) fn compared(&self) -> String {
        let before = match (&self.change, &self.since) {
            // That it is newly failing says since when, and since when says that it still fails.
            (Some(change), None) => Some(change.words()),
            (Some(change), Some(_)) if change.comparison == Comparison::NewFail => Some(change.words()),
            (_, since) => since.as_ref().map(|since| format!("fails since {since}")),
        };
        let words = [before, self.across.as_ref().and_then(Change::words_of_major)];
        words.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// Whether two platforms can share a glyph.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let look = |spot: &Self| (spot.mark, spot.phase.filter(|_| spot.mark.is_failure()), Doubt::of(&spot.flags));
        look(self) == look(other)
    }

    /// The verdict as a side of a comparison.
    pub(crate) fn judged(&self) -> Option<Judged<'_>> {
        Some(Judged { grade: self.reason?.grade(), flags: &self.flags })
    }

    /// Whether it says for sure that the extension fails, or that it does not.
    pub(crate) fn fails(&self) -> Option<bool> {
        self.judged()?.fails()
    }
}

/// What a job that is not over does: `waits: 3 jobs before it, about 4 min`.
fn state_words(cell: &matrix::Cell, waiting: Option<&Waiting>, now: Timestamp) -> Option<String> {
    let again = if cell.result.is_some() { " again" } else { "" };
    match (cell.state, waiting) {
        (JobState::Finished | JobState::Withdrawn, _) => None,
        (JobState::Running, _) => Some(format!("runs{again} for {}", duration(elapsed_ms(now, cell.changed_at)))),
        (JobState::Queued, None) => Some(format!("waits{again}, {}", cell.priority.sentence())),
        (JobState::Queued, Some(waiting)) => {
            let idle = if waiting.eta_ms.is_none() {
                "; no runner has taken one for this target in the last hour"
            } else {
                ""
            };
            Some(format!("waits{again}: {}{idle}; {}", place(waiting), cell.priority.sentence()))
        }
    }
}

/// How long a job that is not over still takes, or has taken, as far as it can be said shortly.
fn soon(cell: &matrix::Cell, waiting: Option<&Waiting>, now: Timestamp) -> Option<String> {
    match (cell.state, waiting) {
        (JobState::Running, _) => Some(format!("for {}", duration(elapsed_ms(now, cell.changed_at) / 1000 * 1000))),
        (JobState::Queued, Some(Waiting { ahead: 0, .. })) => Some("next".to_owned()),
        (JobState::Queued, Some(Waiting { eta_ms: Some(eta), .. })) => {
            Some(format!("about {}", duration(roughly(*eta))))
        }
        (JobState::Queued, Some(waiting)) => Some(format!("{} before it", waiting.ahead)),
        _ => None,
    }
}

/// The place of a waiting job, in words: `next`, `3 jobs before it, about 4 min`.
pub(crate) fn place(waiting: &Waiting) -> String {
    let before =
        if waiting.ahead == 0 { "it is next".to_owned() } else { count(waiting.ahead, "job", "jobs") + " before it" };
    match waiting.eta_ms {
        Some(eta) if waiting.ahead > 0 => format!("{before}, about {}", duration(roughly(eta))),
        _ => before,
    }
}

/// A time to wait, no more exact than it can be: whole minutes, or ten seconds.
const fn roughly(millis: u64) -> u64 {
    let step = if millis < 60_000 { 10_000 } else { 60_000 };
    let steps = millis.div_ceil(step);
    if steps == 0 { step } else { steps.saturating_mul(step) }
}
