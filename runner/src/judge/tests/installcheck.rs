//! Which of several failing tests decides.

use std::collections::BTreeSet;

use protocol::{Phase, Reason};

use crate::judge::{Evidence, LogFile, Setting, judge};

const WAITS: &str = "+NOTICE: Waiting for 1 transactions to finish. First PID: 88";
const LACKS: &str = "+ERROR:  tablespace \"testts\" does not exist";

/// The verdict on two failing tests that differ so: its reason, and its decisive line's text.
fn verdict(first: &str, second: &str) -> (Reason, String) {
    let log = "test a ... FAILED 3 ms\ntest b ... FAILED 3 ms\n";
    let diff = |name: &str, difference: &str| {
        format!(
            "diff -U3 /x/expected/{name}.out /x/results/{name}.out\n--- x\n+++ y\n@@ -1 +1,2 @@\n SELECT 1;\n{difference}\n"
        )
    };
    let diffs = diff("a", first) + &diff("b", second);
    let shipped = BTreeSet::new();
    let setting = Setting::new(17.try_into().unwrap(), &[], &[], &shipped);
    let log = LogFile { name: "installcheck.log", bytes: log.as_bytes() };
    let mut evidence = Evidence::ended(&setting, Phase::Installcheck, 2, log);
    evidence.diffs = vec![LogFile { name: "regression.diffs", bytes: diffs.as_bytes() }];
    let verdict = judge(&evidence).verdict.unwrap();
    (verdict.reason, verdict.decisive.unwrap().text)
}

#[test]
fn a_message_about_a_process_does_not_decide_where_another_test_fails_by_more() {
    assert_eq!(verdict(WAITS, LACKS), (Reason::PreparationNeeded, LACKS.to_owned()));
    assert_eq!(verdict(LACKS, WAITS), (Reason::PreparationNeeded, LACKS.to_owned()));
    assert_eq!(verdict(WAITS, "+ 2"), (Reason::TestsFailed, "+ 2".to_owned()));
    let detail = "+DETAIL:  Process 123 holds the lock.";
    assert_eq!(verdict(detail, LACKS), (Reason::PreparationNeeded, LACKS.to_owned()));
}

#[test]
fn tests_that_all_differ_by_messages_about_a_process_fail() {
    assert_eq!(verdict(WAITS, WAITS), (Reason::TestsFailed, WAITS.to_owned()));
}

#[test]
fn whatever_else_fails_first_is_not_excused_by_what_fails_later() {
    for first in [
        "+NOTICE:  a message of no process",
        "-NOTICE: Waiting for 1 transactions to finish. First PID: 88",
        "+ERROR:  could not signal process 88",
        "+ 88",
    ] {
        assert_eq!(verdict(first, LACKS), (Reason::TestsFailed, first.to_owned()));
    }
    assert_eq!(verdict(&format!("{WAITS}\n+ 2"), LACKS), (Reason::TestsFailed, WAITS.to_owned()));
    assert_eq!(verdict(" nothing differs", LACKS), (Reason::TestsFailed, "test a ... FAILED 3 ms".to_owned()));
}
