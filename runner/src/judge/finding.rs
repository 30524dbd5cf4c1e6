//! What the judge says of a phase.

use protocol::{Flag, Reason, TestRecord, Verdict};

/// What the judge says of one phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// What the run got, where this phase decides it; none where the phase did what it should and the run goes on.
    pub verdict: Option<Verdict>,
    /// Remarks from this phase, sorted; the run's verdict gets those of all its phases.
    pub flags: Vec<Flag>,
    /// The tests that this phase ran, in order, at most as many as a report takes.
    pub tests: Vec<TestRecord>,
    /// How many tests it ran beyond those.
    pub omitted_tests: usize,
}

impl Finding {
    /// The reason, where the phase decided.
    pub fn reason(&self) -> Option<Reason> {
        self.verdict.as_ref().map(|verdict| verdict.reason)
    }
}
