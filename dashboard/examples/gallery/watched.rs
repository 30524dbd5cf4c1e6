//! A distribution that a maintainer watches: a subscription proved by a file on this machine, a failure that was told, and a fix that was not taken.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use notify::{Asked, Config, Desk, Form};
use protocol::{
    ArchiveFacts, Channel, Circumstances, Clock, Decisive, FileKind, FileRecord, ImageFacts, JobId, ManualClock,
    Overhead, Phase, Platform, Priority, Proof, Reason, Release, ReleaseId, Report, RunId, RunnerFacts, RunnerId,
    SourceKind, Status, Timestamp, Verdict,
};
use serde_json::json;
use store::confirm::Retries;
use store::jobs::{self, Answer, Claim, Plan};
use store::releases::{self, NewRelease};
use store::results::{self, Acceptance, Handed};
use store::runners::{self, NewRunner};
use store::runs::LeaseKey;
use store::{Store, TokenHash};
use tokio::task::JoinSet;

const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

/// What came of it.
pub(crate) struct Watched {
    /// The desk of the farm.
    pub(crate) desk: Desk,
    /// A wish that is not proved yet.
    pub(crate) wish: String,
    /// The subscription's token.
    pub(crate) token: String,
    _server: JoinSet<()>,
}

/// Lets a maintainer of `watched` subscribe, and its releases fail and pass.
pub(crate) async fn watch(store: &Store, dir: &Path, now: Timestamp, mail: Option<notify::Mail>) -> Watched {
    let code = Arc::<Mutex<(String, u32)>>::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/.well-known/pgxn-testers.toml", get(proof))
        .route("/hook", post(take))
        .with_state(code.clone());
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });

    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(now.as_millis() - 3_600_000)));
    let public = "https://testers.example.org/".parse().unwrap();
    let config = Config { webhooks: true, loopback: true, mail, ..Config::new(public) };
    let desk = Desk::open(store.clone(), clock.clone(), config, dir).unwrap();
    let farm =
        Farm { store, clock: clock.clone(), runners: [RunnerId::new(now), RunnerId::new(now)], home: home.clone() };
    farm.runner().await;
    farm.verdict("1.0.0", Reason::TestsPassed, 1).await;

    let (dist, mail) = ("watched".to_owned(), String::new());
    let hook = Form { dist, channel: Channel::Webhook, proof: Proof::File, address: format!("{home}hook"), mail };
    let Asked::Prove(wish) = desk.ask(&hook).await.unwrap() else { panic!("it is proved by a file") };
    code.lock().unwrap().0 = desk.proving(&wish).await.unwrap().code;
    let token = desk.confirm(&wish).await.unwrap();
    farm.verdict("1.1.0", Reason::TestsFailed, 2).await;
    notify::tick(&desk, clock.now()).await.unwrap();
    farm.verdict("1.2.0", Reason::TestsPassed, 1).await;
    notify::tick(&desk, clock.now()).await.unwrap();
    clock.advance(now.since(clock.now()));
    let other = Form { address: format!("{home}other"), ..hook };
    let Asked::Prove(wish) = desk.ask(&other).await.unwrap() else { panic!("it is proved by a file") };
    Watched { desk, wish, token, _server: server }
}

async fn proof(State(code): State<Arc<Mutex<(String, u32)>>>) -> String {
    format!("subscriptions = [\"{}\"]\n", code.lock().unwrap().0)
}

/// Takes the first, and no other.
async fn take(State(code): State<Arc<Mutex<(String, u32)>>>) -> StatusCode {
    let mut code = code.lock().unwrap();
    code.1 += 1;
    if code.1 == 1 { StatusCode::NO_CONTENT } else { StatusCode::BAD_GATEWAY }
}

struct Farm<'a> {
    store: &'a Store,
    clock: Arc<ManualClock>,
    /// The second opinion is another runner's.
    runners: [RunnerId; 2],
    home: String,
}

impl Farm<'_> {
    async fn runner(&self) {
        let mut tx = self.store.begin().await.unwrap();
        for (id, name) in self.runners.into_iter().zip(["watcher", "other-watcher"]) {
            let token = TokenHash::of(name);
            runners::add(&mut tx, &NewRunner { id, name, token: &token }, self.clock.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// A release that ends so, in that many runs that agree.
    async fn verdict(&self, version: &str, reason: Reason, runs: usize) {
        let release = Release {
            dist: "watched".parse().unwrap(),
            version: version.parse().unwrap(),
            status: Status::Stable,
            user: "watcher".parse().unwrap(),
            sha1: SHA1.into(),
            released_at: self.clock.now(),
        };
        let meta = json!({ "name": "watched", "resources": { "homepage": self.home } });
        let mut tx = self.store.begin().await.unwrap();
        let new = NewRelease { release: &release, summary: "Watched by its maintainer", meta: &meta };
        let id =
            releases::insert(&mut tx, ReleaseId::new(self.clock.now()), &new, self.clock.now()).await.unwrap().id();
        let (target, priority) = ("pg13-arm64".parse().unwrap(), Priority::NewRelease);
        let plan = Plan { release_id: id, target, priority, owner: &release.user, max_attempts: 3 };
        jobs::plan(&mut tx, JobId::new(self.clock.now()), &plan, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        for runner in self.runners.into_iter().take(runs) {
            self.clock.advance(Duration::from_mins(3));
            self.result(runner, reason).await;
        }
    }

    async fn result(&self, runner_id: RunnerId, reason: Reason) {
        let (now, token, targets) = (self.clock.now(), TokenHash::of("lease"), ["pg13-arm64".parse().unwrap()]);
        let run_id = RunId::new(now);
        let lease = Duration::from_mins(5);
        let claim = Claim { runner_id, targets: &targets, run_id, token: &token, chosen: false, lease };
        let mut tx = self.store.begin().await.unwrap();
        let answers = jobs::claim(&mut tx, &[claim], now).await.unwrap();
        assert!(matches!(answers[..], [Answer::Job(_)]), "a job waits");
        let key = LeaseKey { run_id, runner_id, token: &token };
        let report = report(run_id, reason, now);
        let handed = Handed { key, report: &report, seal: None };
        let accepted = results::accept(&mut tx, &[handed], Retries::default(), now).await.unwrap();
        assert_eq!(accepted[0].acceptance, Acceptance::Accepted);
        tx.commit().await.unwrap();
    }
}

fn report(run_id: RunId, reason: Reason, now: Timestamp) -> Report {
    let decisive = Decisive { file: "x.log".into(), line: 1, text: "not ok 2 - <script>pair</script>".into() };
    Report {
        run_id,
        verdict: Verdict {
            phase: Phase::Installcheck,
            reason,
            flags: Vec::new(),
            detail: String::new(),
            decisive: Some(decisive),
        },
        phases: Vec::new(),
        tests: Vec::new(),
        files: vec![FileRecord {
            name: "x.log".into(),
            kind: FileKind::Log,
            sha256: "ab".repeat(32),
            bytes: 9,
            omitted_bytes: 0,
        }],
        archive: Some(ArchiveFacts { sha1: SHA1.into(), sha256: "cd".repeat(32), bytes: 99 }),
        image: Some(ImageFacts {
            tag: "pgxn-testers/pg13-arm64".into(),
            digest: "sha256:ef".into(),
            recipe: "0a".into(),
            source: SourceKind::Debian,
            suite: "trixie".into(),
            postgresql: "13.22".into(),
            postgresql_full: "PostgreSQL 13.22 (Debian)".into(),
            platform: Platform::Arm64,
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
