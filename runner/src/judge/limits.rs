//! Phases that a limit ended: time, silence, memory, space, processes.

use protocol::{Flag, Reason, Verdict};

use crate::judge::{Evidence, Limit};

/// The verdict on a phase that the runner or the kernel ended; none where the command itself decided.
pub(crate) fn broken(evidence: &Evidence<'_>) -> Option<Verdict> {
    let reason = match evidence.limit {
        _ if evidence.succeeded() => return None,
        _ if evidence.out_of_memory => Reason::OutOfMemory,
        Some(Limit::Time) => Reason::TimedOut,
        Some(Limit::Silence) => Reason::Silent,
        None => return None,
    };
    let mut verdict = Verdict::new(evidence.phase, reason);
    if evidence.limit.is_some() {
        verdict.flags.push(Flag::Timeout);
    }
    Some(verdict)
}
