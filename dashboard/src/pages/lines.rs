//! One line each of a running test, of a verdict and of one that turned, shared by several pages.

use protocol::{Comparison, Flag, RunId, Timestamp};
use serde::Serialize;
use store::history::Turn;
use store::runs::Run;
use store::verdicts::VerdictLine;

use crate::address;
use crate::mark::Mark;
use crate::text::{When, duration, elapsed_ms};

/// A run that goes on now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Running {
    /// The run.
    pub run: RunId,
    /// Its page.
    pub href: String,
    /// The release: `pgtap 1.3.4`.
    pub release: String,
    /// The PostgreSQL major.
    pub major: u16,
    /// The platform.
    pub platform: &'static str,
    /// The phase that its runner told last.
    pub phase: String,
    /// For how long it has been running.
    pub elapsed: String,
    /// The runner's name.
    pub runner: String,
}

impl Running {
    /// A run as it looks at `now`.
    pub(crate) fn new(run: &Run, now: Timestamp) -> Self {
        Self {
            run: run.id,
            href: address::run(run.id),
            release: format!("{} {}", run.dist, run.version),
            major: run.target.major.number(),
            platform: run.target.platform.as_str(),
            phase: run.phase.map_or_else(|| "starting".to_owned(), |phase| phase.to_string()),
            elapsed: duration(elapsed_ms(now, run.claimed_at) / 1000 * 1000),
            runner: run.runner.clone(),
        }
    }
}

/// A verdict in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// The run, or the id of a verdict that needed none.
    pub run: RunId,
    /// Its page.
    pub href: String,
    /// The release.
    pub release: String,
    /// The PostgreSQL major.
    pub major: u16,
    /// The platform.
    pub platform: &'static str,
    /// The grade.
    pub mark: Mark,
    /// The grade in words.
    pub words: String,
    /// Remarks beside the grade.
    pub flags: Vec<Flag>,
    /// What exactly, or the reason's sentence.
    pub why: String,
    /// When it was accepted.
    pub at: When,
    /// How long the run took.
    pub took: String,
    /// The runner's name.
    pub runner: Option<String>,
}

impl Verdict {
    /// A verdict as it looks at `now`.
    pub(crate) fn new(line: &VerdictLine, now: Timestamp) -> Self {
        let summary = &line.summary;
        let mark = Mark::of_verdict(summary.grade, &summary.flags);
        let why = if summary.detail.is_empty() { summary.reason.sentence() } else { &summary.detail };
        Self {
            run: summary.run_id,
            href: address::run(summary.run_id),
            release: format!("{} {}", line.dist, line.version),
            major: line.target.major.number(),
            platform: line.target.platform.as_str(),
            mark,
            words: mark.words(Some(summary.phase)),
            flags: summary.flags.clone(),
            why: why.to_owned(),
            at: When::new(summary.accepted_at, now),
            took: duration(elapsed_ms(summary.finished_at, summary.started_at)),
            runner: line.runner.clone(),
        }
    }
}

/// A verdict that turned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Turned {
    /// How.
    pub comparison: Comparison,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The run that it was compared with.
    pub before: RunId,
    /// Its page.
    pub before_href: String,
    /// Since when it is so.
    pub since: When,
}

impl Turned {
    /// A turn as it looks at `now`.
    pub(crate) fn new(turn: &Turn, now: Timestamp) -> Self {
        Self {
            comparison: turn.comparison,
            verdict: Verdict::new(&turn.line, now),
            before: turn.before,
            before_href: address::run(turn.before),
            since: When::new(turn.at, now),
        }
    }

    /// The word for how it turned.
    pub(crate) const fn words(&self) -> &'static str {
        match self.comparison {
            Comparison::Fixed => "fixed",
            _ => "newly failing",
        }
    }

    /// What it did before, in words.
    pub(crate) const fn before_words(&self) -> &'static str {
        match self.comparison {
            Comparison::Fixed => "failed before",
            _ => "did not fail before",
        }
    }
}
