//! The first thing that a run's page says: the verdict, or what stands in its place.

use protocol::{Blame, Flag, Grade, JobState, Reason, RunId, Timestamp};
use serde::Serialize;
use store::jobs::Waiting;
use store::runs::{FullResult, Run, RunState};
use store::verdicts::VerdictLine;

use crate::address;
use crate::fault::Link;
use crate::grid::place;
use crate::mark::{Doubt, Mark};
use crate::text::{ago, duration, elapsed_ms};

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
    /// The reason; its word in the vocabulary.
    pub reason: Option<Reason>,
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
        let mark = Mark::of_verdict(result.grade, &verdict.flags);
        Self {
            mark,
            words: mark.words(Some(verdict.phase)),
            sentence: sentence.to_owned(),
            detail: verdict.detail.clone(),
            reason: Some(verdict.reason),
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
        Self {
            mark,
            words: words.to_owned(),
            sentence,
            detail: String::new(),
            reason: None,
            flags: Vec::new(),
            counts: "",
        }
    }
}

fn running(run: &Run, now: Timestamp) -> String {
    let elapsed = elapsed_ms(now, run.claimed_at) / 1000 * 1000;
    format!("It has been running for {}; last sign of life {}.", duration(elapsed), ago(run.renewed_at, now))
}

fn counts(grade: Grade, flags: &[Flag]) -> &'static str {
    match grade.blame() {
        // Its flag says why it does not count.
        _ if Doubt::of(flags).is_some() => "",
        Some(blame @ (Blame::Extension | Blame::Farm)) => blame.sentence(),
        None if grade == Grade::Na => "This counts neither for nor against the extension.",
        None => "This counts for the extension.",
    }
}

/// What became of the second run that a failure needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Second {
    /// What became of it, in words.
    pub words: String,
    /// That run.
    pub link: Option<Link>,
}

impl Second {
    /// Says whether another run agrees with a failure, waits, or is under way; beside it are the job's latest runs, and the verdicts of its round.
    pub(crate) fn new(
        this: RunId,
        result: &FullResult,
        (runs, verdicts): (&[Run], &[VerdictLine]),
        waiting: Option<&Waiting>,
    ) -> Option<Self> {
        let others = || verdicts.iter().map(|line| &line.summary).filter(|other| other.run_id != this);
        let link = |run: RunId, text: &str| Some(Link { href: address::run(run), text: text.to_owned() });
        let is_flaky = result.verdict.flags.contains(&Flag::Flaky);
        if result.verdict.flags.contains(&Flag::Unconfirmed) {
            let going = runs.iter().find(|run| run.state == RunState::Open && run.id != this);
            return Some(match (going, waiting) {
                (Some(run), _) => Self { words: "A second run is under way:".into(), link: link(run.id, "look at it") },
                (None, Some(waiting)) => Self { words: format!("A second run waits: {}.", place(waiting)), link: None },
                (None, None) => {
                    match others().find(|other| other.grade == Grade::Fail && is_late(result.verdict.reason)) {
                        Some(late) => Self {
                            words: "It was run again, with no more time than here, so that nothing is proved:".into(),
                            link: link(late.run_id, "look at it"),
                        },
                        None => Self { words: "No second run is planned.".into(), link: None },
                    }
                }
            });
        }
        if is_flaky {
            let other = others().find(|other| other.flags.contains(&Flag::Flaky))?;
            let words = Mark::of_verdict(other.grade, &other.flags).words(Some(other.phase));
            return Some(Self {
                words: "Another run of this test ended otherwise:".into(),
                link: link(other.run_id, &words),
            });
        }
        let agrees =
            |other: &&store::matrix::Summary| other.grade == Grade::Fail && other.phase == result.verdict.phase;
        let second = others().find(agrees).filter(|_| result.grade == Grade::Fail)?;
        Some(Self { words: "Another run agrees:".into(), link: link(second.run_id, "look at it") })
    }
}

/// Whether a limit of time ended it, so that only a run with more of it can agree.
const fn is_late(reason: Reason) -> bool {
    matches!(reason, Reason::TimedOut | Reason::Silent)
}
