//! The first thing that a run's page says: the verdict, or what stands in its place.

use protocol::{Blame, Flag, Grade, JobState, Timestamp};
use serde::Serialize;
use store::jobs::Waiting;
use store::runs::{FullResult, Run, RunState};

use crate::grid::place;
use crate::mark::Mark;
use crate::text::{ago, duration};

/// The verdict in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Headline {
    /// Shape and colour.
    pub mark: Mark,
    /// The grade with its phase: `fail (build)`; or the state.
    pub words: String,
    /// Why, as a sentence.
    pub sentence: String,
    /// What exactly; may be empty.
    pub detail: String,
    /// Remarks.
    pub flags: Vec<Flag>,
    /// Whether it counts for or against the author, as a sentence; empty where the sentence above says so.
    pub counts: &'static str,
}

impl Headline {
    /// What to say of a run.
    pub(crate) fn new(
        run: Option<&Run>,
        result: Option<&FullResult>,
        waiting: Option<&Waiting>,
        now: Timestamp,
    ) -> Self {
        match (result, run) {
            (Some(result), _) => Self::of_result(result),
            (None, Some(run)) => Self::of_run(run, waiting, now),
            (None, None) => Self::bare(Mark::Withdrawn, "no verdict", "This run has no verdict.".to_owned()),
        }
    }

    fn of_result(result: &FullResult) -> Self {
        let verdict = &result.verdict;
        let sentence = verdict.reason.sentence();
        let mark = Mark::from(result.grade);
        Self {
            mark,
            words: mark.words(Some(verdict.phase)),
            sentence: sentence.to_owned(),
            detail: verdict.detail.clone(),
            flags: verdict.flags.clone(),
            counts: if sentence.contains("does not count") { "" } else { counts(result.grade, &verdict.flags) },
        }
    }

    fn of_run(run: &Run, waiting: Option<&Waiting>, now: Timestamp) -> Self {
        let then = match (run.job_state, waiting) {
            (JobState::Queued, Some(waiting)) => format!("The test waits again: {}.", place(waiting)),
            (JobState::Queued, None) => "The test waits again.".to_owned(),
            (JobState::Running, _) => "Another run is under way.".to_owned(),
            (JobState::Finished, _) => "Another run gave the verdict.".to_owned(),
            (JobState::Withdrawn, _) => "The test is not wanted any more.".to_owned(),
        };
        match run.state {
            RunState::Open | RunState::Reported => Self::bare(Mark::Running, "running", running(run, now)),
            RunState::Expired => {
                let sentence =
                    format!("Its runner, {}, stopped answering {}. {then}", run.runner, ago(run.renewed_at, now));
                Self {
                    counts: "It does not count against the author.",
                    ..Self::bare(Mark::Error, "runner lost", sentence)
                }
            }
            RunState::Released => {
                let sentence = format!("Its runner, {}, gave it back without a verdict. {then}", run.runner);
                Self {
                    counts: "It does not count against the author.",
                    ..Self::bare(Mark::Error, "given back", sentence)
                }
            }
        }
    }

    fn bare(mark: Mark, words: &str, sentence: String) -> Self {
        Self { mark, words: words.to_owned(), sentence, detail: String::new(), flags: Vec::new(), counts: "" }
    }
}

fn running(run: &Run, now: Timestamp) -> String {
    let elapsed = now.since(run.claimed_at).as_secs().saturating_mul(1000);
    let phase = run.phase.map_or_else(|| "It is starting".to_owned(), |phase| format!("It is in phase {phase}"));
    let sign = ago(run.renewed_at, now);
    format!("{phase}, after {} on {}; last sign of life {sign}.", duration(elapsed), run.runner)
}

fn counts(grade: Grade, flags: &[Flag]) -> &'static str {
    match grade.blame() {
        Some(Blame::Extension) if flags.contains(&Flag::Unconfirmed) => {
            "It does not count against the extension until a second run agrees."
        }
        Some(Blame::Extension) => "This counts against the extension: its author can mend it.",
        Some(Blame::Farm) => "This does not count against the extension.",
        None if grade == Grade::Na => "This counts neither for nor against the extension.",
        None => "This counts for the extension.",
    }
}
