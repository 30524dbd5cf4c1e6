//! What the tests of the reports stand on.

use protocol::{
    Circumstances, Decisive, FileRecord, Outcome, Overhead, Phase, PhaseRecord, Reason, Report, RunnerFacts, Suite,
    TestOutcome, TestRecord, Timestamp, Verdict,
};
use runner::StoredFile;

use super::*;

pub(super) fn subject() -> report::Subject {
    report::Subject { name: "pair 1.0.0".into(), dir: None }
}

/// A test that failed, with such a detail in its verdict, which is in its differences too.
pub(super) fn failing(detail: &str) -> Cell {
    let diffs = format!(
        "--- /sandbox/src/test/expected/pair.out\t2026-11-20\n+++ /sandbox/src/results/pair.out\n@@ -11,3 +11,3 @@\n one\n-two\n+three\n {detail}\n"
    );
    let kind = FileKind::Diffs;
    let bytes = diffs.len() as u64;
    let record = FileRecord { name: "regression.diffs".into(), kind, sha256: "00".repeat(32), bytes, omitted_bytes: 0 };
    let zstd = zstd::encode_all(diffs.as_bytes(), 1).unwrap();
    let decisive = Decisive { file: "installcheck.log".into(), line: 3, text: detail.into() };
    let test =
        |name: &str, outcome| TestRecord { suite: Suite::Regress, name: name.into(), outcome, duration_ms: Some(12) };
    let phase = PhaseRecord {
        phase: Phase::Installcheck,
        outcome: Outcome::Failed,
        reason: Some(Reason::TestsFailed),
        exit: Some(2),
        signal: None,
        duration_ms: 1_000,
        cpu_ms: None,
        peak_memory_bytes: None,
        command: "make installcheck".into(),
        log: None,
    };
    let runner = RunnerFacts {
        version: "0.1.0".into(),
        kernel: "Linux".into(),
        engine: "Docker".into(),
        cpus: 1.0,
        memory_bytes: 1,
    };
    let report = Report {
        run_id: RunId::new(Timestamp::from_millis(0)),
        verdict: Verdict {
            decisive: Some(decisive),
            ..Verdict::new(Phase::Installcheck, Reason::TestsFailed).with_detail(detail)
        },
        phases: vec![phase],
        tests: vec![test("base", TestOutcome::Passed), test(detail, TestOutcome::Failed)],
        files: vec![record.clone()],
        archive: None,
        image: None,
        runner,
        notes: Vec::new(),
        circumstances: Circumstances::default(),
        overhead: Overhead::default(),
        started_at: Timestamp::from_millis(0),
        finished_at: Timestamp::from_millis(1_000),
    };
    let files = vec![StoredFile { record, zstd }];
    Cell { target: "pg17-amd64".parse().unwrap(), completed: Completed { report, files } }
}
