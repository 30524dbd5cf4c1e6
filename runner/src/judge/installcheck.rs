//! Judges the phase installcheck.
//!
//! PASS takes all of it: the command says that all went well, at least one test is told of in the log, and none of them failed, whatever
//! the exit code says. A failure is the farm's only where the first failing test's first unexpected error says so: what fails later may
//! follow from it, and an excuse that comes later does not explain what failed first. A test that differs by nothing but messages about a
//! process is not that first one, unless there is no other: whether they come depends on the moment (`pg_repack` 1.5.3 tells of the
//! transactions for which it waits, on a busy machine), and the verdict must not.

use std::sync::LazyLock;

use protocol::{Grade, Reason, Suite};
use regex::Regex;

use crate::judge::cause::Cause;
use crate::judge::lines::{Line, lines};
use crate::judge::messages::{Message, Within, explain, first_error};
use crate::judge::suites::{Seen, Suites};
use crate::judge::table::Context;
use crate::judge::{Evidence, Server, command, diffs, server};

/// Two words that a shell compares, and nothing else in the line.
static COMPARISON: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\[ \S+ ==? \S+ \]$").expect("the tests compile it"));

/// So many failing tests are named.
const MAX_NAMED: usize = 12;

/// What the tests came to.
pub(crate) fn cause(evidence: &Evidence<'_>, suites: &Suites) -> Cause {
    let failed = suites.failed > 0 || !evidence.succeeded();
    let crash = server::crash(evidence).filter(|_| failed || evidence.server == Server::Gone);
    if let Some(cause) = crash.or_else(|| server::gone(evidence).filter(|_| failed || suites.passed == 0)) {
        return cause;
    }
    if suites.failed > 0 {
        return failing(evidence, suites);
    }
    if !evidence.succeeded() {
        return broken(evidence, suites);
    }
    match (suites.lost, suites.passed, suites.skipped) {
        (0, 0, 0) => condition(evidence).unwrap_or_else(|| Cause::unshown(Reason::NoTests, "")),
        (0, 0, skipped) => Cause::unshown(Reason::NoTests, format!("{skipped} of {skipped} tests were skipped")),
        (0, passed, _) => Cause::unshown(Reason::TestsPassed, format!("{passed} of {} tests passed", suites.total())),
        (lost, ..) => {
            Cause::unshown(Reason::TestsBroken, format!("{lost} of the tests that were announced did not run"))
        }
    }
}

/// A condition that the Makefile itself asks a shell, as make prints it; `bgw_replstatus` 1.0.8: `[ "MASTER" = "MASTER" ]`. That the command
/// succeeded says that it holds. Nothing but such a comparison counts: `[ INFO ]` is no test, nor is `test -d build || mkdir build`.
fn condition(evidence: &Evidence<'_>) -> Option<Cause> {
    let line = lines(evidence.log).find(|line| COMPARISON.is_match(line.text.trim()))?;
    Some(Cause::at(&line, Reason::TestsPassed, "the condition of its Makefile holds"))
}

/// Tests failed: the first of them decides whose fault it is.
fn failing(evidence: &Evidence<'_>, suites: &Suites) -> Cause {
    let Some(first) = deciding(evidence, suites) else { return Cause::unshown(Reason::TestsFailed, "") };
    let error = match first.record.suite {
        Suite::Regress | Suite::Isolation => diffs::first_added_error(&evidence.diffs, &first.record.name)
            .or_else(|| diffs::first_error_shown(|| section(evidence, first))),
        Suite::Tap | Suite::Pgtap => first_error(section(evidence, first), Within::Tap),
        Suite::Unit => None,
    };
    let excuse = error.as_ref().and_then(|error| excuse(evidence, error));
    if let Some(cause) = excuse.or_else(|| excuse_in_log(evidence, first)) {
        return cause;
    }
    let names: Vec<&str> = suites.failures().take(MAX_NAMED).map(|seen| &*seen.record.name).collect();
    let more = if suites.failed > names.len() { ", …" } else { "" };
    let detail = format!("{} of {} tests failed: {}{more}", suites.failed, suites.total(), names.join(", "));
    let line = error.map(|error| error.line);
    let line = line.or_else(|| diffs::first_difference(&evidence.diffs, &first.record.name));
    let line = line.or_else(|| diffs::first_difference_shown(|| section(evidence, first)));
    let line = line.or_else(|| section(evidence, first).find(|line| is_failure_in_tap(&line.text)));
    match line.or_else(|| lines(evidence.log).find(|line| line.number == first.last)) {
        Some(line) => Cause::at(&line, Reason::TestsFailed, detail),
        None => Cause::unshown(Reason::TestsFailed, detail),
    }
}

/// The first failing test that fails by more than the moment; where there is none, the first. Only the first few are looked at.
fn deciding<'a>(evidence: &Evidence<'_>, suites: &'a Suites) -> Option<&'a Seen> {
    let is_by_chance = |seen: &Seen| diffs::only_tells_of_processes(&evidence.diffs, &seen.record.name);
    let mut failures = suites.failures().take(MAX_NAMED);
    failures.find(|seen| !is_by_chance(seen)).or_else(|| suites.failures().next())
}

/// TAP's own words for what went wrong, by Perl's `Test::More` and by pgTAP.
fn is_failure_in_tap(line: &str) -> bool {
    line.trim_start_matches(['#', ' ']).starts_with("Failed test")
}

/// What a message excuses: anything that is not the distribution's fault, and what ran out.
fn excuse(evidence: &Evidence<'_>, message: &Message<'_>) -> Option<Cause> {
    let context = Context { setting: evidence.setting, phase: evidence.phase, text: "", next: "" };
    let (reason, detail) = explain(message, &context)?;
    explains(reason).then(|| Cause::at(&message.line, reason, detail))
}

const fn explains(reason: Reason) -> bool {
    !matches!(reason.grade(), Grade::Fail)
        || matches!(reason, Reason::OutOfMemory | Reason::OutOfSpace | Reason::TooManyProcesses)
}

/// Tests in Perl do not print the server's messages, but what they themselves lack.
fn excuse_in_log(evidence: &Evidence<'_>, first: &Seen) -> Option<Cause> {
    if first.record.suite != Suite::Tap {
        return None;
    }
    command::explain_lines(evidence, section(evidence, first)).filter(|cause| explains(cause.reason))
}

/// The lines of the log that tell of a test.
fn section<'a>(evidence: &Evidence<'a>, seen: &Seen) -> impl Iterator<Item = Line<'a>> + use<'a> {
    let (first, last) = (seen.first, seen.last);
    lines(evidence.log).skip_while(move |line| line.number < first).take_while(move |line| line.number <= last)
}

/// The command failed, though no test did.
fn broken(evidence: &Evidence<'_>, suites: &Suites) -> Cause {
    let excuse = || first_error(lines(evidence.log), Within::Output).and_then(|message| excuse(evidence, &message));
    let cause = excuse().unwrap_or_else(|| command::explain(evidence));
    match cause.reason {
        // All that was asked for has run: there is only no further target.
        Reason::NoTests if suites.passed > 0 => {
            Cause::unshown(Reason::TestsPassed, format!("{} of {} tests passed", suites.passed, suites.total()))
        }
        // What fails here are the tests, whatever word a tool has for it.
        reason if reason.grade() == Grade::Fail && !explains(reason) && reason != Reason::FileNotPackaged => {
            Cause { reason: Reason::TestsBroken, ..cause }
        }
        _ => cause,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::Phase;

    use super::*;
    use crate::judge::{LogFile, Setting};

    #[test]
    fn a_condition_of_the_makefile_is_a_test_and_other_commands_are_none() {
        let shipped = BTreeSet::new();
        let setting = Setting::new(17.try_into().unwrap(), &[], &[], &shipped);
        let reason = |exit, log: &str| {
            let log = LogFile { name: "installcheck.log", bytes: log.as_bytes() };
            crate::judge::judge(&Evidence::ended(&setting, Phase::Installcheck, exit, log)).reason().unwrap()
        };
        assert_eq!(reason(0, "[ \"MASTER\" = \"MASTER\" ]\n"), Reason::TestsPassed);
        assert_eq!(
            reason(2, "[ \"\" = \"MASTER\" ]\nmake: *** [Makefile:13: installcheck] Error 1\n"),
            Reason::TestsBroken
        );
        for line in
            ["test -d build || mkdir build", "test -n x", "[ INFO ]", "[ a = b ] || true", "[ -f x ]", "[ a = b c ]"]
        {
            assert_eq!(reason(0, &format!("{line}\n")), Reason::NoTests, "{line}");
        }
        assert_eq!(reason(0, "make: Nothing to be done for 'installcheck'.\n"), Reason::NoTests);
        assert_eq!(reason(0, "echo there are no tests\nthere are no tests\n"), Reason::NoTests);
    }
}
