//! The report of a run that ended with some fate.

use std::time::Duration;

use bytes::Bytes;
use protocol::{
    Decisive, FileKind, FileRecord, Outcome, Overhead, Phase, PhaseRecord, Reason, Report, RunId, RunnerFacts, Target,
    Timestamp, Verdict,
};

use super::fate::{Fate, passing_log};
use super::{Builder, scene};

impl Builder {
    async fn file(&mut self, run: RunId, name: &str, kind: FileKind, text: &str) -> FileRecord {
        let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
        let blob = self.blobs.put(run, name, Bytes::from(zstd)).await.unwrap();
        FileRecord { name: name.into(), kind, sha256: blob.sha256, bytes: blob.bytes, omitted_bytes: 0 }
    }

    pub(super) async fn report(&mut self, run_id: RunId, target: &str, fate: Fate, at: Timestamp) -> Report {
        let mut verdict = Verdict::new(fate.phase, fate.reason).with_detail(fate.detail);
        verdict.flags = fate.flags.to_vec();
        let mut files = Vec::new();
        let default_log = (log_name(fate.phase), passing_log(fate.phase), 0);
        let (name, text, line) = fate.log.unwrap_or(default_log);
        files.push(self.file(run_id, name, FileKind::Log, &text).await);
        if line > 0 {
            let at = usize::try_from(line).unwrap() - 1;
            let found = text.lines().nth(at).unwrap();
            let plain = ["\x1b[01;31m\x1b[K", "\x1b[01m\x1b[K", "\x1b[m\x1b[K"]
                .iter()
                .fold(found.to_owned(), |it, code| it.replace(code, ""));
            verdict.decisive = Some(Decisive { file: name.into(), line, text: plain });
        }
        if fate.phase != Phase::Build {
            files.push(self.file(run_id, "build.log", FileKind::Log, &passing_log(Phase::Build)).await);
        }
        if let Some(diffs) = fate.diffs {
            files.push(self.file(run_id, "regression.diffs", FileKind::Diffs, diffs).await);
        }
        let packages = if fate.old_image { scene::OLD_PACKAGES } else { scene::PACKAGES };
        files.push(self.file(run_id, "packages.txt", FileKind::Packages, packages).await);
        if fate.circumstances.crashes.iter().any(|crash| crash.file.is_some()) {
            files.push(self.file(run_id, scene::BACKTRACE, FileKind::Backtrace, scene::FRAMES).await);
        }
        let mut phases = phases(fate.phase, fate.reason, name);
        if !fate.circumstances.warnings.is_empty() {
            phases.extend(scene::lanes());
        }
        let total: u64 = phases.iter().map(|phase| phase.duration_ms).sum();
        Report {
            run_id,
            verdict,
            phases,
            tests: fate.tests,
            files,
            archive: Some(protocol::ArchiveFacts { sha1: "0".repeat(40), sha256: "3f".repeat(32), bytes: 184_320 }),
            image: Some(image(target, fate.old_image)),
            runner: RunnerFacts {
                version: "0.1.0".into(),
                kernel: "Linux 6.12.48".into(),
                engine: "Docker 28.5.1".into(),
                cpus: 2.0,
                memory_bytes: 4_000_000_000,
            },
            notes: vec!["LLVM bitcode was not built (with_llvm=no).".into()],
            circumstances: fate.circumstances,
            overhead: Overhead {
                start_ms: 214,
                server_ms: 166,
                copy_in_ms: 12,
                exec_ms: 74,
                copy_out_ms: 9,
                cleanup_ms: 120,
            },
            started_at: at,
            finished_at: at.plus(Duration::from_millis(total + 600)),
        }
    }
}

fn image(target: &str, old: bool) -> protocol::ImageFacts {
    let target: Target = target.parse().unwrap();
    let minor = u8::from(!old);
    let version = if target.major.number() == 19 { "19beta1".to_owned() } else { format!("{}.{minor}", target.major) };
    protocol::ImageFacts {
        tag: format!("pgxn-testers:{target}-trixie"),
        digest: format!("sha256:{}", if old { "77ab" } else { "9c4e" }.repeat(16)),
        recipe: "b1946ac92492d234".into(),
        source: protocol::SourceKind::Pgdg,
        suite: "trixie".into(),
        postgresql_full: format!("PostgreSQL {version} (Debian {version}-1.pgdg13+1)"),
        postgresql: version,
        platform: target.platform,
        emulated: false,
    }
}

fn log_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Installcheck => "installcheck.log",
        Phase::Create => "create.log",
        Phase::Fetch | Phase::Dependencies => "dependencies.log",
        _ => "build.log",
    }
}

fn phases(decisive: Phase, reason: Reason, log: &str) -> Vec<PhaseRecord> {
    let all = [
        (Phase::Fetch, 84, ""),
        (Phase::Verify, 3, ""),
        (Phase::Unpack, 21, ""),
        (Phase::Metadata, 2, ""),
        (Phase::Dependencies, 0, ""),
        (Phase::Configure, 0, ""),
        (Phase::Build, 4_210, "make all"),
        (Phase::Install, 380, "make install"),
        (Phase::Create, 96, "psql -c 'CREATE EXTENSION pgtap'"),
        (Phase::Installcheck, 6_930, "make installcheck"),
    ];
    let failed = !matches!(reason, Reason::TestsPassed | Reason::NoTests);
    let record = |(phase, duration_ms, command): (Phase, u64, &str)| {
        let is_it = phase == decisive && failed;
        let skipped = duration_ms == 0 && !is_it;
        PhaseRecord {
            phase,
            outcome: match (is_it, skipped) {
                (true, _) => Outcome::Failed,
                (false, true) => Outcome::Skipped,
                (false, false) => Outcome::Passed,
            },
            reason: is_it.then_some(reason),
            exit: (!command.is_empty()).then_some(if is_it { 2 } else { 0 }),
            signal: None,
            duration_ms,
            cpu_ms: (!command.is_empty()).then_some(duration_ms * 9 / 10),
            peak_memory_bytes: (!command.is_empty()).then_some(84_000_000 + duration_ms * 9_000),
            command: command.into(),
            log: (phase == decisive && !command.is_empty()).then(|| log.to_owned()),
        }
    };
    all.into_iter().filter(|(phase, ..)| *phase <= decisive).map(record).collect()
}
