//! Results.

use protocol::{Flag, Grade, Name, Phase, Reason, RunId, Target, Timestamp, Version};
use serde::Serialize;
use utoipa::ToSchema;

/// A result in a cell or a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Summary {
    /// The run, or the result's own id where none was needed.
    pub run_id: RunId,
    /// The grade.
    pub grade: Grade,
    /// The phase that decided.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// Why, as a sentence.
    pub sentence: String,
    /// Remarks beside the grade.
    pub flags: Vec<Flag>,
    /// What exactly, in a few words.
    pub detail: String,
    /// The line that decided.
    pub decisive: Option<String>,
    /// The server's exact version.
    pub postgresql: Option<String>,
    /// How many tests ran.
    pub tests: u64,
    /// How many of them failed.
    pub tests_failed: u64,
    /// When the run started, by the runner's clock.
    pub started_at: Timestamp,
    /// When it ended, by the runner's clock.
    pub finished_at: Timestamp,
    /// When the farm accepted it.
    pub accepted_at: Timestamp,
}

impl From<store::matrix::Summary> for Summary {
    fn from(summary: store::matrix::Summary) -> Self {
        Self {
            run_id: summary.run_id,
            grade: summary.grade,
            phase: summary.phase,
            reason: summary.reason,
            sentence: summary.reason.sentence().to_owned(),
            flags: summary.flags,
            detail: summary.detail,
            decisive: summary.decisive,
            postgresql: summary.postgresql,
            tests: summary.tests,
            tests_failed: summary.tests_failed,
            started_at: summary.started_at,
            finished_at: summary.finished_at,
            accepted_at: summary.accepted_at,
        }
    }
}

/// A page of results.
#[derive(Debug, Serialize, ToSchema)]
pub struct Results {
    /// The latest first.
    pub results: Vec<ResultLine>,
    /// Where the next page begins: its `after`.
    pub next: Option<String>,
}

/// A result in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultLine {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// The target.
    pub target: Target,
    /// The runner's name; none for a verdict that needed no run.
    pub runner: Option<String>,
    /// What was found.
    #[serde(flatten)]
    pub summary: Summary,
}

impl From<store::verdicts::VerdictLine> for ResultLine {
    fn from(line: store::verdicts::VerdictLine) -> Self {
        Self {
            dist: line.dist,
            version: line.version,
            target: line.target,
            runner: line.runner,
            summary: line.summary.into(),
        }
    }
}
