//! Judges a restart that failed: the farm's server was up, got libraries to preload or other settings, and did not come back.
//!
//! The farm changes nothing but what the distribution asks for, so that a library which cannot be loaded, or whose `_PG_init` refuses
//! without a reason that a setting could mend, is the distribution's. One that says that it wants to be configured is not.

use std::sync::LazyLock;

use protocol::{Reason, Verdict};
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

/// Why the server does not start any more; the evidence's log is what it has logged since it was to restart.
pub(crate) fn refused_start(evidence: &Evidence<'_>) -> Verdict {
    cause(evidence).verdict(evidence.phase)
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
        let shipped = BTreeSet::new();
        let setting = Setting { major: 17.try_into().unwrap(), files: &[], provides: &[], shipped: &shipped };
        let log = LogFile { name: "restart.log", bytes: log.as_bytes() };
        refused_start(&Evidence::ended(&setting, Phase::Create, 1, log)).reason
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
