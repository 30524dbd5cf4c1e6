//! A farm with one distribution, `pair`, whose releases pass and fail as a test wants, and a desk on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{
    ArchiveFacts, Channel, Circumstances, Decisive, FileKind, FileRecord, Grade, ImageFacts, JobId, ManualClock, Name,
    Overhead, Phase, Platform, Priority, Proof, Reason, Release, ReleaseId, Report, RunId, RunnerFacts, RunnerId,
    SourceKind, Status, Timestamp, Verdict,
};
use serde_json::{Value, json};
use store::confirm::Retries;
use store::jobs::{self, Answer, Claim, Plan};
use store::releases::{self, NewRelease};
use store::results::{self, Acceptance, Handed};
use store::runners::{self, NewRunner};
use store::runs::LeaseKey;
use store::{Store, TokenHash};
use tempfile::TempDir;

use crate::{Asked, Config, Desk, Form, Tick, tick};

const PUBLIC: &str = "https://testers.example.org/";

pub(crate) struct Farm {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) dir: TempDir,
    runner: RunnerId,
    meta: Value,
}

/// The database of a directory.
pub(crate) async fn open(dir: &Path) -> Store {
    Store::connect(&format!("sqlite://{}", dir.join("farm.db").display())).await.unwrap()
}

/// What an operator turned on: webhooks, also on this machine.
pub(crate) fn config() -> Config {
    Config { webhooks: true, loopback: true, ..Config::new(PUBLIC.parse().unwrap()) }
}

impl Farm {
    /// A farm whose releases have such resources in their META.json, and a release that passes.
    pub(crate) async fn new(resources: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_000_000_000)));
        let store = open(dir.path()).await;
        let runner = RunnerId::new(Timestamp::from_millis(0));
        let mut tx = store.begin().await.unwrap();
        let token = TokenHash::of("runner");
        runners::add(&mut tx, &NewRunner { id: runner, name: "attic", token: &token }, now(&clock)).await.unwrap();
        tx.commit().await.unwrap();
        let meta = json!({ "name": "pair", "maintainer": ["Theory <theory@example.com>"], "resources": resources });
        let farm = Self { store, clock, dir, runner, meta };
        farm.verdict("1.0.0", Reason::TestsPassed).await;
        farm
    }

    pub(crate) fn now(&self) -> Timestamp {
        now(&self.clock)
    }

    pub(crate) fn wait(&self, minutes: u64) {
        self.clock.advance(Duration::from_mins(minutes));
    }

    pub(crate) fn desk(&self, config: Config) -> Desk {
        Desk::open(self.store.clone(), self.clock.clone(), config, self.dir.path()).unwrap()
    }

    /// Tells whoever is owed something until nobody is.
    pub(crate) async fn tell(&self, desk: &Desk) {
        while tick(desk, self.now()).await.unwrap() == Tick::Worked {
            self.clock.advance(Duration::from_secs(1));
        }
    }

    /// A release that ends so on PostgreSQL 17; a failure is confirmed.
    pub(crate) async fn verdict(&self, version: &str, reason: Reason) {
        self.plan(version, "pg17-amd64").await;
        self.result("pg17-amd64", reason).await;
        if reason.grade() == Grade::Fail {
            self.result("pg17-amd64", reason).await;
        }
    }

    /// Wants a release to be tested.
    pub(crate) async fn plan(&self, version: &str, on: &str) {
        let release = Release {
            dist: "pair".parse().unwrap(),
            version: version.parse().unwrap(),
            status: Status::Stable,
            user: "theory".parse().unwrap(),
            sha1: "0123456789abcdef0123456789abcdef01234567".into(),
            released_at: self.now(),
        };
        let owner: Name = "theory".parse().unwrap();
        let mut tx = self.store.begin().await.unwrap();
        let new = NewRelease { release: &release, summary: "A pair", meta: &self.meta };
        let id = releases::insert(&mut tx, ReleaseId::new(self.now()), &new, self.now()).await.unwrap().id();
        let (target, priority) = (on.parse().unwrap(), Priority::NewRelease);
        let plan = Plan { release_id: id, target, priority, owner: &owner, max_attempts: 3 };
        jobs::plan(&mut tx, JobId::new(self.now()), &plan, self.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Wants a version to be tested again.
    pub(crate) async fn again(&self, version: &str) {
        let (dist, version) = ("pair".parse().unwrap(), version.parse().unwrap());
        let wish = jobs::Requeue { dist: &dist, version: Some(&version), target: None, priority: Priority::Asked };
        let mut tx = self.store.begin().await.unwrap();
        jobs::requeue(&mut tx, &wish, self.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// One result of what waits on a target.
    pub(crate) async fn result(&self, on: &str, reason: Reason) {
        self.clock.advance(Duration::from_secs(1));
        let token = TokenHash::of("lease");
        let targets = [on.parse().unwrap()];
        let claim = Claim {
            runner_id: self.runner,
            targets: &targets,
            run_id: RunId::new(self.now()),
            token: &token,
            chosen: false,
            lease: Duration::from_mins(5),
        };
        let mut tx = self.store.begin().await.unwrap();
        let answers = jobs::claim(&mut tx, &[claim], self.now()).await.unwrap();
        let [Answer::Job(claimed)] = answers.as_slice() else { panic!("{answers:?}") };
        let key = LeaseKey { run_id: claimed.run_id, runner_id: self.runner, token: &token };
        let mut report = report(claimed.run_id, reason, self.now());
        if let Some(image) = &mut report.image {
            image.postgresql = format!("{}.11", claimed.target.major);
        }
        let handed = Handed { key, report: &report, seal: None };
        let accepted = results::accept(&mut tx, &[handed], Retries::default(), self.now()).await.unwrap();
        assert_eq!(accepted[0].acceptance, Acceptance::Accepted);
        tx.commit().await.unwrap();
    }

    /// A subscription by webhook, proved by the file that `receiver` serves; its token.
    pub(crate) async fn subscribed(&self, desk: &Desk, receiver: &super::receiver::Receiver) -> String {
        let form = Form {
            dist: "pair".into(),
            channel: Channel::Webhook,
            proof: Proof::File,
            address: receiver.address("/hook?key=secret"),
            mail: String::new(),
        };
        let Asked::Prove(wish) = desk.ask(&form).await.unwrap() else { panic!("it is proved by a file") };
        receiver.prove(&desk.proving(&wish).await.unwrap().code);
        desk.confirm(&wish).await.unwrap()
    }
}

fn now(clock: &ManualClock) -> Timestamp {
    protocol::Clock::now(clock)
}

fn report(run_id: RunId, reason: Reason, now: Timestamp) -> Report {
    let phase = if reason.is_possible_in(Phase::Installcheck) {
        Phase::Installcheck
    } else {
        Phase::ALL.into_iter().find(|phase| reason.is_possible_in(*phase)).unwrap()
    };
    let decisive = Decisive { file: "x.log".into(), line: 1, text: "ERROR:  `@everyone` | <script>".into() };
    Report {
        run_id,
        verdict: Verdict { phase, reason, flags: Vec::new(), detail: String::new(), decisive: Some(decisive) },
        phases: Vec::new(),
        tests: Vec::new(),
        files: vec![FileRecord {
            name: "x.log".into(),
            kind: FileKind::Log,
            sha256: "ab".repeat(32),
            bytes: 9,
            omitted_bytes: 0,
        }],
        archive: Some(ArchiveFacts {
            sha1: "0123456789abcdef0123456789abcdef01234567".into(),
            sha256: "cd".repeat(32),
            bytes: 99,
        }),
        image: Some(ImageFacts {
            tag: "pgxn-testers/pg17-amd64".into(),
            digest: "sha256:ef".into(),
            recipe: "0a".into(),
            source: SourceKind::Debian,
            suite: "trixie".into(),
            postgresql: "17.11".into(),
            postgresql_full: "PostgreSQL 17.11 (Debian)".into(),
            platform: Platform::Amd64,
            emulated: false,
        }),
        runner: RunnerFacts {
            version: "0.1.0".into(),
            kernel: "Linux 6.12.0".into(),
            engine: "Docker 20.10.24".into(),
            cpus: 1.5,
            memory_bytes: 1 << 30,
        },
        notes: Vec::new(),
        circumstances: Circumstances::default(),
        overhead: Overhead::default(),
        started_at: now,
        finished_at: now,
    }
}
