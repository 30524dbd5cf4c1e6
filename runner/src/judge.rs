//! Says what a phase's end means: whose fault it is, in which words, and which line shows it.
//!
//! The runner gathers [`Evidence`], and [`judge`] makes a [`Finding`] of it: a pure function of its argument, linear in what it reads.
//! What is known of tools and their messages stands in tables (`rules/`), each row with where it was seen; how a log is read
//! with them is told in `command` (configure, build, install), `create` and `installcheck`.
//!
//! Two mistakes matter. To blame an author for what the farm lacks is the worse one for the author's trust, so that whatever is a
//! library, a program, a setting or another extension is named and is the farm's. To excuse a true failure is the worse one for a user's
//! trust, so that an excuse counts only where it stands first: a line that merely comes along, or comes later, excuses nothing.
//! What nothing explains is the distribution's, as its own command says that it failed.

mod cause;
mod command;
mod create;
mod diffs;
mod evidence;
mod finding;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod installcheck;
mod limits;
mod lines;
mod messages;
mod rules;
mod server;
mod start;
mod suites;
mod table;
mod warnings;

use protocol::{Flag, Phase, Reason};

use cause::Cause;
pub(crate) use command::ONE_BY_ONE;
pub use evidence::{CrashSite, Evidence, Limit, LogFile, Server, Setting};
pub use finding::Finding;
pub(crate) use lines::{lines, shown};
pub(crate) use rules::compiler::SERVER_WITHOUT_ICU;
pub(crate) use rules::sql_meanings::{OUTPUT_PLUGINS, is_language};
pub(crate) use server::{Fault, faults};
pub(crate) use start::refused_start;
pub use suites::parse_tests;

/// Judges one phase: configure, build, install, create or installcheck.
///
/// A finding without verdict means that the phase did what it should. Only installcheck has one when all went well, too.
pub fn judge(evidence: &Evidence<'_>) -> Finding {
    let suites = match evidence.phase {
        Phase::Installcheck => suites::read(&evidence.log),
        _ => suites::Suites::default(),
    };
    let cause =
        limits::broken(evidence).map(|cause| crashed_before(evidence, cause)).or_else(|| match evidence.phase {
            Phase::Installcheck => Some(installcheck::cause(evidence, &suites)),
            _ if evidence.succeeded() => None,
            Phase::Create => Some(create::cause(evidence)),
            _ => Some(command::explain(evidence)),
        });
    let flags = flags(evidence);
    let mut verdict = cause.map(|cause| cause.verdict(evidence.phase));
    if let Some(verdict) = &mut verdict {
        verdict.flags.clone_from(&flags);
    }
    let omitted_tests = suites.total() - suites.seen.len();
    let tests = suites.seen.into_iter().map(|seen| seen.record).collect();
    Finding { verdict, flags, tests, omitted_tests }
}

/// A server that crashed explains why its tests hang; one that was out of memory does not explain itself.
fn crashed_before(evidence: &Evidence<'_>, cause: Cause) -> Cause {
    match cause.reason {
        Reason::TimedOut | Reason::Silent => server::crash(evidence).unwrap_or(cause),
        _ => cause,
    }
}

fn flags(evidence: &Evidence<'_>) -> Vec<Flag> {
    let compiles = matches!(evidence.phase, Phase::Build | Phase::Install);
    let flags = [
        (Flag::Crash, server::crash(evidence).is_some()),
        (Flag::Timeout, evidence.limit.is_some()),
        (Flag::Warnings, compiles && warnings::any(&evidence.log)),
    ];
    flags.into_iter().filter(|(_, is_so)| *is_so).map(|(flag, _)| flag).collect()
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

#[cfg(test)]
mod tests;
