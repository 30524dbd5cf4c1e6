use super::*;
use crate::circumstances::Crash;
use crate::phase::Outcome;
use crate::record::{FileKind, Suite, TestOutcome};

pub(crate) fn report() -> Report {
    let now = Timestamp::from_millis(1_700_000_000_000);
    Report {
        run_id: RunId::new(now),
        verdict: Verdict::new(Phase::Build, Reason::CompileError),
        phases: vec![PhaseRecord {
            phase: Phase::Build,
            outcome: Outcome::Failed,
            reason: Some(Reason::CompileError),
            exit: Some(2),
            signal: None,
            duration_ms: 10,
            cpu_ms: None,
            peak_memory_bytes: None,
            command: "make all".into(),
            log: Some("build.log".into()),
        }],
        tests: Vec::new(),
        files: vec![FileRecord {
            name: "build.log".into(),
            kind: FileKind::Log,
            sha256: "0".repeat(64),
            bytes: 1,
            omitted_bytes: 0,
        }],
        archive: None,
        image: None,
        runner: RunnerFacts {
            version: "0.1.0".into(),
            kernel: String::new(),
            engine: String::new(),
            cpus: 2.0,
            memory_bytes: 0,
        },
        notes: Vec::new(),
        circumstances: Circumstances::default(),
        overhead: Overhead::default(),
        started_at: now,
        finished_at: now,
    }
}

#[test]
fn a_sound_report_is_taken_and_survives_the_wire() {
    let report = report();
    report.check().unwrap();
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

#[test]
fn a_file_name_cannot_climb() {
    for name in ["../x", "a/b", "", ".hidden", "a b"] {
        let mut report = report();
        report.files[0].name = name.into();
        report.phases[0].log = None;
        assert!(report.check().is_err(), "{name:?}");
    }
}

#[test]
fn a_backtrace_that_was_not_uploaded_cannot_be_named() {
    let mut report = report();
    let file = Some("backtrace.txt".to_owned());
    let (process, query) = (String::new(), String::new());
    report.circumstances.crashes =
        vec![Crash { phase: Phase::Installcheck, process, signal: 11, query, frames: Vec::new(), file }];
    assert!(report.check().unwrap_err().why.contains("`backtrace.txt`"));
}

#[test]
fn whatever_follows_from_what_was_tested_is_cut_until_it_is_taken() {
    let mut report = report();
    let sound = report.clone();
    report.fit();
    assert_eq!(report, sound, "nothing is cut where all fits");
    let long = || "é".repeat(5_000);
    report.phases[0].command = long();
    report.verdict.detail = long();
    report.notes = vec![long(); 70];
    report.circumstances.provided.preload = (0..312).map(|number| format!("library{number}")).collect();
    report.circumstances.provided.settings.insert("a".into(), long());
    report.circumstances.provided.why = vec![long()];
    report.files.clear();
    report.fit();
    report.check().unwrap();
    assert!(report.phases[0].command.ends_with('…') && report.phases[0].command.len() > 4_000);
    assert_eq!(report.phases[0].log, None);
    report.notes.clear();
    report.circumstances.provided.preload.resize(312, "x".into());
    report.fit();
    assert_eq!(report.notes, ["Of 312 libraries to preload the first 200 are listed."]);
}

#[test]
fn circumstances_are_bounded() {
    let mut report = report();
    report.circumstances.provided.packages = vec!["libical-dev".into(); 201];
    assert_eq!(report.check().unwrap_err().why, "it has 201 packages, at most 200 are taken");
    report.circumstances.provided.packages = vec!["x".repeat(5_000)];
    assert!(report.check().unwrap_err().why.contains("longer than 4096 bytes"));
}

#[test]
fn a_log_that_was_not_uploaded_cannot_be_named() {
    let mut report = report();
    report.files.clear();
    let error = report.check().unwrap_err();
    assert_eq!(error.to_string(), "the report is not acceptable: it names `build.log`, which is not one of its files");
}

#[test]
fn a_verdict_that_its_phase_cannot_have_is_refused() {
    let mut report = report();
    report.verdict = Verdict::new(Phase::Fetch, Reason::TestsPassed);
    let why = report.check().unwrap_err().why;
    assert_eq!(why, "its verdict is `tests-passed`, which cannot be found in the phase fetch");
}

#[test]
fn a_flood_of_tests_is_refused() {
    let mut report = report();
    let test = TestRecord { suite: Suite::Regress, name: "t".into(), outcome: TestOutcome::Passed, duration_ms: None };
    report.tests = vec![test; MAX_TESTS + 1];
    assert!(report.check().unwrap_err().why.contains("20001 tests"));
}

#[test]
fn two_files_of_one_name_are_refused() {
    let mut report = report();
    report.files.push(report.files[0].clone());
    assert_eq!(report.check().unwrap_err().why, "it has two files `build.log`");
}

#[test]
fn no_text_may_be_longer_than_its_bound() {
    let long = || "x".repeat(MAX_TEXT + 1);
    let decisive = |text| Some(Decisive { file: "build.log".into(), line: 1, text });
    let archive = |sha256| Some(ArchiveFacts { sha1: String::new(), sha256, bytes: 1 });
    let cases: [fn(&mut Report, String); 4] = [
        |report, text| report.verdict.detail = text,
        |report, text| report.runner.kernel = text,
        |report, text| report.files[0].sha256 = text,
        |report, text| report.phases[0].command = text,
    ];
    for change in cases {
        let mut report = report();
        change(&mut report, "x".repeat(MAX_TEXT));
        report.check().unwrap();
        change(&mut report, long());
        assert!(report.check().unwrap_err().why.contains("longer than 4096 bytes"));
    }
    let report_of = |text: &str| Report {
        verdict: Verdict { decisive: decisive(text.to_owned()), ..report().verdict },
        ..report()
    };
    for report in [report_of(&long()), Report { archive: archive(long()), ..report() }] {
        assert!(report.check().unwrap_err().why.contains("longer than 4096 bytes"));
    }
    report_of(&"é".repeat(500)).check().unwrap();
    for text in [&"é".repeat(501), "a\tb", "\u{1b}[31m"] {
        assert!(report_of(text).check().unwrap_err().why.contains("the line that decided"), "{text:?}");
    }
}
