//! Judges a restart that failed: the farm's server was up, got libraries to preload or other settings, and did not come back.
//!
//! The farm changes nothing but what the distribution asks for, so that a library of its own which cannot be loaded, or whose `_PG_init`
//! refuses without a reason that a setting could mend, is the distribution's. One that says that it wants to be configured is not; and where
//! what refuses is a library that the server has or that a prerequisite brought, the distribution is blocked by it.

use std::sync::LazyLock;

use protocol::{Grade, Reason, Verdict};
use regex::Regex;

use crate::judge::cause::Cause;
use crate::judge::lines::lines;
use crate::judge::messages::{Within, explain, first_error};
use crate::judge::table::Context;
use crate::judge::{Evidence, limits, server, unexplained};

/// Words of a library that wants something set.
static CONFIGURATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)configur|parameter|setting|\bset\b|requires?\b|required|must be|has to be|needs? |before|after|first|specif")
        .expect("the tests compile it")
});

/// Why the server does not start any more; the evidence's log is what it has logged since it was to restart. The libraries are those that
/// it was to preload, each with whether it is the distribution's own.
pub(crate) fn refused_start(evidence: &Evidence<'_>, preloaded: &[(&str, bool)]) -> Verdict {
    let cause = cause(evidence);
    let said = cause.decisive.as_ref().map_or(&cause.detail, |decisive| &decisive.text);
    match others(&format!("{said} {}", cause.detail), preloaded) {
        // That the time was over is no library's fault.
        Some(names) if cause.reason.grade() == Grade::Fail && evidence.limit.is_none() => {
            let detail =
                format!("{names}, which it does not bring itself: {}", cause.reason.sentence_with(&cause.detail));
            Cause { decisive: cause.decisive, ..Cause::unshown(Reason::PrerequisiteFailed, detail) }
        }
        _ => cause,
    }
    .verdict(evidence.phase)
}

/// The libraries to blame, where none of them is the distribution's own: those that are named; where none is, all of them.
fn others(said: &str, preloaded: &[(&str, bool)]) -> Option<String> {
    let words: Vec<&str> = said.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c))).collect();
    let named: Vec<_> = preloaded.iter().filter(|(name, _)| words.contains(name)).collect();
    let blamed = if named.is_empty() { preloaded.iter().collect() } else { named };
    let list = blamed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    (!blamed.is_empty() && blamed.iter().all(|(_, is_own)| !is_own)).then_some(list)
}

fn cause(evidence: &Evidence<'_>) -> Cause {
    let logged = Evidence { server_log: Some(evidence.log), ..evidence.clone() };
    if let Some(cause) = limits::broken(evidence).or_else(|| server::crash(&logged)) {
        return cause;
    }
    let Some(message) = first_error(lines(evidence.log), Within::Output) else {
        return Cause::unshown(
            Reason::ServerNotStarted,
            "it did not come back after a restart, and its log does not say why",
        );
    };
    let context = Context { setting: evidence.setting, phase: evidence.phase, text: "", next: "" };
    let first = message.text.lines().next().unwrap_or_default();
    let said = first.split_once(": ").map_or(first, |(_, said)| said).trim();
    let (reason, detail) = explain(&message, &context).unwrap_or_else(|| {
        if CONFIGURATION.is_match(&message.text) {
            (Reason::SettingNeeded, said.to_owned())
        } else {
            (
                unexplained(evidence.phase),
                format!("the server does not start with it in shared_preload_libraries: {said}"),
            )
        }
    });
    Cause::at(&message.line, reason, detail)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::Phase;

    use super::*;
    use crate::judge::{LogFile, Setting};

    fn reason(log: &str) -> Reason {
        verdict(log, &[("widget", true)]).reason
    }

    fn verdict(log: &str, preloaded: &[(&str, bool)]) -> Verdict {
        let shipped = BTreeSet::new();
        let setting = Setting::new(17.try_into().unwrap(), &[], &[], &shipped);
        let log = LogFile { name: "restart.log", bytes: log.as_bytes() };
        refused_start(&Evidence::ended(&setting, Phase::Create, 1, log), preloaded)
    }

    #[test]
    fn a_library_that_somebody_else_brought_blocks() {
        let unloadable = "FATAL:  could not load library \"/x/gadget.so\": /x/gadget.so: undefined symbol: pg_gone\n";
        let crashed = "LOG:  startup process (PID 7) was terminated by signal 11: Segmentation fault\n";
        let both = [("gadget", false), ("widget", true)];
        let blocked = verdict(unloadable, &both);
        assert_eq!(blocked.reason, Reason::PrerequisiteFailed);
        assert!(blocked.detail.starts_with("gadget, which it does not bring itself: "), "{}", blocked.detail);
        assert!(blocked.decisive.is_some());
        assert_eq!(verdict(crashed, &both[..1]).reason, Reason::PrerequisiteFailed);
        assert_eq!(verdict(crashed, &both).reason, Reason::ServerCrashed, "it may be either");
        assert_eq!(verdict(&unloadable.replace("gadget", "widget"), &both).reason, Reason::CreateFailed);
        assert_eq!(verdict(crashed, &[]).reason, Reason::ServerCrashed);
        assert_eq!(verdict("FATAL:  gadget.key must be set\n", &both).reason, Reason::SettingNeeded);
    }

    #[test]
    fn a_library_that_refuses_without_a_reason_is_the_distributions() {
        assert_eq!(reason("2026-01-02 [9] FATAL:  widget: the moon is not full\n"), Reason::CreateFailed);
        let unloadable = "FATAL:  could not load library \"/x/widget.so\": /x/widget.so: undefined symbol: pg_gone\n";
        assert_eq!(reason(unloadable), Reason::CreateFailed);
        let killed = "LOG:  startup process (PID 7) was terminated by signal 11: Segmentation fault\n";
        assert_eq!(reason(killed), Reason::ServerCrashed);
    }

    #[test]
    fn one_that_wants_more_of_the_server_is_not() {
        let setting = "FATAL:  widget requires \"wal_level\" >= \"logical\"\n";
        assert_eq!(reason(setting), Reason::SettingNeeded);
        assert_eq!(reason("FATAL:  widget.key_file must be set\n"), Reason::SettingNeeded);
        let library = "FATAL:  could not load library \"/x/widget.so\": libfoo.so.1: cannot open shared object file: No such file\n";
        assert_eq!(reason(library), Reason::MissingLibrary);
        assert_eq!(reason("pg_ctl: could not start server\n"), Reason::ServerNotStarted);
    }
}
