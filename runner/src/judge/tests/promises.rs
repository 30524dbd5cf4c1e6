//! What holds for every log, whoever wrote it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use protocol::{Phase, Reason};

use crate::judge::{Evidence, Limit, LogFile, Server, Setting, judge, parse_tests};

const PHASES: [Phase; 5] = [Phase::Configure, Phase::Build, Phase::Install, Phase::Create, Phase::Installcheck];

/// Pieces of real logs, so that random logs meet every branch.
const PIECES: &[&str] = &[
    "make: *** [Makefile:3: all] Error 127",
    "make: nc: No such file or directory",
    "\x1b[31m",
    "\r",
    "\t",
    "x.c:1:2: error: ",
    "x.c:1:2: fatal error: a/b.h: No such file or directory",
    "ok 1         - a    12 ms",
    "not ok 2     + b   3 ms",
    "1..99999",
    "test a ... ok",
    "test b ... FAILED",
    "t/1.pl .. ",
    "t/1.pl .. ok",
    "Dubious, test returned 1",
    "ok",
    "not ok 3 - c # TODO",
    "ok 4 # SKIP",
    "ERROR:  extension \"x\" is not available",
    "+ERROR:  x",
    "DETAIL:  y",
    "diff -U3 /e/expected/b.out /r/results/b.out",
    "/usr/bin/ld: cannot find -lx",
    "configure: error: no x",
    "LOG:  server process (PID 1) was terminated by signal 11: x",
    "No rule to make target 'installcheck'.  Stop.",
    "é€😀",
];

fn log() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..40),
        6 => Just(b"\n".to_vec()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn setting_parts() -> (Vec<String>, Vec<String>, BTreeSet<String>) {
    (vec!["a.c".into(), "a.control".into()], vec!["a".into()], ["plpgsql".into()].into())
}

proptest! {
    #[test]
    fn no_log_makes_the_judge_panic_or_point_beside_its_lines(
        texts in (log(), log(), log()),
        phase in prop::sample::select(&PHASES[..]),
        exit in prop::option::of(0..3i32),
        ended in (any::<bool>(), any::<bool>(), prop::option::of(prop::sample::select(&[Limit::Time, Limit::Silence][..]))),
        server in prop::sample::select(&[Server::Running, Server::NotStarted, Server::Gone][..]),
    ) {
        let (files, provides, shipped) = setting_parts();
        let setting = Setting::new(17.try_into().unwrap(), &files, &provides, &shipped);
        let named = [("x.log", &texts.0), ("server.log", &texts.1), ("regression.diffs", &texts.2)];
        let [log, server_log, diffs] = named.map(|(name, bytes)| LogFile { name, bytes });
        let evidence = Evidence {
            exit, signal: exit.is_none().then_some(9), limit: ended.2, out_of_memory: ended.0, out_of_space: ended.1, server,
            server_log: Some(server_log), diffs: vec![diffs], ..Evidence::ended(&setting, phase, 0, log)
        };
        let finding = judge(&evidence);
        let verdict = finding.verdict.as_ref();
        prop_assert_eq!(verdict.is_none(), evidence.succeeded() && phase != Phase::Installcheck);
        let Some(verdict) = verdict else { return Ok(()) };
        prop_assert!(verdict.detail.chars().count() <= 300 && !verdict.detail.contains(char::is_control));
        if verdict.reason == Reason::TestsPassed {
            prop_assert!(evidence.succeeded() || parse_tests(&texts.0).iter().all(|test| test.outcome != protocol::TestOutcome::Failed));
        }
        if let Some(decisive) = &verdict.decisive {
            let (_, bytes) = named.iter().find(|(name, _)| *name == decisive.file).unwrap();
            let count = bytes.split(|byte| *byte == b'\n').count() as u64;
            prop_assert!((1..=count).contains(&decisive.line), "line {} of {count}", decisive.line);
            prop_assert!(decisive.text.chars().count() <= 500 && !decisive.text.contains(char::is_control));
        }
    }
}

/// What five megabytes of one kind may cost, with tests not optimised and the machine busy.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

#[test]
fn five_megabytes_of_anything_are_judged_in_good_time() {
    let (files, provides, shipped) = setting_parts();
    let setting = Setting::new(17.try_into().unwrap(), &files, &provides, &shipped);
    let repeated = |piece: &str| piece.repeat(5_000_000 / piece.len());
    let logs = [
        repeated("a"),
        repeated("\n"),
        repeated("x.c:1:2: error: y\n"),
        repeated("ok 1 - a\n"),
        repeated("t/a.pl .. \n"),
        repeated("make: "),
        repeated("ERROR:  extension \n"),
        repeated("'''\"\"\"((("),
    ];
    for log in &logs {
        let began = std::time::Instant::now();
        let log = LogFile { name: "installcheck.log", bytes: log.as_bytes() };
        let mut evidence = Evidence::ended(&setting, Phase::Installcheck, 2, log);
        evidence.diffs = vec![log];
        evidence.server_log = Some(log);
        let finding = judge(&evidence);
        assert!(finding.tests.len() <= 10_000);
        assert!(began.elapsed() < PATIENCE, "{:?} for {:?}", began.elapsed(), &log.bytes[..20]);
    }
}
