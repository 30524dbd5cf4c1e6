//! Phases that the runner or the kernel ended: memory, time, silence, space.

use protocol::Reason;

use crate::judge::cause::Cause;
use crate::judge::lines::lines;
use crate::judge::{Evidence, Limit};

/// SIGKILL. The kernel, the engine and the runner send it to a phase's own command, and so can the distribution's code: nobody can tell, so
/// that the farm takes the blame and tries again (`docs/attacks.md`).
const SIGKILL: i32 = 9;

/// What ended a phase from outside, with the last line before; none where its command decided.
pub(crate) fn broken(evidence: &Evidence<'_>) -> Option<Cause> {
    let reason = match evidence.limit {
        _ if evidence.succeeded() => return None,
        _ if evidence.out_of_memory => Reason::OutOfMemory,
        Some(Limit::Time) => Reason::TimedOut,
        Some(Limit::Silence) => Reason::Silent,
        None if evidence.out_of_space => Reason::OutOfSpace,
        None if evidence.signal == Some(SIGKILL) => Reason::EngineFailed,
        None => return None,
    };
    let detail = if reason == Reason::EngineFailed { "its command was killed, and no limit was reached" } else { "" };
    let said = lines(evidence.log).filter(|line| !line.text.trim().is_empty()).last();
    Some(said.map_or_else(|| Cause::unshown(reason, detail), |line| Cause::at(&line, reason, detail)))
}
