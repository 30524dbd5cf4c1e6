use std::collections::BTreeSet;

use protocol::{RunId, RunnerFacts, Timestamp, Verdict};

use super::*;
use crate::event::Events;

mod real;

const LIBRARY: &str = "/usr/lib/postgresql/17/lib/crashy.so";
const LOG: &str = "\
2026-11-21 01:04:37.000 UTC [17] LOG:  database system is ready to accept connections
2026-11-21 01:04:37.366 UTC [17] LOG:  server process (PID 222) was terminated by signal 11: Segmentation fault
2026-11-21 01:04:37.366 UTC [17] DETAIL:  Failed process was running: select crashy($$null$$)
2026-11-21 01:04:41.134 UTC [17] LOG:  background worker \"crashy worker\" (PID 355) was terminated by signal 11: Segmentation fault
";

fn dump(pid: u32) -> Dump {
    Dump::read(pid, include_bytes!("dumps/null-pointer-on-17"))
}

fn trace() -> Trace {
    Trace::read(&format!(
        "pgxn-library own {LIBRARY}\n0x00000000000012c0: follow at /sandbox/src/crashy.c:15\n\
         0x00000000000015b4: crashy at /sandbox/src/crashy.c:22\n"
    ))
}

fn crashes(log: &str, dumps: Vec<Dump>, earlier: &[u32]) -> Crashes {
    let file = LogFile { name: "server.log", bytes: log.as_bytes() };
    Crashes::of(faults(file), dumps, &trace(), &earlier.iter().copied().collect(), Some(file))
}

fn reported(looks: &[(Phase, Crashes)]) -> crate::run::Completed {
    let events = Events::unheard();
    let mut book = Book::new(&events, Timestamp::from_millis(0));
    let mut told = BTreeSet::new();
    for (phase, crashes) in looks {
        crashes.keep(*phase, &mut told, &mut book);
    }
    let runner = RunnerFacts {
        version: String::new(),
        kernel: String::new(),
        engine: String::new(),
        cpus: 1.0,
        memory_bytes: 0,
    };
    let verdict = Verdict::new(Phase::Installcheck, protocol::Reason::TestsPassed);
    let completed = book.complete(RunId::new(Timestamp::from_millis(0)), verdict, runner, Timestamp::from_millis(1));
    completed.report.check().unwrap();
    completed
}

#[test]
fn a_crash_is_told_with_its_process_its_query_its_frames_and_a_file() {
    let completed = reported(&[(Phase::Installcheck, crashes(LOG, vec![dump(222)], &[]))]);
    let [first, second] = &completed.report.circumstances.crashes[..] else { panic!("{:?}", completed.report) };
    assert_eq!((&*first.process, first.signal, &*first.query), ("client backend", 11, "select crashy($$null$$)"));
    assert_eq!(first.frames[..2], ["follow at crashy.c:15", "crashy at crashy.c:22"]);
    assert_eq!((&*second.process, &*second.query, second.frames.len()), ("crashy worker", "", 0));
    assert_eq!(completed.report.verdict.flags, [Flag::Crash]);
    let file = &completed.files[0];
    assert_eq!((file.record.kind, Some(&file.record.name)), (FileKind::Backtrace, first.file.as_ref()));
    let text = String::from_utf8(file.bytes()).unwrap();
    assert!(text.starts_with("client backend (PID 222) was terminated by signal 11: Segmentation fault\n"), "{text}");
    for part in
        ["It was running: select", "* #0   follow at crashy.c:15\n", "\n  #2   ", "is ready to accept connections\n"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_place_is_the_innermost_frame_of_the_distributions_own_library() {
    let sites = crashes(LOG, vec![dump(222)], &[]).sites();
    assert_eq!((sites[0].pid, &*sites[0].place), (222, "follow at crashy.c:15"));
    let aborted = Found {
        pid: 1,
        fault: None,
        dump: None,
        frames: [("gsignal in libc.so.6", false), ("abort in libc-2.31.so", false), ("errfinish in postgres", false)]
            .map(|(it, own)| (it.into(), own))
            .to_vec(),
        earlier: false,
        around: Vec::new(),
    };
    assert_eq!(aborted.place(), Some("errfinish in postgres"));
}

#[test]
fn a_crash_is_told_once_in_the_phase_in_which_it_happened() {
    let later = format!(
        "{LOG}2026-11-21 01:05:00 UTC [17] LOG:  server process (PID 500) was terminated by signal 4: Illegal instruction\n"
    );
    let looks = [
        (Phase::Installcheck, crashes(LOG, vec![dump(222)], &[222])),
        (Phase::Installcheck, crashes(&later, vec![dump(222)], &[222])),
    ];
    let completed = reported(&looks);
    let told: Vec<_> = completed.report.circumstances.crashes.iter().map(|it| (it.signal, it.phase)).collect();
    assert_eq!(told, [(11, Phase::Create), (11, Phase::Installcheck), (4, Phase::Installcheck)]);
    assert_eq!(completed.files.len(), 3);
}

#[test]
fn a_postmaster_of_which_no_log_tells_is_told_of() {
    let text = String::from_utf8_lossy(include_bytes!("dumps/null-pointer-on-17")).replace(
        "title postgres: postgres postgres [local] SELECT",
        "title /usr/lib/postgresql/17/bin/postgres -D /data/cluster",
    );
    let crashes = crashes("", vec![Dump::read(17, text.as_bytes())], &[]);
    assert!(crashes.sites()[0].postmaster);
    assert_eq!(reported(&[(Phase::Create, crashes)]).report.circumstances.crashes[0].process, "postmaster");
}

#[test]
fn a_function_that_calls_itself_is_told_of_once_with_how_often() {
    let frame = |text: &str| (text.to_owned(), true);
    let mut frames = vec![frame("down at src/x.c:7"); 500];
    frames.push(frame("main in postgres"));
    assert_eq!(told_of(&frames), ["down at src/x.c:7 (500 times)", "main in postgres"]);
    let many: Vec<_> = (0..500).map(|number| frame(&format!("f{number} at src/x.c:{number}"))).collect();
    assert_eq!(told_of(&many).len(), MAX_FRAMES);
}

#[test]
fn crashes_without_end_stay_within_a_reports_bounds() {
    let line = |pid| format!("LOG:  x{} (PID {pid}) was terminated by signal 11: y\n", "é".repeat(3_000));
    let log = (1..1_000).map(line).collect::<Vec<String>>().concat();
    let hostile = format!("title {}\nsignal 11\n{}", "\u{1b}".repeat(9_000), "from 0x1\n".repeat(2_000));
    let dumps = (1..100).map(|pid| Dump::read(pid, hostile.as_bytes())).collect();
    let completed = reported(&[(Phase::Installcheck, crashes(&log, dumps, &[]))]);
    assert_eq!(completed.report.circumstances.crashes.len(), MAX_CRASHES);
    completed.report.check().unwrap();
}
