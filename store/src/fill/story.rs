//! How a run of a release on a target ended, as a report of it would tell: most pass, some have no tests, some break on newer majors until a release
//! mends that, some lack something, and a few fail everywhere.

use protocol::{
    ArchiveFacts, Circumstances, Decisive, FileKind, ImageFacts, Outcome, Overhead, Phase, PhaseRecord, Reason, Report,
    RunId, RunnerFacts, SourceKind, Suite, Target, TestOutcome, TestRecord, Timestamp, Verdict,
};

use super::present::FLAKY;
use super::{Dice, Subject};

/// A report, and the logs that it may keep.
pub(super) struct Story {
    pub(super) report: Report,
    pub(super) logs: Vec<(String, FileKind, String)>,
}

/// What PostgreSQL takes away, and what extensions that used it then say.
const BREAKS: [&str; 12] = [
    "error: too few arguments to function ‘index_open’",
    "error: implicit declaration of function ‘heap_open’",
    "error: unknown type name ‘TupleDesc1’",
    "error: ‘HeapTupleHeader’ has no member named ‘t_oid’",
    "error: ‘struct FormData_pg_attribute’ has no member named ‘attcacheoff’",
    "fatal error: utils/tqual.h: No such file or directory",
    "fatal error: nodes/relation.h: No such file or directory",
    "error: too many arguments to function ‘ExecInitExtraTupleSlot’",
    "error: ‘ALLOCSET_DEFAULT_MINSIZE’ undeclared (first use in this function)",
    "error: conflicting types for ‘pg_snprintf’",
    "error: incompatible types when assigning to type ‘Datum’ from type ‘NullableDatum’",
    "error: static assertion failed: \"sizeof(Datum) == 8\"",
];
const HEADERS: [&str; 6] = ["gmp.h", "libxml/parser.h", "curl/curl.h", "proj.h", "zmq.h", "hiredis/hiredis.h"];
const TESTS: [&str; 24] = [
    "install",
    "basic",
    "types",
    "operators",
    "functions",
    "cast",
    "index",
    "gist",
    "gin",
    "hash",
    "aggregate",
    "window",
    "json",
    "array",
    "null",
    "errors",
    "security",
    "privileges",
    "upgrade",
    "parallel",
    "partition",
    "trigger",
    "planner",
    "large",
];

/// The story of a release on a target, which is the same each time it is told.
pub(super) fn tell(seed: u64, subject: &Subject, target: Target, run: RunId, accepted_at: Timestamp) -> Story {
    let mut dice = Dice::of(seed, &format!("{} {} {target}", subject.dist, subject.version));
    let report = report(seed, (subject, target, run), accepted_at, &mut dice);
    let logs = logs(&report.verdict, &report.tests, &mut dice);
    Story { report, logs }
}

/// The report alone; it names logs that nobody has.
pub(super) fn report(
    seed: u64,
    (subject, target, run): (&Subject, Target, RunId),
    accepted_at: Timestamp,
    dice: &mut Dice,
) -> Report {
    let verdict = verdict(seed, subject, target, dice);
    let started_at =
        Timestamp::from_millis(accepted_at.as_millis() - 20_000 - i64::try_from(dice.below(90_000)).unwrap_or(0));
    let tests = if verdict.phase == Phase::Installcheck { tests(&verdict, dice) } else { Vec::new() };
    Report {
        run_id: run,
        phases: phases(&verdict, dice),
        tests,
        files: Vec::new(),
        archive: Some(ArchiveFacts {
            sha1: subject.sha1.clone(),
            sha256: subject.sha1.repeat(2)[..64].into(),
            bytes: 20_000 + dice.below(900_000),
        }),
        image: (verdict.phase > Phase::Metadata).then(|| image(target)),
        runner: RunnerFacts {
            version: "0.1.0".into(),
            kernel: "Linux 6.12.0".into(),
            engine: "Docker 20.10.24".into(),
            cpus: 2.0,
            memory_bytes: 3 << 30,
        },
        notes: Vec::new(),
        circumstances: Circumstances::default(),
        overhead: Overhead {
            start_ms: 180 + dice.below(90),
            server_ms: 800 + dice.below(300),
            cleanup_ms: 90,
            ..Overhead::default()
        },
        started_at,
        finished_at: accepted_at,
        verdict,
    }
}

/// How it ends: by what kind of distribution it is, and what chance adds.
fn verdict(seed: u64, subject: &Subject, target: Target, dice: &mut Dice) -> Verdict {
    let mut nature = Dice::of(seed, subject.dist.as_str());
    let (kind, breaks_on, since) = (nature.below(100), 15 + nature.below(5), nature.below(6));
    let (line, header, test) = (*nature.one(&BREAKS), *nature.one(&HEADERS), *nature.one(&TESTS));
    let breaks = u64::from(target.major.number()) >= breaks_on && subject.age as u64 >= since;
    match kind {
        0..=9 => Verdict::new(Phase::Installcheck, Reason::NoTests),
        10..=24 if breaks => at_line(
            Verdict::new(Phase::Build, Reason::CompileError),
            "build.log",
            &format!("src/{}.c:214:18: {line}", subject.dist),
        ),
        25..=32 if breaks || dice.percent(2) => {
            let verdict = Verdict::new(Phase::Installcheck, Reason::TestsFailed).with_detail(test);
            at_line(
                verdict,
                "installcheck.log",
                &format!("not ok 2     - {test}                                 88 ms"),
            )
        }
        33..=36 => {
            let verdict = Verdict::new(Phase::Build, Reason::MissingHeader).with_detail(header);
            at_line(
                verdict,
                "build.log",
                &format!("src/main.c:22:10: fatal error: {header}: No such file or directory"),
            )
        }
        37..=38 => Verdict::new(Phase::Dependencies, Reason::PrerequisiteFailed).with_detail("semver"),
        39..=41 if target.major.number() < 16 => Verdict::new(Phase::Metadata, Reason::PostgresUnsupported),
        _ => {
            let flags = if dice.percent(1) { FLAKY.to_vec() } else { Vec::new() };
            Verdict { flags, ..Verdict::new(Phase::Installcheck, Reason::TestsPassed) }
        }
    }
}

fn at_line(verdict: Verdict, file: &str, text: &str) -> Verdict {
    Verdict { decisive: Some(Decisive { file: file.into(), line: 4, text: text.into() }), ..verdict }
}

fn image(target: Target) -> ImageFacts {
    ImageFacts {
        tag: format!("pgxn-testers/{target}"),
        digest: format!("sha256:{}", "0123456789abcdef".repeat(4)),
        recipe: "0a1b2c3d".into(),
        source: SourceKind::Debian,
        suite: "trixie".into(),
        postgresql: format!("{}.4", target.major),
        postgresql_full: format!("PostgreSQL {}.4 (Debian {}.4-1)", target.major, target.major),
        platform: target.platform,
        emulated: false,
    }
}

fn phases(verdict: &Verdict, dice: &mut Dice) -> Vec<PhaseRecord> {
    let ran = Phase::ALL.into_iter().filter(|phase| *phase <= verdict.phase && *phase != Phase::Configure);
    let fails = verdict.decisive.is_some();
    let one = |phase: Phase| {
        let failed = fails && phase == verdict.phase;
        let (command, log, most) = match phase {
            Phase::Build => ("make all", Some("build.log"), 30_000),
            Phase::Install => ("make install", None, 900),
            Phase::Create => ("CREATE EXTENSION", None, 400),
            Phase::Installcheck => ("make installcheck", Some("installcheck.log"), 20_000),
            _ => ("", None, 700),
        };
        let duration_ms = 40 + dice.below(most);
        PhaseRecord {
            phase,
            outcome: if failed { Outcome::Failed } else { Outcome::Passed },
            reason: failed.then_some(verdict.reason),
            exit: (!command.is_empty()).then_some(if failed { 2 } else { 0 }),
            signal: None,
            duration_ms,
            cpu_ms: Some(duration_ms / 2),
            peak_memory_bytes: Some(40_000_000 + dice.below(400_000_000)),
            command: command.into(),
            log: log.map(str::to_owned),
        }
    };
    ran.map(one).collect()
}

fn tests(verdict: &Verdict, dice: &mut Dice) -> Vec<TestRecord> {
    if verdict.reason == Reason::NoTests {
        return Vec::new();
    }
    let count = 2 + usize::try_from(dice.below(TESTS.len() as u64 - 2)).unwrap_or(0);
    let test = |name: &&str| {
        let outcome = if **name == verdict.detail { TestOutcome::Failed } else { TestOutcome::Passed };
        TestRecord { suite: Suite::Regress, name: (**name).into(), outcome, duration_ms: Some(8 + dice.below(400)) }
    };
    TESTS.iter().take(count).map(test).collect()
}

fn logs(verdict: &Verdict, tests: &[TestRecord], dice: &mut Dice) -> Vec<(String, FileKind, String)> {
    let decisive =
        |file: &str| verdict.decisive.as_ref().filter(|line| line.file == file).map(|line| line.text.as_str());
    let mut logs = Vec::new();
    if verdict.phase >= Phase::Build {
        let gcc = |number| {
            format!(
                "gcc -Wall -Wmissing-prototypes -O2 -g -fPIC -I. -I/usr/include/postgresql/server -c -o src/part{number}.o src/part{number}.c\n"
            )
        };
        let mut lines: Vec<String> = (0..20 + dice.below(1_500)).map(gcc).collect();
        if let Some(text) = decisive("build.log") {
            lines.insert(3, format!("{text}\n"));
        }
        logs.push(("build.log".to_owned(), FileKind::Log, lines.concat()));
    }
    if verdict.phase == Phase::Installcheck {
        let line = |(number, test): (usize, &TestRecord)| {
            format!("ok {}     - {:<36} {} ms\n", number + 1, test.name, test.duration_ms.unwrap_or(0))
        };
        let mut lines: Vec<String> = tests.iter().enumerate().map(line).collect();
        lines.insert(0, "# using postmaster on Unix socket, default port\n".to_owned());
        if let Some(text) = decisive("installcheck.log") {
            lines.resize(lines.len().max(3), "\n".to_owned());
            lines.insert(3, format!("{text}\n"));
        }
        logs.push(("installcheck.log".to_owned(), FileKind::Log, lines.concat()));
    }
    logs
}
