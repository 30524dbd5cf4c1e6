//! Limits of whole runs, and what is read of control groups of either version.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use protocol::{FileKind, Flag, Phase, Reason};

use super::whole::{fixture, run_source, site};
use crate::run::collect::note;
use crate::run::{Completed, Source};

#[tokio::test]
async fn a_run_has_a_limit_beside_that_of_its_phases_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(dir.path()).await;
    site.limits.run = Duration::from_secs(12);
    let (Completed { report, .. }, _) = run_source(&site, Source::Directory(fixture("talks-forever"))).await;
    assert_eq!((report.verdict.phase, report.verdict.reason), (Phase::Build, Reason::TimedOut));
    assert!(report.verdict.flags.contains(&Flag::Timeout));
    assert!(report.notes.iter().any(|note| note.ends_with("after 12 s, the limit of a run.")), "{:?}", report.notes);
    let limits = report.circumstances.limits.unwrap();
    assert_eq!((limits.memory_bytes, limits.run_ms, limits.phase_ms), (1 << 30, 12_000, 900_000));
}

#[tokio::test]
async fn a_log_keeps_its_head_and_its_tail_in_the_size_that_is_set_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(dir.path()).await;
    site.limits.log_bytes = 100_000;
    let (Completed { report, files }, _) = run_source(&site, Source::Directory(fixture("floods-the-log"))).await;
    let log = files.iter().find(|file| file.record.name == "build.log").unwrap();
    assert_eq!(log.record.kind, FileKind::Log);
    assert!(log.record.bytes <= 100_100 && log.record.omitted_bytes > 290_000_000, "{:?}", log.record);
    let text = String::from_utf8(log.bytes()).unwrap();
    let (head, tail) = text.split_once("bytes are left out here\n").unwrap();
    assert!(head.len() > 49_000 && tail.len() > 49_000, "{} and {}", head.len(), tail.len());
    assert_eq!(report.circumstances.limits.map(|limits| limits.log_bytes), Some(100_000));
}

/// Files of a control group, and the script with them in place of the container's own.
fn with_cgroup(files: &[(&str, &str)], script: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let script = script.replace("/sys/fs/cgroup", dir.path().to_str().unwrap());
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What `images/bin/phase` says that a command cost, before it runs one.
fn cost(files: &[(&str, &str)]) -> String {
    let phase = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/bin/phase")).unwrap();
    let functions = phase.split("\nuntil ").next().unwrap();
    with_cgroup(files, &format!("{functions}\necho $(cpu_usec) $(peak_bytes)"))
}

/// How many processes a phase would note that the kernel had killed for memory.
fn killed(files: &[(&str, &str)]) -> String {
    with_cgroup(files, &note().replace(">/run/pgxn-killed", ""))
}

/// `cpu.stat` is of a real group of version 2; `memory.peak` and `memory.events` are as the kernel's documentation has them.
const V2: &[(&str, &str)] = &[
    ("cpu.stat", "usage_usec 5271017949\nuser_usec 3428602038\nsystem_usec 1842415910\nnice_usec 0\n"),
    ("memory.current", "81788928\n"),
    ("memory.peak", "137363456\n"),
    ("memory.events", "low 0\nhigh 0\nmax 154\noom 3\noom_kill 2\noom_group_kill 0\n"),
];
const V1: &[(&str, &str)] = &[
    ("cpuacct/cpuacct.usage", "5271017949000\n"),
    ("memory/memory.max_usage_in_bytes", "137363456\n"),
    ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
];

/// Writes a distribution whose targets do this.
fn distribution(dir: &Path, makefile: &str) -> Source {
    let source = dir.join("source");
    std::fs::create_dir(&source).unwrap();
    let meta = r#"{"name": "eats", "version": "1.0.0", "provides": {"eats": {"file": "eats", "version": "1.0.0"}}}"#;
    std::fs::write(source.join("META.json"), meta).unwrap();
    std::fs::write(source.join("Makefile"), makefile).unwrap();
    Source::Directory(source)
}

/// Takes memory until the kernel kills it, which does not make make fail.
const EAT: &str = "-python3 -c 'x = bytearray(2 << 30)'";

#[tokio::test]
async fn a_failure_is_not_explained_by_what_an_earlier_phase_had_no_memory_for_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(&dir.path().join("data")).await;
    let makefile = format!("all:\n\t{EAT}\ninstall:\ninstallcheck:\n\t@echo no; exit 7\n");
    let report = run_source(&site, distribution(dir.path(), &makefile)).await.0.report;
    assert_eq!((report.verdict.phase, report.verdict.reason), (Phase::Installcheck, Reason::TestsBroken));
    let build = report.phases.iter().find(|record| record.phase == Phase::Build).unwrap();
    assert!(build.peak_memory_bytes.unwrap() > 900 << 20, "the kernel had to kill it: {build:?}");
}

#[tokio::test]
async fn what_only_parallel_jobs_had_no_memory_for_does_not_explain_why_one_job_fails_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let site = site(&dir.path().join("data")).await;
    let eats = "python3 -c 'x = bytearray(2 << 30)'";
    let makefile = format!(
        "all:\n\t@case '$(MAKEFLAGS)' in *--jobserver*) {eats};; *) echo 'a.c:1:2: error: no'; exit 1;; esac\n"
    );
    let report = run_source(&site, distribution(dir.path(), &makefile)).await.0.report;
    assert_eq!((report.verdict.phase, report.verdict.reason), (Phase::Build, Reason::CompileError));
    assert!(report.verdict.decisive.unwrap().text.starts_with("a.c:1:2"));
}

#[test]
fn both_versions_of_control_groups_say_what_a_phase_cost() {
    assert_eq!(cost(V2), "5271017949 137363456\n");
    assert_eq!(cost(V1), "5271017949 137363456\n");
    let before_5_19: Vec<_> = V2.iter().copied().filter(|(name, _)| *name != "memory.peak").collect();
    assert_eq!(cost(&before_5_19), "5271017949 0\n", "kernels before 5.19 know no peak");
    assert_eq!(cost(&[]), "0 0\n");
}

#[test]
fn both_versions_of_control_groups_say_what_was_killed_for_memory() {
    assert_eq!((killed(V2).as_str(), killed(V1).as_str(), killed(&[]).as_str()), ("2\n", "2\n", "0\n"));
}
