//! A believable farm in a real store: distributions of several fates, every grade, running, waiting and lost runs, and a hostile one.
//!
//! Shared by the gallery and the tests of pages. Ids and times are fixed, so that pages can be compared.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use protocol::{
    Decisive, FileKind, FileRecord, Flag, JobId, Name, Outcome, Overhead, Phase, PhaseRecord, Priority, Reason,
    Release, ReleaseId, Report, RunId, RunnerFacts, RunnerId, Status, Suite, Target, TestOutcome, TestRecord,
    Timestamp, Verdict,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::jobs::{self, Claim, Plan, Settlement};
use store::registry::{Newest, Poll};
use store::results::Acceptance;
use store::runs::LeaseKey;
use store::{Blobs, Store, TokenHash, broken, registry, releases, results, runners, runs};

/// The farm's time: 2026-11-20T22:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);
/// The registry that it watches.
pub(crate) const REGISTRY: &str = "http://127.0.0.1:8081/";

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;
const LEASE: Duration = Duration::from_mins(5);

/// Builds the farm in a directory.
pub(crate) async fn build(directory: &Path) -> (Store, Blobs) {
    let store = Store::connect(&format!("sqlite://{}/farm.db", directory.display())).await.unwrap();
    let blobs = Blobs::open(directory.join("blobs").to_str().unwrap()).unwrap();
    let mut builder = Builder { store, blobs, ids: 0, clock: before(40 * MINUTE) };
    builder.runners().await;
    builder.finished().await;
    builder.unfinished().await;
    builder.registry().await;
    (builder.store, builder.blobs)
}

/// The moment that many seconds before now.
pub(crate) fn before(seconds: u64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - i64::try_from(seconds * 1000).unwrap())
}

struct Builder {
    store: Store,
    blobs: Blobs,
    ids: u64,
    clock: Timestamp,
}

/// What a run ends with.
struct Fate {
    phase: Phase,
    reason: Reason,
    detail: &'static str,
    flags: &'static [Flag],
    /// The log of the decisive phase, and the decisive line in it.
    log: Option<(&'static str, String, u64)>,
    diffs: Option<&'static str>,
    tests: Vec<TestRecord>,
}

impl Fate {
    fn new(phase: Phase, reason: Reason) -> Self {
        Self { phase, reason, detail: "", flags: &[], log: None, diffs: None, tests: Vec::new() }
    }
}

impl Builder {
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("01KAJ{:021}", self.ids)
    }

    async fn runners(&mut self) {
        let mut tx = self.store.begin().await.unwrap();
        for (number, name, seen) in [(1, "helios", 12), (2, "pi-in-the-attic", 40), (3, "basement", 5 * DAY)] {
            let id: RunnerId = format!("01KAH{number:021}").parse().unwrap();
            let token = TokenHash::of(name);
            runners::add(&mut tx, &runners::NewRunner { id, name, token: &token }, before(9 * DAY)).await.unwrap();
            let platform = if number == 2 { "arm64" } else { "amd64" };
            let targets: Vec<Target> =
                (13..=19).map(|major| format!("pg{major}-{platform}").parse().unwrap()).collect();
            runners::touch(&mut tx, id, "0.1.0", &targets, before(seen)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn release(&mut self, dist: &str, version: &str, summary: &str, age: u64) -> (ReleaseId, Release) {
        let release = Release {
            dist: dist.parse().unwrap(),
            version: version.parse().unwrap(),
            status: if version.contains('-') { Status::Testing } else { Status::Stable },
            user: owner(dist),
            sha1: hex::encode(&Sha256::digest(format!("{dist} {version}"))[..20]),
            released_at: before(age),
        };
        let id = self.id().parse().unwrap();
        let meta = json!({
            "name": dist, "version": version, "abstract": summary, "license": "postgresql",
            "maintainer": ["David E. Wheeler <david@example.com>"],
            "provides": { (dist.to_lowercase()): { "file": "sql/x.sql", "version": version } },
            "tags": ["testing", "unit testing", "tap"],
            "resources": {
                "homepage": "https://pgxn.example.org/", "bugtracker": { "web": "javascript:alert(1)" },
                "repository": { "web": "https://github.com/example/x", "type": "git" },
            },
        });
        let mut tx = self.store.begin().await.unwrap();
        let new = releases::NewRelease { release: &release, summary, meta: &meta };
        releases::insert(&mut tx, id, &new, before(age)).await.unwrap();
        tx.commit().await.unwrap();
        (id, release)
    }

    async fn plan(&mut self, release: &(ReleaseId, Release), target: &str, priority: Priority, at: Timestamp) -> JobId {
        let id = self.id().parse().unwrap();
        let target = target.parse().unwrap();
        let plan = Plan { release_id: release.0, target, priority, owner: &release.1.user, max_attempts: 3 };
        let mut tx = self.store.begin().await.unwrap();
        jobs::plan(&mut tx, id, &plan, at).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Claims the one job that waits for a target.
    async fn claim(&mut self, target: &str, at: Timestamp) -> (RunId, RunnerId, TokenHash) {
        let number = if target.ends_with("arm64") { 2 } else { 1 };
        let runner_id: RunnerId = format!("01KAH{number:021}").parse().unwrap();
        let run_id: RunId = self.id().parse().unwrap();
        let token = TokenHash::of(&run_id.to_string());
        let targets = [target.parse().unwrap()];
        let mut tx = self.store.begin().await.unwrap();
        let claim = Claim { runner_id, targets: &targets, run_id, token: &token, lease: LEASE };
        jobs::claim(&mut tx, &claim, at).await.unwrap().expect("a job waits");
        tx.commit().await.unwrap();
        (run_id, runner_id, token)
    }

    /// Runs a release on a target to its end.
    async fn run(&mut self, release: &(ReleaseId, Release), target: &str, fate: Fate) -> RunId {
        self.clock = self.clock.plus(Duration::from_secs(9));
        let at = self.clock;
        self.plan(release, target, Priority::NewRelease, at).await;
        let (run_id, runner_id, token) = self.claim(target, at).await;
        let mut report = self.report(run_id, target, fate, at).await;
        report.archive.as_mut().unwrap().sha1.clone_from(&release.1.sha1);
        let key = LeaseKey { run_id, runner_id, token: &token };
        let mut tx = self.store.begin().await.unwrap();
        let accepted = results::accept(&mut tx, &key, &report, report.finished_at).await.unwrap();
        assert_eq!(accepted, Acceptance::Accepted);
        tx.commit().await.unwrap();
        run_id
    }

    async fn file(&mut self, run: RunId, name: &str, kind: FileKind, text: &str) -> FileRecord {
        let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
        let blob = self.blobs.put(run, name, Bytes::from(zstd)).await.unwrap();
        FileRecord { name: name.into(), kind, sha256: blob.sha256, bytes: blob.bytes, omitted_bytes: 0 }
    }

    async fn report(&mut self, run_id: RunId, target: &str, fate: Fate, at: Timestamp) -> Report {
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
        files.push(self.file(run_id, "packages.txt", FileKind::Packages, "gcc 14.2.0-19\nlibc6 2.41-12\n").await);
        let phases = phases(fate.phase, fate.reason, name);
        let total: u64 = phases.iter().map(|phase| phase.duration_ms).sum();
        Report {
            run_id,
            verdict,
            phases,
            tests: fate.tests,
            files,
            archive: Some(protocol::ArchiveFacts { sha1: "0".repeat(40), sha256: "3f".repeat(32), bytes: 184_320 }),
            image: Some(image(target)),
            runner: RunnerFacts {
                version: "0.1.0".into(),
                kernel: "Linux 6.12.48".into(),
                engine: "Docker 28.5.1".into(),
                cpus: 2.0,
                memory_bytes: 4_000_000_000,
            },
            notes: vec!["LLVM bitcode was not built (with_llvm=no).".into()],
            circumstances: protocol::Circumstances::default(),
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

    async fn finished(&mut self) {
        self.pgtap().await;
        self.small_ones().await;
        self.unlucky_ones().await;
        self.hostile().await;
    }

    async fn pgtap(&mut self) {
        for (version, age) in [("1.3.1", 900), ("1.3.2", 700), ("1.3.3", 420), ("1.3.4", 2), ("1.4.0-b1", 1)] {
            let release = self.release("pgTAP", version, "Unit testing for PostgreSQL", age * DAY).await;
            for major in 14..=19 {
                let fate = match (version, major) {
                    ("1.3.3" | "1.3.4", 19) => compile_error(),
                    ("1.3.1", 18) => tests_fail(),
                    _ => passes(12),
                };
                self.run(&release, &format!("pg{major}-amd64"), fate).await;
            }
            if version == "1.3.4" {
                self.run(&release, "pg18-arm64", passes(12)).await;
                self.run(&release, "pg17-arm64", tests_fail()).await;
            }
        }
    }

    async fn small_ones(&mut self) {
        let semver = self.release("semver", "0.40.0", "A semantic version data type", 3 * DAY).await;
        let ip4r = self.release("ip4r", "2.4.2", "IPv4/v6 and IPv4/v6 range index type", 12 * DAY).await;
        let partman =
            self.release("pg_partman", "5.3.1", "Extension to manage partitioned tables by time or ID", 5 * DAY).await;
        for major in 15..=18 {
            let target = format!("pg{major}-amd64");
            self.run(&semver, &target, passes(7)).await;
            self.run(&ip4r, &target, passes(2)).await;
            let untested = Fate::new(Phase::Installcheck, Reason::NoTests);
            self.run(&partman, &target, untested).await;
        }
    }

    async fn unlucky_ones(&mut self) {
        let pgmp = self.release("pgmp", "1.0.5", "Multiple precision arithmetic for PostgreSQL", 8 * DAY).await;
        let topn = self.release("topn", "2.7.0", "Returns the top values in a database", 20 * DAY).await;
        let stats = self.release("pg_qualstats", "2.1.2", "A statistics collector for predicates", 30 * DAY).await;
        let crash = self.release("temporal_tables", "1.2.2", "Temporal tables for PostgreSQL", 33 * DAY).await;
        for major in [18, 17] {
            let target = format!("pg{major}-amd64");
            self.run(&pgmp, &target, missing_header()).await;
            let detail = "pgmp, which it needs, does not build on this target";
            self.run(&topn, &target, Fate { detail, ..Fate::new(Phase::Dependencies, Reason::PrerequisiteFailed) })
                .await;
            self.run(&stats, &target, Fate::new(Phase::Create, Reason::PreloadNeeded)).await;
            self.run(&crash, &target, crashes()).await;
        }
        let detail = "the daemon answered 500";
        self.run(&topn, "pg16-amd64", Fate { detail, ..Fate::new(Phase::Fetch, Reason::EngineFailed) }).await;
        self.settle(&pgmp, "pg15-amd64").await;
        let flags: &[Flag] = &[Flag::Unconfirmed, Flag::Timeout];
        let hangs = Fate { flags, detail: "installcheck: 600 s", ..Fate::new(Phase::Installcheck, Reason::TimedOut) };
        self.run(&stats, "pg16-amd64", hangs).await;
    }

    /// A verdict by META alone.
    async fn settle(&mut self, release: &(ReleaseId, Release), target: &str) {
        let (id, result_id): (JobId, RunId) = (self.id().parse().unwrap(), self.id().parse().unwrap());
        let verdict =
            Verdict::new(Phase::Metadata, Reason::PostgresUnsupported).with_detail("it asks for PostgreSQL >= 16.0.0");
        let target = target.parse().unwrap();
        let plan = Plan {
            release_id: release.0,
            target,
            priority: Priority::NewRelease,
            owner: &release.1.user,
            max_attempts: 3,
        };
        let mut tx = self.store.begin().await.unwrap();
        jobs::settle(&mut tx, id, &plan, &Settlement { result_id, verdict: &verdict }, self.clock).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn hostile(&mut self) {
        let summary = "\"><script>alert(1)</script> & friends";
        let release = self.release("<b>x'&\"", "1.0.0", summary, 40 * DAY).await;
        let text = format!(
            "plain\n\x1b[31mred <script>alert(2)</script>\x1b[0m\n\x1b]8;;javascript:alert(3)\x07click\x1b]8;;\x07\nnul \0 bell \x07\n{}\nbidi \u{202e}gnp.exe\nlast </pre><img src=x onerror=alert(4)>\n",
            "long ".repeat(4_000)
        );
        let lines = "cc -c file.c\n".repeat(4_100);
        let log = Some(("build.log", format!("{text}{lines}"), 7));
        let fate = Fate { log, detail: "<img src=x onerror=alert(5)>", ..Fate::new(Phase::Build, Reason::BuildFailed) };
        self.run(&release, "pg18-amd64", fate).await;
    }

    async fn unfinished(&mut self) {
        let hll = self.release("hll", "2.19.0", "Type for storing hyperloglog data", 55 * MINUTE).await;
        let orafce =
            self.release("orafce", "4.16.1", "Oracle's compatibility functions and packages", 40 * MINUTE).await;
        // A runner that was lost: its job waits again.
        self.plan(&hll, "pg16-amd64", Priority::NewRelease, before(20 * MINUTE)).await;
        self.claim("pg16-amd64", before(19 * MINUTE)).await;
        let mut tx = self.store.begin().await.unwrap();
        runs::expire(&mut tx, before(10 * MINUTE), 10).await.unwrap();
        tx.commit().await.unwrap();
        for (release, target, phase) in [(&hll, "pg18-amd64", Some(Phase::Installcheck)), (&orafce, "pg18-arm64", None)]
        {
            self.plan(release, target, Priority::NewRelease, before(150)).await;
            let (run_id, runner_id, token) = self.claim(target, before(94)).await;
            let key = LeaseKey { run_id, runner_id, token: &token };
            let mut tx = self.store.begin().await.unwrap();
            runs::renew(&mut tx, &key, phase, LEASE, before(8)).await.unwrap();
            tx.commit().await.unwrap();
        }
        for target in ["pg17-amd64", "pg15-amd64"] {
            self.plan(&hll, target, Priority::NewRelease, before(140)).await;
        }
        for major in 15..=18 {
            self.plan(&orafce, &format!("pg{major}-amd64"), Priority::NewRelease, before(130)).await;
        }
        let old = self.release("orafce", "4.16.0", "Oracle's compatibility functions and packages", 200 * DAY).await;
        for major in 15..=17 {
            self.plan(&old, &format!("pg{major}-amd64"), Priority::Backfill, before(120)).await;
        }
    }

    async fn registry(&mut self) {
        let url = REGISTRY.parse().unwrap();
        let newest =
            Newest { dist: name("orafce"), version: "4.16.1".parse().unwrap(), released_at: before(40 * MINUTE) };
        let mut tx = self.store.begin().await.unwrap();
        registry::polled(&mut tx, &url, &Poll { cursor: "", validators: "{}", newest: Some(&newest) }, before(21))
            .await
            .unwrap();
        let next_try_at = NOW.plus(Duration::from_mins(15));
        let reason = "Its META.json is not JSON: expected value at line 1 column 1.";
        let breakage = broken::Breakage { dist: "pg_shard", version: "1.2.9", reason, next_try_at };
        broken::record(&mut tx, &breakage, before(3_600)).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn owner(dist: &str) -> Name {
    name(match dist {
        "pgTAP" | "semver" => "theory",
        "orafce" => "okbob",
        "pg_partman" => "keithf4",
        _ => "citus",
    })
}

fn image(target: &str) -> protocol::ImageFacts {
    let target: Target = target.parse().unwrap();
    let version = if target.major.number() == 19 { "19beta1".to_owned() } else { format!("{}.1", target.major) };
    protocol::ImageFacts {
        tag: format!("pgxn-testers:{target}-trixie"),
        digest: format!("sha256:{}", "9c4e".repeat(16)),
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

fn tests(passed: usize, failed: &[&str]) -> Vec<TestRecord> {
    let test = |name: String, outcome| TestRecord { suite: Suite::Regress, name, outcome, duration_ms: Some(48) };
    let names = [
        "aretap", "check", "cmpok", "coltap", "do_tap", "enumtap", "functap", "hastap", "istap", "matching", "moretap",
        "pktap",
    ];
    let good = names.iter().take(passed).map(|name| test((*name).to_owned(), TestOutcome::Passed));
    good.chain(failed.iter().map(|name| test((*name).to_owned(), TestOutcome::Failed))).collect()
}

fn passes(number: usize) -> Fate {
    Fate { tests: tests(number, &[]), ..Fate::new(Phase::Installcheck, Reason::TestsPassed) }
}

fn compile_error() -> Fate {
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

fn missing_header() -> Fate {
    let text = "gcc -Wall -O2 -fPIC -c -o src/pmpz.o src/pmpz.c\nsrc/pmpz.h:22:10: fatal error: gmp.h: No such file or directory\n\
                \x20  22 | #include <gmp.h>\n      |          ^~~~~~~\ncompilation terminated.\nmake: *** [<builtin>: src/pmpz.o] Error 1\n";
    Fate {
        detail: "gmp.h",
        log: Some(("build.log", text.to_owned(), 2)),
        ..Fate::new(Phase::Build, Reason::MissingHeader)
    }
}

fn crashes() -> Fate {
    let text = "ok 1         - install                                    31 ms\nnot ok 2     - versioning                                 88 ms\n\
                # (test process exited with exit code 2)\nserver closed the connection unexpectedly\n1..2\n# 1 of 2 tests failed.\n";
    Fate {
        detail: "signal 11 in versioning",
        flags: &[Flag::Crash],
        log: Some(("installcheck.log", text.to_owned(), 4)),
        tests: tests(1, &["versioning"]),
        ..Fate::new(Phase::Installcheck, Reason::ServerCrashed)
    }
}

const DIFFS: &str = "diff -U3 /sandbox/src/test/expected/coltap.out /sandbox/src/results/coltap.out\n\
--- /sandbox/src/test/expected/coltap.out\t2026-11-20 21:41:02.000000000 +0000\n\
+++ /sandbox/src/results/coltap.out\t2026-11-20 21:41:09.320000000 +0000\n\
@@ -12,10 +12,10 @@\n\x20-- has_column with a type\n SELECT has_column('sometab', 'name', 'column exists');\n\
\x20        has_column         \n ----------------------------\n-ok 4 - column exists\n+not ok 4 - column exists\n+# Failed test 4: \"column exists\"\n (1 row)\n \n\
-SELECT finish();\n+ERROR:  type \"regtypes\" does not exist\n+LINE 1: SELECT 'name'::regtypes;\n+                       ^\n";

fn tests_fail() -> Fate {
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

fn passing_log(phase: Phase) -> String {
    format!("$ {phase}\n\x1b[32mok\x1b[0m nothing to complain about\n")
}
