//! What a cell shows: one shape, one word and one colour for every grade and for every state before a grade.

use protocol::{Flag, Grade, JobState, Outcome, Phase};
use serde::Serialize;

/// Why a verdict does not count, though its grade would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// No second run has agreed.
    Unconfirmed,
    /// Another run ended otherwise.
    Flaky,
}

impl Doubt {
    /// The doubt that a verdict's flags tell; what is known to be flaky does not wait for a second run.
    pub(crate) fn of(flags: &[Flag]) -> Option<Self> {
        if flags.contains(&Flag::Flaky) {
            Some(Self::Flaky)
        } else {
            flags.contains(&Flag::Unconfirmed).then_some(Self::Unconfirmed)
        }
    }
}

/// The shape, word and colour of a verdict or of what stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mark {
    /// At least one test ran, and all passed.
    Pass,
    /// It builds and loads, and has no tests.
    Untested,
    /// The extension fails.
    Fail,
    /// It failed, and no second run has agreed.
    Unconfirmed,
    /// It failed, and another run ended otherwise.
    Flaky,
    /// It does not support the target.
    Na,
    /// What it needs failed or is missing.
    Blocked,
    /// The farm lacks something.
    Env,
    /// The farm failed.
    Error,
    /// A run is under way.
    Running,
    /// A job waits for a runner.
    Queued,
    /// The job is not wanted any more.
    Withdrawn,
}

impl Mark {
    /// Every mark that has a shape, for the legend and the sprite.
    pub(crate) const SHAPES: [Self; 11] = [
        Self::Pass,
        Self::Untested,
        Self::Fail,
        Self::Unconfirmed,
        Self::Flaky,
        Self::Blocked,
        Self::Env,
        Self::Error,
        Self::Na,
        Self::Running,
        Self::Queued,
    ];

    /// The mark of a verdict. A failure that is not sure is not red.
    pub(crate) fn of_verdict(grade: Grade, flags: &[Flag]) -> Self {
        match Doubt::of(flags).filter(|_| grade == Grade::Fail) {
            Some(Doubt::Unconfirmed) => Self::Unconfirmed,
            Some(Doubt::Flaky) => Self::Flaky,
            None => grade.into(),
        }
    }

    /// The mark of a job: its latest verdict, which lasts while it is tested again; else its state.
    pub(crate) fn of(state: JobState, verdict: Option<(Grade, &[Flag])>) -> Self {
        match (verdict, state) {
            (Some((grade, flags)), _) => Self::of_verdict(grade, flags),
            (None, JobState::Running) => Self::Running,
            (None, JobState::Queued) => Self::Queued,
            (None, JobState::Finished | JobState::Withdrawn) => Self::Withdrawn,
        }
    }

    /// The name in the style sheet, in the sprite and in JSON.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Untested => "untested",
            Self::Fail => "fail",
            Self::Unconfirmed => "unconfirmed",
            Self::Flaky => "flaky",
            Self::Na => "na",
            Self::Blocked => "blocked",
            Self::Env => "env",
            Self::Error => "error",
            Self::Running => "running",
            Self::Queued => "queued",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The symbol in the sprite; states without one of their own borrow the dash.
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Withdrawn => "na",
            shaped => shaped.class(),
        }
    }

    /// The short word beside the shape.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Untested => "builds",
            Self::Fail => "fail",
            Self::Unconfirmed => "unconfirmed",
            Self::Flaky => "flaky",
            Self::Na => "n/a",
            Self::Blocked => "blocked",
            Self::Env => "needs setup",
            Self::Error => "farm error",
            Self::Running => "running",
            Self::Queued => "waiting",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What the mark means, for the legend.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "builds, loads, and its tests pass",
            Self::Untested => "builds and loads; has no tests",
            Self::Fail => "fails, and the extension is the cause",
            Self::Unconfirmed => "failed, and no second run has agreed yet; does not count",
            Self::Flaky => "failed, but another run ended otherwise; does not count",
            Self::Na => "says that it does not support this",
            Self::Blocked => "something that it needs failed or is missing",
            Self::Env => "the farm lacks something; not the author's fault",
            Self::Error => "the farm failed; not the author's fault",
            Self::Running => "is being tested now",
            Self::Queued => "waits for a runner",
            Self::Withdrawn => "not wanted any more",
        }
    }

    /// The word with the phase where a failure needs it: `fail (build)`, `unconfirmed fail (build)`.
    pub(crate) fn words(self, phase: Option<Phase>) -> String {
        match (self, phase) {
            (Self::Fail, Some(phase)) => format!("{} ({phase})", self.word()),
            (Self::Unconfirmed | Self::Flaky, Some(phase)) => format!("{} fail ({phase})", self.word()),
            _ => self.word().to_owned(),
        }
    }

    /// Whether it is a failure, sure or not.
    pub(crate) const fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Unconfirmed | Self::Flaky)
    }

    /// Whether it is a verdict that counts, for the page's order of interest.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Self::Pass | Self::Untested)
    }
}

impl From<Grade> for Mark {
    fn from(grade: Grade) -> Self {
        match grade {
            Grade::Pass => Self::Pass,
            Grade::Untested => Self::Untested,
            Grade::Fail => Self::Fail,
            Grade::Na => Self::Na,
            Grade::Blocked => Self::Blocked,
            Grade::Env => Self::Env,
            Grade::Error => Self::Error,
        }
    }
}

impl From<Outcome> for Mark {
    /// The mark of a phase that is over; a skipped one is a dash.
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Pass,
            Outcome::Failed => Self::Fail,
            Outcome::Skipped => Self::Na,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_grade_has_a_shape_and_a_word_of_its_own() {
        let marks = Grade::ALL.map(Mark::from);
        let words: BTreeSet<_> = marks.iter().map(|mark| mark.word()).collect();
        let symbols: BTreeSet<_> = marks.iter().map(|mark| mark.symbol()).collect();
        assert_eq!((words.len(), symbols.len()), (7, 7));
        let shapes: BTreeSet<_> = Mark::SHAPES.iter().map(|mark| (mark.symbol(), mark.word())).collect();
        assert_eq!(shapes.len(), Mark::SHAPES.len());
    }

    #[test]
    fn a_failure_is_never_shown_without_its_phase() {
        assert_eq!(Mark::Fail.words(Some(Phase::Build)), "fail (build)");
        assert_eq!(Mark::Unconfirmed.words(Some(Phase::Build)), "unconfirmed fail (build)");
        assert_eq!(Mark::Flaky.words(Some(Phase::Build)), "flaky fail (build)");
        assert_eq!(Mark::Pass.words(Some(Phase::Installcheck)), "pass");
    }

    #[test]
    fn a_failure_that_is_not_sure_is_not_red() {
        for (flag, mark) in [(Flag::Unconfirmed, Mark::Unconfirmed), (Flag::Flaky, Mark::Flaky)] {
            assert_eq!(Mark::of_verdict(Grade::Fail, &[Flag::Crash, flag]), mark, "{flag}");
            assert_eq!(Mark::of_verdict(Grade::Pass, &[flag]), Mark::Pass, "{flag}");
        }
        assert_eq!(Mark::of_verdict(Grade::Fail, &[Flag::Crash, Flag::Timeout, Flag::Warnings]), Mark::Fail);
    }

    #[test]
    fn a_verdict_stays_while_its_job_runs_again() {
        assert_eq!(Mark::of(JobState::Running, Some((Grade::Fail, &[]))), Mark::Fail);
        assert_eq!(Mark::of(JobState::Running, None), Mark::Running);
        assert_eq!(Mark::of(JobState::Withdrawn, None), Mark::Withdrawn);
    }
}
