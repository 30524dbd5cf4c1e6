//! What is read of tests in a log.

use protocol::{Suite, TestOutcome, TestRecord};

use crate::judge::suites::read;
use crate::judge::{LogFile, parse_tests};

use TestOutcome::{Failed, Passed, Skipped};

fn tests(log: &str) -> Vec<(Suite, String, TestOutcome, Option<u64>)> {
    let flat = |test: TestRecord| (test.suite, test.name, test.outcome, test.duration_ms);
    parse_tests(log.as_bytes()).into_iter().map(flat).collect()
}

fn test(
    suite: Suite,
    name: &str,
    outcome: TestOutcome,
    millis: Option<u64>,
) -> (Suite, String, TestOutcome, Option<u64>) {
    (suite, name.to_owned(), outcome, millis)
}

#[test]
fn the_old_words_of_pg_regress_are_understood() {
    let log = "test one                          ... ok           23 ms\n\
               parallel group (2 tests):  three two\n     \
               two                          ... ok           12 ms\n     \
               three                        ... FAILED (test process exited with exit code 2)     1503 ms\n\
               test four                         ... failed (ignored)      7 ms\n\
               test five                         ... ok\n";
    assert_eq!(
        tests(log),
        [
            test(Suite::Regress, "one", Passed, Some(23)),
            test(Suite::Regress, "two", Passed, Some(12)),
            test(Suite::Regress, "three", Failed, Some(1503)),
            test(Suite::Regress, "four", Skipped, Some(7)),
            test(Suite::Regress, "five", Passed, None),
        ]
    );
}

#[test]
fn the_words_of_pg_regress_since_16_are_understood() {
    let log = "# +++ isolation install-check in  +++\nok 1         - one    23 ms\nnot ok 2     + two    1 ms\n1..2\n\
               # +++ regress install-check in  +++\nok 1         - three    5 ms\n1..1\n";
    assert_eq!(
        tests(log),
        [
            test(Suite::Isolation, "one", Passed, Some(23)),
            test(Suite::Isolation, "two", Failed, Some(1)),
            test(Suite::Regress, "three", Passed, Some(5)),
        ]
    );
}

#[test]
fn prove_tells_of_files_with_and_without_a_timer() {
    let log = "t/001_a.pl .. ok\n[12:00:01] t/002_b.pl ........ ok     4243 ms ( 0.00 usr  0.00 sys +  0.10 cusr  0.02 csys =  0.12 CPU)\n\
               t/003_c.pl .. skipped: no ssl\nt/004_d.pl .. Failed 1/5 subtests \n[12:00:03] t/005_e.pl .. \nDubious, test returned 29 (wstat 7424, 0x1d00)\n\
               Failed 2/3 subtests \ntest/sql/f.sql .. ok\nAll tests successful.\n";
    assert_eq!(
        tests(log),
        [
            test(Suite::Tap, "t/001_a.pl", Passed, None),
            test(Suite::Tap, "t/002_b.pl", Passed, Some(4243)),
            test(Suite::Tap, "t/003_c.pl", Skipped, None),
            test(Suite::Tap, "t/004_d.pl", Failed, None),
            test(Suite::Tap, "t/005_e.pl", Failed, None),
            test(Suite::Pgtap, "test/sql/f.sql", Passed, None),
        ]
    );
}

#[test]
fn what_a_verbose_prove_shows_of_a_file_is_not_counted_twice() {
    let log = "t/a.pl .. \nok 1 - one\n    ok 1 - inner\nnot ok 2 - two\n1..2\nFailed 1/2 subtests \nt/b.sql .. \nok 1 - one\n1..1\nok\n";
    assert_eq!(tests(log), [test(Suite::Tap, "t/a.pl", Failed, None), test(Suite::Pgtap, "t/b.sql", Passed, None)]);
}

#[test]
fn bare_tap_counts_with_its_directives() {
    let log = "1..5\nok 1 - one\nnot ok 2 - two # TODO later\nok 3 # SKIP no such thing\nnot ok 4\nok 5 five\n# Looks like you failed 1 test of 5\n";
    let names_and_outcomes: Vec<_> = tests(log).into_iter().map(|(_, name, outcome, _)| (name, outcome)).collect();
    let expected = [
        ("one", Passed),
        ("two # TODO later", Skipped),
        ("# SKIP no such thing", Skipped),
        ("test 4", Failed),
        ("five", Passed),
    ];
    assert_eq!(names_and_outcomes, expected.map(|(name, outcome)| (name.to_owned(), outcome)));
}

#[test]
fn tests_that_were_announced_and_did_not_come_are_missed() {
    let lost = |log: &str| read(&LogFile { name: "", bytes: log.as_bytes() }).lost;
    assert_eq!(lost("1..3\nok 1 - a\n"), 2);
    assert_eq!(lost("1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n"), 0);
    assert_eq!(lost("ok 1         - a    3 ms\n1..1\n"), 0);
    assert_eq!(lost("t/a.pl .. \n1..9\nok 1 - a\nok\n"), 0);
}

/// A run of PostGIS's runner, with what it says of its tests.
fn run_test(tests: &str, counts: &str) -> String {
    format!("  GEOS: 3.13.1\n\nRunning tests\n\n{tests}\n{counts}")
}

#[test]
fn the_runner_of_postgis_tells_of_each_script() {
    let tests = run_test(
        " regress/core/affine .. ok in 45 ms\n regress/loader/Latin1 .......WARNING:  a byte is lost\n. ok in 3 ms\n \
         regress/core/bad .. failed (diff expected obtained: /tmp/pgis_reg/test_3_diff)\n regress/core/none . skipped (can't read any x)\n \
         before-uninstall-script ./regress/hooks/a.sql .. ok \n uninstall . ok (4850)\n",
        "Run tests: 6\nFailed: 1\n",
    );
    assert_eq!(
        self::tests(&tests),
        [
            test(Suite::Regress, "regress/core/affine", Passed, Some(45)),
            test(Suite::Regress, "regress/loader/Latin1", Passed, Some(3)),
            test(Suite::Regress, "regress/core/bad", Failed, None),
            test(Suite::Regress, "regress/core/none", Skipped, None),
            test(Suite::Regress, "before-uninstall-script ./regress/hooks/a.sql", Passed, None),
            test(Suite::Regress, "uninstall", Passed, None),
        ]
    );
}

#[test]
fn what_a_script_of_postgis_leaves_behind_fails_it() {
    let objects = " failed (PostGIS object count pre-test (5) != post-test (4))\n";
    let log = run_test(&format!(" a .. ok in 4 ms\n{objects} b .. ok in 5 ms\n"), "Run tests: 2\nFailed: 1\n");
    assert_eq!(tests(&log), [test(Suite::Regress, "a", Failed, Some(4)), test(Suite::Regress, "b", Passed, Some(5))]);
    let suites = read(&LogFile { name: "", bytes: log.as_bytes() });
    assert_eq!((suites.passed, suites.failed, suites.lost), (1, 1, 0));
}

#[test]
fn a_file_that_the_runner_of_postgis_shows_holds_no_tests() {
    let frame = "-".repeat(77);
    let shown =
        format!("{frame}\n--- a\n+++ b\n@@ -1 +1 @@\n c .. ok in 3 ms\nok 1 - d\n failed (e)\nRun tests: 9\n{frame}\n");
    let log = run_test(&format!(" a .. failed (diff: /tmp/x)\n{shown} b .. ok in 5 ms\n"), "Run tests: 2\nFailed: 1\n");
    assert_eq!(tests(&log), [test(Suite::Regress, "a", Failed, None), test(Suite::Regress, "b", Passed, Some(5))]);
}

#[test]
fn the_counts_of_the_runner_of_postgis_go_before_its_lines() {
    let counts = |tests: &str, counts: &str| {
        let suites = read(&LogFile { name: "", bytes: run_test(tests, counts).as_bytes() });
        (suites.passed, suites.failed, suites.skipped, suites.lost)
    };
    assert_eq!(counts(" a .. ok in 1 ms\n b ..\n", "Run tests: 2\nFailed: 0\n"), (1, 0, 1, 0));
    assert_eq!(counts(" a .. ok in 1 ms\n b ..\n", "Run tests: 2\nFailed: 1\n"), (1, 1, 0, 0));
    assert_eq!(counts(" a .. ok in 1 ms\n", "Run tests: 2\nFailed: 1\n"), (1, 1, 0, 0), "one of them is not named");
    assert_eq!(counts(" a .. ok in 1 ms\n b ..\n", "psql: error\n"), (1, 0, 0, 1), "it did not come to its end");
    assert_eq!(counts("", "Run tests: 0\nFailed: 0\n"), (0, 0, 0, 0));
    assert_eq!(tests(" a .. ok in 1 ms\nRun tests: 1\nFailed: 0\n"), [], "no tests were announced");
}

#[test]
fn cunit_tells_of_functions_in_c() {
    let log = "     CUnit - A unit testing framework for C - Version 2.1-3\n\nSuite: algorithm\n  Test: test_side ...passed\n  \
               Test: test_area ...NOTICE: it is odd\npassed\n  Test: test_arc ...FAILED\n    1. cu_algorithm.c:12  - CU_ASSERT_EQUAL(a,b)\n\
               Suite: misc\n  Test: test_grid ...passed\n\nRun Summary:    Type  Total    Ran Passed Failed Inactive\n";
    assert_eq!(
        tests(log),
        [
            test(Suite::Unit, "test_side", Passed, None),
            test(Suite::Unit, "test_area", Passed, None),
            test(Suite::Unit, "test_arc", Failed, None),
            test(Suite::Unit, "test_grid", Passed, None),
        ]
    );
    let lost = |log: &str| read(&LogFile { name: "", bytes: log.as_bytes() }).lost;
    assert_eq!((lost(log), lost("Suite: a\n  Test: b ...Segmentation fault\n")), (0, 1));
    assert_eq!(tests("  Test: b ...passed\n"), []);
}

#[test]
fn what_only_looks_like_a_test_is_none() {
    for log in [
        "checking for x ... ok",
        "  ok 1 - indented",
        "see a/b.sql .. for more\n",
        " not ok 1 - context of a diff",
        "+ok 1 - a",
        "ok",
        "# ok 1 - comment",
    ] {
        assert_eq!(tests(log), [], "{log}");
    }
}

#[test]
fn names_of_tests_carry_no_control_characters() {
    assert_eq!(tests("ok 1 - a\u{1b}[31mb\u{7}\u{202e}c")[0].1, "abc");
}

#[test]
fn a_failure_beyond_the_tests_that_are_kept_is_still_named() {
    let mut log = "ok 1 - a\n".repeat(10_500);
    log.push_str("not ok 10501 - last\n");
    let suites = read(&LogFile { name: "", bytes: log.as_bytes() });
    assert_eq!((suites.seen.len(), suites.passed, suites.failed), (10_000, 10_500, 1));
    assert_eq!(suites.failures().next().unwrap().record.name, "last");
}
