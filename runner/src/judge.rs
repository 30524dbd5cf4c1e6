//! Says what a phase's end means: whose fault it is, in which words, and which line shows it.
//!
//! The runner gathers [`Evidence`], and [`judge`] makes a [`Finding`] of it: a pure function of its argument.

mod evidence;
mod finding;
mod limits;
mod lines;

use protocol::{Phase, Reason, Verdict};

pub use evidence::{Evidence, Limit, LogFile, Server, Setting};
pub use finding::Finding;

/// Judges one phase: configure, build, install, create or installcheck.
///
/// A finding without verdict means that the phase did what it should. Only installcheck has one when all went well, too.
pub fn judge(evidence: &Evidence<'_>) -> Finding {
    let mut finding = Finding::passed();
    if let Some(verdict) = limits::broken(evidence) {
        finding.verdict = Some(verdict);
    } else if !evidence.succeeded() {
        finding.verdict = Some(Verdict::new(evidence.phase, unexplained(evidence.phase)));
    }
    finding
}

/// What a phase's failure is where nothing in its log explains it.
const fn unexplained(phase: Phase) -> Reason {
    match phase {
        Phase::Configure => Reason::ConfigureFailed,
        Phase::Build => Reason::BuildFailed,
        Phase::Install => Reason::InstallFailed,
        Phase::Create => Reason::CreateFailed,
        Phase::Installcheck => Reason::TestsBroken,
        _ => Reason::Internal,
    }
}
