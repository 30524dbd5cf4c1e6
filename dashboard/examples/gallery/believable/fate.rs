//! What runs end with: their verdicts, logs, diffs and tests.

use protocol::{Circumstances, Flag, Phase, Reason, Suite, TestOutcome, TestRecord};

use super::scene;

/// What a run ends with.
#[derive(Clone)]
pub(super) struct Fate {
    pub(super) phase: Phase,
    pub(super) reason: Reason,
    pub(super) detail: &'static str,
    pub(super) flags: &'static [Flag],
    /// The log of the decisive phase, and the decisive line in it.
    pub(super) log: Option<(&'static str, String, u64)>,
    pub(super) diffs: Option<&'static str>,
    pub(super) tests: Vec<TestRecord>,
    pub(super) circumstances: Circumstances,
    /// Whether the image is the one of the week before.
    pub(super) old_image: bool,
    /// Whether no second run comes.
    pub(super) unconfirmed: bool,
}

impl Fate {
    pub(super) fn new(phase: Phase, reason: Reason) -> Self {
        Self {
            phase,
            reason,
            detail: "",
            flags: &[],
            log: None,
            diffs: None,
            tests: Vec::new(),
            circumstances: scene::limited(),
            old_image: false,
            unconfirmed: false,
        }
    }
}

fn tests(passed: usize, failed: &[&str]) -> Vec<TestRecord> {
    let test = |name: String, outcome| TestRecord { suite: Suite::Regress, name, outcome, duration_ms: Some(48) };
    let names = [
        "aretap", "check", "cmpok", "coltap", "do_tap", "enumtap", "functap", "hastap", "istap", "matching", "moretap",
        "pktap",
    ];
    let good = names.iter().take(passed).map(|name| test((*name).to_owned(), TestOutcome::Passed));
    good.chain(failed.iter().map(|name| test((*name).to_owned(), TestOutcome::Failed))).collect()
}

pub(super) fn passes(number: usize) -> Fate {
    Fate { tests: tests(number, &[]), ..Fate::new(Phase::Installcheck, Reason::TestsPassed) }
}

pub(super) fn compile_error() -> Fate {
    let text = "make -C src all\ngcc -Wall -O2 -g -fPIC -I. -I/usr/include/postgresql/19/server -c -o src/pgtap.o src/pgtap.c\n\
                src/pgtap.c: In function \u{2018}\x1b[01m\x1b[Krelation_kind\x1b[m\x1b[K\u{2019}:\n\
                \x1b[01m\x1b[Ksrc/pgtap.c:214:18:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kimplicit declaration of function \u{2018}\x1b[01m\x1b[Kheap_open\x1b[m\x1b[K\u{2019}; did you mean \u{2018}\x1b[01m\x1b[Ktable_open\x1b[m\x1b[K\u{2019}? [\x1b[01;31m\x1b[K-Wimplicit-function-declaration\x1b[m\x1b[K]\n\
                \x20 214 |     Relation rel = \x1b[01;31m\x1b[Kheap_open\x1b[m\x1b[K(oid, AccessShareLock);\n\
                \x20     |                    \x1b[01;31m\x1b[K^~~~~~~~~\x1b[m\x1b[K\n\
                \x20     |                    \x1b[32m\x1b[Ktable_open\x1b[m\x1b[K\n\
                make: *** [<builtin>: src/pgtap.o] Error 1\n";
    Fate {
        detail: "heap_open is not declared",
        flags: &[Flag::Warnings],
        log: Some(("build.log", text.to_owned(), 4)),
        ..Fate::new(Phase::Build, Reason::CompileError)
    }
}

pub(super) fn missing_header() -> Fate {
    let text = "gcc -Wall -O2 -fPIC -c -o src/pmpz.o src/pmpz.c\nsrc/pmpz.h:22:10: fatal error: gmp.h: No such file or directory\n\
                \x20  22 | #include <gmp.h>\n      |          ^~~~~~~\ncompilation terminated.\nmake: *** [<builtin>: src/pmpz.o] Error 1\n";
    Fate {
        detail: "gmp.h",
        log: Some(("build.log", text.to_owned(), 2)),
        ..Fate::new(Phase::Build, Reason::MissingHeader)
    }
}

pub(super) fn crashes() -> Fate {
    let text = "ok 1         - install                                    31 ms\nnot ok 2     - versioning                                 88 ms\n\
                # (test process exited with exit code 2)\nserver closed the connection unexpectedly\n1..2\n# 1 of 2 tests failed.\n";
    Fate {
        detail: "signal 11 in versioning",
        flags: &[Flag::Crash],
        log: Some(("installcheck.log", text.to_owned(), 4)),
        tests: tests(1, &["versioning"]),
        circumstances: scene::crashed(),
        ..Fate::new(Phase::Installcheck, Reason::ServerCrashed)
    }
}

/// Nobody has agreed yet.
pub(super) fn hangs() -> Fate {
    Fate {
        detail: "installcheck: 600 s",
        flags: &[Flag::Timeout],
        unconfirmed: true,
        ..Fate::new(Phase::Installcheck, Reason::TimedOut)
    }
}

const DIFFS: &str = "diff -U3 /sandbox/src/test/expected/coltap.out /sandbox/src/results/coltap.out\n\
--- /sandbox/src/test/expected/coltap.out\t2026-11-20 21:41:02.000000000 +0000\n\
+++ /sandbox/src/results/coltap.out\t2026-11-20 21:41:09.320000000 +0000\n\
@@ -12,10 +12,10 @@\n\x20-- has_column with a type\n SELECT has_column('sometab', 'name', 'column exists');\n\
\x20        has_column         \n ----------------------------\n-ok 4 - column exists\n+not ok 4 - column exists\n+# Failed test 4: \"column exists\"\n (1 row)\n \n\
-SELECT finish();\n+ERROR:  type \"regtypes\" does not exist\n+LINE 1: SELECT 'name'::regtypes;\n+                       ^\n";

pub(super) fn tests_fail() -> Fate {
    let text = "# using postmaster on Unix socket, default port\nok 1         - aretap                                    214 ms\n\
                ok 2         - check                                     98 ms\nnot ok 3     - coltap                                    131 ms\n\
                ok 4         - do_tap                                    40 ms\n1..4\n# 1 of 4 tests failed.\n";
    Fate {
        detail: "coltap",
        log: Some(("installcheck.log", text.to_owned(), 4)),
        diffs: Some(DIFFS),
        tests: tests(11, &["coltap"]),
        ..Fate::new(Phase::Installcheck, Reason::TestsFailed)
    }
}

pub(super) fn passing_log(phase: Phase) -> String {
    format!("$ {phase}\n\x1b[32mok\x1b[0m nothing to complain about\n")
}
