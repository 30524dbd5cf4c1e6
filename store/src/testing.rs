//! What the tests stand on: both engines, and a farm with releases, jobs, runners and reports.

use std::time::Duration;

use protocol::{
    ArchiveFacts, Circumstances, Decisive, FileKind, FileRecord, Flag, ImageFacts, JobId, Name, Origin, Outcome,
    Overhead, Phase, PhaseRecord, Platform, Prerequisite, Priority, Provided, Reason, Release, ReleaseId, Report,
    RunId, RunnerFacts, RunnerId, SourceKind, Status, Suite, Target, TestOutcome, TestRecord, Timestamp, Verdict,
    Version, Warning,
};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use crate::confirm::Retries;
use crate::jobs::{Answer, Claim, Claimed, Plan};
use crate::releases::NewRelease;
use crate::results::{self, Acceptance, Handed};
use crate::runners::NewRunner;
use crate::runs::LeaseKey;
use crate::{Conn, Store, TokenHash, Tx, jobs, releases, runners};

/// How long the leases of these tests last.
pub(crate) const LEASE: Duration = Duration::from_mins(5);

/// Runs a test on a new SQLite database and on a new PostgreSQL database.
pub(crate) async fn on_both(test: impl AsyncFn(Store)) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::connect(&sqlite_url(&dir)).await.unwrap();
    test(store.clone()).await;
    store.close().await;

    let (url, name) = new_postgres_database().await;
    let store = Store::connect(&url).await.unwrap();
    test(store.clone()).await;
    store.close().await;
    postgres_admin(&format!("DROP DATABASE {name}")).await;
}

/// The address of a database file in a directory.
pub(crate) fn sqlite_url(dir: &tempfile::TempDir) -> String {
    format!("sqlite://{}", dir.path().join("farm.db").display())
}

/// Makes an empty database, and returns its address and its name.
pub(crate) async fn new_postgres_database() -> (String, String) {
    let name = format!("farm_{:032x}", rand_id());
    postgres_admin(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    let mut url = url::Url::parse(&postgres_server()).unwrap();
    url.set_path(&name);
    (url.to_string(), name)
}

fn rand_id() -> u128 {
    let id = RunId::new(Timestamp::from_millis(0)).to_string();
    id.bytes().fold(0, |sum, byte| sum.wrapping_mul(37).wrapping_add(u128::from(byte)))
}

#[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read at this one place")]
fn postgres_server() -> String {
    std::env::var("FARM_TEST_POSTGRES").expect(
        "this test needs a PostgreSQL server: run it by `scripts/with-postgres cargo test -p store`, or name one in FARM_TEST_POSTGRES",
    )
}

async fn postgres_admin(sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&postgres_server()).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

/// Runs a statement of a test on whichever engine.
pub(crate) async fn run_sql(conn: &mut Conn, sql: &'static str) {
    conn.raw().execute(sql).await.unwrap();
}

/// How an engine goes about a query, in its own words, whatever the size of its tables.
pub(crate) async fn explain(conn: &mut Conn, sql: &str) -> String {
    let is_sqlite = conn.raw().backend_name() == "SQLite";
    if !is_sqlite {
        // A table of a few rows is read as a whole, be there whatever index; a query that can only be answered so still is.
        run_sql(conn, "SET enable_seqscan = off").await;
        run_sql(conn, "SET enable_bitmapscan = off").await;
    }
    let explained = if is_sqlite { format!("EXPLAIN QUERY PLAN {sql}") } else { format!("EXPLAIN {sql}") };
    let rows = conn.raw().fetch_all(AssertSqlSafe(explained)).await.unwrap();
    let line = |row: &sqlx::any::AnyRow| row.get::<String, _>(if is_sqlite { "detail" } else { "QUERY PLAN" });
    let plan: Vec<String> = rows.iter().map(line).collect();
    plan.join("\n")
}

/// The steps of a plan that read a whole table or index, which a part of the query itself is not.
pub(crate) fn full_scans(plan: &str) -> Vec<&str> {
    let parts = plan.lines().filter_map(|line| line.strip_prefix("CO-ROUTINE ").or(line.strip_prefix("MATERIALIZE ")));
    let parts: Vec<&str> = parts.collect();
    let is_full = |line: &&str| {
        // A list of values in the query is no table.
        if line.ends_with("VALUES CLAUSE") {
            return false;
        }
        let scanned = line.strip_prefix("SCAN ").map(|scanned| scanned.split(' ').next().unwrap_or_default());
        line.contains("Seq Scan") || scanned.is_some_and(|scanned| !parts.contains(&scanned))
    };
    plan.lines().filter(is_full).collect()
}

/// That many minutes after some evening in 2026.
pub(crate) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + minutes * 60_000)
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub(crate) fn target(text: &str) -> Target {
    text.parse().unwrap()
}

/// A stable release by `theory`.
pub(crate) fn release(dist: &str, text: &str) -> Release {
    Release {
        dist: name(dist),
        version: version(text),
        status: Status::Stable,
        user: name("theory"),
        sha1: "0123456789abcdef0123456789abcdef01234567".into(),
        released_at: at(-10),
    }
}

/// Stores a release in a transaction of its own.
pub(crate) async fn insert(store: &Store, release: &Release) -> releases::Inserted {
    let mut tx = store.begin().await.unwrap();
    let meta = serde_json::json!({ "name": release.dist.as_str() });
    let new = NewRelease { release, summary: "A pair", meta: &meta };
    let inserted = releases::insert(&mut tx, ReleaseId::new(at(0)), &new, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    inserted
}

pub(crate) fn plan_for<'a>(release_id: ReleaseId, on: &str, owner: &'a Name) -> Plan<'a> {
    Plan { release_id, target: target(on), priority: Priority::NewRelease, owner, max_attempts: 3 }
}

/// Plans a job of a release on a target, by whoever is named, as of `now`.
pub(crate) async fn plan(store: &Store, release_id: ReleaseId, on: &str, owner: &str, now: Timestamp) -> JobId {
    let owner = name(owner);
    plan_as(store, &plan_for(release_id, on, &owner), now).await
}

pub(crate) async fn plan_as(store: &Store, plan: &Plan<'_>, now: Timestamp) -> JobId {
    let mut tx = store.begin().await.unwrap();
    let planned = jobs::plan(&mut tx, JobId::new(now), plan, now).await.unwrap();
    tx.commit().await.unwrap();
    let (jobs::Planned::New(id) | jobs::Planned::Requeued(id) | jobs::Planned::Known(id)) = planned;
    id
}

/// A release `pair 1.0.0` with a job on `pg17-amd64`.
pub(crate) async fn pair(store: &Store) -> (ReleaseId, JobId) {
    let id = insert(store, &release("pair", "1.0.0")).await.id();
    (id, plan(store, id, "pg17-amd64", "theory", at(0)).await)
}

pub(crate) async fn runner(store: &Store, called: &str) -> RunnerId {
    let mut tx = store.begin().await.unwrap();
    let id = RunnerId::new(at(0));
    let token = TokenHash::of(called);
    assert!(runners::add(&mut tx, &NewRunner { id, name: called, token: &token }, at(0)).await.unwrap());
    tx.commit().await.unwrap();
    id
}

/// The token of every lease of these tests.
pub(crate) fn token() -> TokenHash {
    TokenHash::of("the token of a lease")
}

/// Claims a job in a transaction of its own.
pub(crate) async fn claim(store: &Store, runner_id: RunnerId, targets: &[&str], now: Timestamp) -> Option<Claimed> {
    let targets: Vec<Target> = targets.iter().map(|text| target(text)).collect();
    let token = token();
    let claim =
        Claim { runner_id, targets: &targets, run_id: RunId::new(now), token: &token, chosen: false, lease: LEASE };
    let mut tx = store.begin().await.unwrap();
    let claimed = claim_in(&mut tx, &claim, now).await;
    tx.commit().await.unwrap();
    claimed
}

/// The answer to one claim.
pub(crate) async fn claim_in(tx: &mut Tx, claim: &Claim<'_>, now: Timestamp) -> Option<Claimed> {
    match jobs::claim(tx, &[*claim], now).await.unwrap().pop().unwrap() {
        Answer::Job(claimed) | Answer::Before(claimed) => Some(claimed),
        Answer::Nothing | Answer::Over => None,
    }
}

pub(crate) fn key<'a>(claimed: &Claimed, runner_id: RunnerId, token: &'a TokenHash) -> LeaseKey<'a> {
    LeaseKey { run_id: claimed.run_id, runner_id, token }
}

/// A report with every part that a report can have.
pub(crate) fn report(claimed: &Claimed, reason: Reason) -> Report {
    Report {
        run_id: claimed.run_id,
        verdict: Verdict {
            phase: phase_of(reason),
            reason,
            flags: vec![Flag::Warnings, Flag::Crash],
            detail: "1 of 2 tests".into(),
            decisive: Some(Decisive { file: "installcheck.log".into(), line: 7, text: "not ok 2 - pair".into() }),
        },
        phases: vec![phase(Phase::Build, Outcome::Passed), phase(Phase::Installcheck, Outcome::Failed)],
        tests: vec![test("base", TestOutcome::Passed), test("pair", TestOutcome::Failed)],
        files: vec![FileRecord {
            name: "installcheck.log".into(),
            kind: FileKind::Log,
            sha256: "ab".repeat(32),
            bytes: 1_234,
            omitted_bytes: 5,
        }],
        archive: Some(ArchiveFacts { sha1: claimed.release.sha1.clone(), sha256: "cd".repeat(32), bytes: 99 }),
        image: Some(image(claimed.target)),
        runner: RunnerFacts {
            version: "0.1.0".into(),
            kernel: "Linux 6.12.0".into(),
            engine: "Docker 20.10.24".into(),
            cpus: 1.5,
            memory_bytes: 1 << 30,
        },
        notes: vec!["bitcode off".into()],
        circumstances: circumstances(),
        overhead: Overhead { start_ms: 210, cleanup_ms: 90, ..Overhead::default() },
        started_at: at(1),
        finished_at: at(2),
    }
}

/// Installcheck, where a run can end there for that reason.
fn phase_of(reason: Reason) -> Phase {
    let mut phases = [Phase::Installcheck].into_iter().chain(Phase::ALL);
    phases.find(|phase| reason.is_possible_in(*phase)).unwrap()
}

fn circumstances() -> Circumstances {
    Circumstances {
        warnings: vec![Warning { phase: Phase::Uninstall, text: "`pair.control` is left behind.".into() }],
        prerequisites: vec![Prerequisite {
            wanted: "hstore".into(),
            range: "0".into(),
            dist: None,
            version: None,
            sha1: None,
            origin: Origin::Server,
        }],
        provided: Provided { preload: vec!["pair".into()], ..Provided::default() },
        ..Circumstances::default()
    }
}

fn image(target: Target) -> ImageFacts {
    ImageFacts {
        tag: format!("pgxn-testers/{target}"),
        digest: "sha256:ef".into(),
        recipe: "0a".into(),
        source: SourceKind::Debian,
        suite: "trixie".into(),
        postgresql: format!("{}.11", target.major),
        postgresql_full: format!("PostgreSQL {}.11 (Debian)", target.major),
        platform: Platform::Amd64,
        emulated: false,
    }
}

fn phase(phase: Phase, outcome: Outcome) -> PhaseRecord {
    let failed = outcome == Outcome::Failed;
    PhaseRecord {
        phase,
        outcome,
        reason: failed.then_some(Reason::TestsFailed),
        exit: Some(if failed { 2 } else { 0 }),
        signal: failed.then_some(-9),
        duration_ms: 1_500,
        cpu_ms: Some(1_200),
        peak_memory_bytes: Some(64 << 20),
        command: "make installcheck".into(),
        log: failed.then(|| "installcheck.log".into()),
    }
}

fn test(name: &str, outcome: TestOutcome) -> TestRecord {
    TestRecord { suite: Suite::Regress, name: name.into(), outcome, duration_ms: Some(12) }
}

/// A verdict on `pair`, at a minute: a result as it stands, so that a failure is confirmed at once, by the same runner. Returns the first run.
pub(crate) async fn verdict(store: &Store, runner: RunnerId, of: &str, reason: Reason, minute: i64) -> RunId {
    let id = insert(store, &release("pair", of)).await.id();
    plan(store, id, "pg17-amd64", "theory", at(minute)).await;
    let first = one_result(store, runner, reason, minute).await;
    if reason.grade() == protocol::Grade::Fail {
        one_result(store, runner, reason, minute).await;
    }
    first
}

/// One result of whatever waits first on `pg17-amd64`.
pub(crate) async fn one_result(store: &Store, runner: RunnerId, reason: Reason, minute: i64) -> RunId {
    let claimed = claim(store, runner, &["pg17-amd64"], at(minute)).await.unwrap();
    let token = token();
    let mut report = report(&claimed, reason);
    report.verdict.flags.clear();
    accept(store, &key(&claimed, runner, &token), &report, at(minute)).await;
    claimed.run_id
}

/// One result of whatever waits first on a target, as [`report`] has it.
pub(crate) async fn judge(store: &Store, runner: RunnerId, on: &str, reason: Reason, minute: i64) -> RunId {
    let claimed = claim(store, runner, &[on], at(minute)).await.unwrap();
    let (token, report) = (token(), report(&claimed, reason));
    accept(store, &key(&claimed, runner, &token), &report, at(minute)).await;
    claimed.run_id
}

/// Hands in one report, unsigned.
pub(crate) async fn accept_one(
    tx: &mut Tx,
    key: &LeaseKey<'_>,
    report: &Report,
    retries: Retries,
    now: Timestamp,
) -> crate::Result<Acceptance> {
    let handed = Handed { key: *key, report, seal: None };
    Ok(results::accept(tx, &[handed], retries, now).await?.pop().unwrap().acceptance)
}

async fn accept(store: &Store, key: &LeaseKey<'_>, report: &Report, now: Timestamp) {
    let mut tx = store.begin().await.unwrap();
    let retries = crate::confirm::Retries::default();
    let accepted = crate::testing::accept_one(&mut tx, key, report, retries, now).await.unwrap();
    assert_eq!(accepted, crate::results::Acceptance::Accepted);
    tx.commit().await.unwrap();
}

/// Every row that claims and reports write, but the number of the turn, as words in order.
pub(crate) async fn dump(conn: &mut Conn) -> Vec<String> {
    const TABLES: [&str; 19] = [
        "jobs",
        "lanes",
        "runs",
        "results",
        "phases",
        "tests",
        "files",
        "avoidances",
        "opinions",
        "symptoms",
        "symptom_cells",
        "daily_results",
        "daily_phases",
        "daily_queue",
        "turns",
        "deliveries",
        "signatures",
        "runners",
        "counters WHERE name <> 'turn'",
    ];
    let mut all = Vec::new();
    for table in TABLES {
        let sql = AssertSqlSafe(format!("SELECT * FROM {table}"));
        let rows = sqlx::query(sql).fetch_all(conn.raw()).await.unwrap();
        let mut rows: Vec<String> = rows.iter().map(|row| format!("{table}: {:?}", words(row))).collect();
        rows.sort();
        all.extend(rows);
    }
    all
}

fn words(row: &sqlx::any::AnyRow) -> Vec<String> {
    let word = |at: usize| match row.try_get::<Option<String>, _>(at) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("{:?}", row.get::<Option<i64>, _>(at)),
    };
    (0..row.columns().len()).map(word).collect()
}
