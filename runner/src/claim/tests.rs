//! The loop against a coordinator that has good and bad moments, on a real engine; the real coordinator is in `tests/`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use protocol::{
    Clock, Grade, JobId, KeyWish, Outcome, Phase, Progress, PublicKey, Report, RunId, SIGNATURE_HEADER, Seal, Subject,
    SystemClock, Timestamp,
};
use sample::{Mirror, Tree, Upload, User};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::*;
use crate::Keys;
use crate::config::SiteConfig;
use crate::sandbox::INSTANCE_LABEL;
use crate::sandbox::tests::{TARGET, engine_and_image};

mod presence;
mod trust;
mod young;

/// A coordinator that has one job, once.
#[derive(Default)]
struct Desk {
    assignment: Mutex<Option<Assignment>>,
    /// What was asked with each claim, and whether a claim is let wait.
    claims: Mutex<Vec<String>>,
    asked: Mutex<Vec<ClaimRequest>>,
    waits: AtomicBool,
    /// Whether it speaks another protocol.
    is_foreign: AtomicBool,
    /// Before which moment it finds images too old; 0 where it says nothing.
    images: AtomicI64,
    /// What a renewal is answered with; 0 stands for 200, and [`SILENCE`] for nothing at all.
    renewal: AtomicU32,
    renewals: AtomicU32,
    /// How many calls of a delivery fail before one is served.
    failures: AtomicU32,
    files: Mutex<Vec<String>>,
    report: Mutex<Option<Report>>,
    seal: Mutex<Option<Seal>>,
    keys: Mutex<Vec<PublicKey>>,
    released: AtomicBool,
    told: Mutex<Vec<Progress>>,
    /// What is answered to what a run tells: 0 stands for 204, and [`SILENCE`] for nothing at all.
    hearing: AtomicU32,
}

const SILENCE: u32 = 1;

type Shared = State<Arc<Desk>>;

async fn claim(
    State(desk): Shared,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
    axum::Json(asked): axum::Json<ClaimRequest>,
) -> Response {
    desk.claims.lock().unwrap().push(query.unwrap_or_default());
    let is_away = asked.away.is_some();
    desk.asked.lock().unwrap().push(asked);
    if desk.is_foreign.load(Ordering::SeqCst) {
        return (StatusCode::NOT_FOUND, [(protocol::PROTOCOL_HEADER, "2.0")]).into_response();
    }
    if desk.waits.load(Ordering::SeqCst) && !is_away {
        sleep(WAIT).await;
    }
    let mut response = match desk.assignment.lock().unwrap().take() {
        Some(assignment) => axum::Json(assignment).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    match desk.images.load(Ordering::SeqCst) {
        0 => {}
        before => drop(response.headers_mut().insert(protocol::IMAGES_HEADER, before.into())),
    }
    response
}

async fn renew(State(desk): Shared) -> Response {
    desk.renewals.fetch_add(1, Ordering::SeqCst);
    match desk.renewal.load(Ordering::SeqCst) {
        0 => axum::Json(serde_json::json!({ "expires_in_ms": 3_000 })).into_response(),
        SILENCE => std::future::pending().await,
        status => StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap().into_response(),
    }
}

/// Whether a call of a delivery is to fail this time.
fn fails(desk: &Desk) -> bool {
    desk.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

async fn upload(
    State(desk): Shared,
    axum::extract::Path((_, name)): axum::extract::Path<(String, String)>,
) -> StatusCode {
    if fails(&desk) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if name == "packages.txt" {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    desk.files.lock().unwrap().push(name);
    StatusCode::NO_CONTENT
}

async fn report(
    State(desk): Shared,
    headers: axum::http::HeaderMap,
    axum::Json(report): axum::Json<Report>,
) -> StatusCode {
    if fails(&desk) {
        return StatusCode::BAD_GATEWAY;
    }
    *desk.seal.lock().unwrap() = Some(headers[SIGNATURE_HEADER].to_str().unwrap().parse().unwrap());
    *desk.report.lock().unwrap() = Some(report);
    StatusCode::OK
}

async fn key(State(desk): Shared, axum::Json(wish): axum::Json<KeyWish>) -> StatusCode {
    desk.keys.lock().unwrap().push(wish.key);
    StatusCode::NO_CONTENT
}

async fn progress(State(desk): Shared, axum::Json(progress): axum::Json<Progress>) -> StatusCode {
    desk.told.lock().unwrap().push(progress);
    match desk.hearing.load(Ordering::SeqCst) {
        0 => StatusCode::NO_CONTENT,
        SILENCE => std::future::pending().await,
        status => StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap(),
    }
}

async fn release(State(desk): Shared) -> StatusCode {
    desk.released.store(true, Ordering::SeqCst);
    StatusCode::NO_CONTENT
}

async fn open(desk: Arc<Desk>) -> Url {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/api/v1/claim", post(claim))
        .route("/api/v1/runs/{run}/renew", post(renew))
        .route("/api/v1/runs/{run}/files/{name}", put(upload))
        .route("/api/v1/runs/{run}/report", post(report))
        .route("/api/v1/runs/{run}/release", post(release))
        .route("/api/v1/runs/{run}/progress", post(progress))
        .route("/api/v1/runners/self/key", put(key))
        .with_state(desk);
    crate::task::Tasks::new().spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}").parse().unwrap()
}

/// A registry that holds one fixture, and the job to test that.
fn job(dir: &Path, fate: &str) -> Assignment {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(fate).join("dist");
    let tree = Tree::of_directory(&fixture).unwrap();
    let upload = Upload::of_tree(&tree, User::named("fixtures"), Timestamp::from_millis(0)).unwrap();
    let mut mirror = Mirror::open(dir).unwrap();
    let published = mirror.publish(upload).unwrap();
    let meta = std::fs::read(mirror.meta_path(&published.dist, &published.version)).unwrap();
    let run_id = RunId::new(SystemClock.now());
    Assignment {
        lease: Lease { run_id, token: "t".into(), attempt: 1, expires_in_ms: 3_000 },
        job_id: JobId::new(SystemClock.now()),
        release: pgxn::Meta::parse(&meta).unwrap().release().unwrap(),
        target: TARGET.parse().unwrap(),
        registry: Url::from_directory_path(dir).unwrap(),
        time_factor: 1,
    }
}

struct Stage {
    desk: Arc<Desk>,
    agent: Agent,
    told: Arc<Mutex<Vec<AgentEvent>>>,
    _dir: tempfile::TempDir,
}

async fn stage(fate: &str) -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let desk = Arc::new(Desk::default());
    let job = job(&dir.path().join("mirror"), fate);
    *desk.assignment.lock().unwrap() = Some(job.clone());
    let url = open(desk.clone()).await;
    let site = Site::open(&SiteConfig::new(dir.path().join("data"), 1), Arc::new(SystemClock)).await.unwrap();
    let (_, image) = engine_and_image().await;
    let images: EnsureImage = Arc::new(move |_| {
        let image = image.clone();
        Box::pin(async move { Ok(image) })
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = told.clone();
    let listener: Listener = Arc::new(move |event| hears.lock().unwrap().push(event));
    let keys = Keys::open(&dir.path().join("data")).unwrap();
    let coordinator = Coordinator::new(&url, "secret").unwrap().signing(keys);
    let agent = Agent::new(site, coordinator, vec![TARGET.parse().unwrap()], images, listener);
    let agent = agent.with_registry(&job.registry).unwrap();
    assert!(agent.prepare().await);
    Stage { desk, agent, told, _dir: dir }
}

impl Stage {
    async fn tick(&self, stop: &CancellationToken) -> Tick {
        let tick = self.agent.tick(WAIT, stop).await.unwrap();
        self.agent.site.idle().await;
        let place = &self.agent.site.place;
        let left = place.engine.labelled_containers(INSTANCE_LABEL, &place.instance).await.unwrap();
        assert_eq!(left, Vec::<String>::new(), "nothing of the run is left");
        tick
    }

    fn dropped(&self) -> Option<String> {
        self.told.lock().unwrap().iter().find_map(|event| match event {
            AgentEvent::Dropped(_, why) => Some(why.clone()),
            _ => None,
        })
    }
}

#[tokio::test]
async fn a_run_is_delivered_though_the_coordinator_stumbles_which_needs_an_engine() {
    let stage = stage("passes").await;
    stage.desk.failures.store(3, Ordering::SeqCst);
    let assigned = stage.desk.assignment.lock().unwrap().clone().unwrap();
    assert_eq!(stage.tick(&CancellationToken::new()).await, Tick::Worked);
    let report = stage.desk.report.lock().unwrap().clone().expect("a report");
    report.check().unwrap();
    assert_eq!(report.verdict.grade(), Grade::Pass);
    let seal = stage.desk.seal.lock().unwrap().expect("a signature");
    seal.verify(&report, &Subject::of(&assigned.release, assigned.target)).unwrap();
    let uploaded = stage.desk.files.lock().unwrap().clone();
    let listed: Vec<String> = report.files.iter().map(|file| file.name.clone()).collect();
    assert_eq!(uploaded, listed, "every file that is listed was uploaded before");
    assert!(!listed.contains(&"packages.txt".to_owned()), "what was too large for the coordinator is not listed");
    assert!(stage.agent.site.download_dir.read_dir().unwrap().count() == 1, "the archive is kept for the next run");
    assert_eq!(stage.tick(&CancellationToken::new()).await, Tick::Idle);
    assert_eq!(*stage.desk.claims.lock().unwrap(), ["wait=30", "wait=30"]);
    assert_eq!(*stage.desk.keys.lock().unwrap(), [seal.key], "it is told once");
}

#[tokio::test]
async fn a_claim_that_waits_ends_with_the_runner_and_with_a_new_image_which_needs_an_engine() {
    let stage = stage("passes").await;
    stage.desk.waits.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let asked = async |times: usize| {
        while stage.desk.claims.lock().unwrap().len() < times {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let stop = CancellationToken::new();
    let (tick, ()) = tokio::join!(stage.tick(&stop), async {
        asked(1).await;
        stage.agent.offer.set(TARGET.parse().unwrap(), super::offer::Readiness::Failed);
    });
    assert_eq!(tick, Tick::Idle);
    let (tick, ()) = tokio::join!(stage.tick(&stop), async {
        asked(2).await;
        stop.cancel();
    });
    assert_eq!(tick, Tick::Idle);
    assert!(began.elapsed() < WAIT, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_lost_lease_ends_the_run_at_once_which_needs_an_engine() {
    let stage = stage("talks-forever").await;
    stage.desk.renewal.store(409, Ordering::SeqCst);
    let began = Instant::now();
    assert_eq!(stage.tick(&CancellationToken::new()).await, Tick::Worked);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(stage.dropped().unwrap().contains("lost"), "{:?}", stage.dropped());
    assert!(stage.desk.report.lock().unwrap().is_none(), "nothing is reported without a lease");
    assert_eq!(stage.desk.renewals.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_coordinator_that_is_away_is_waited_for_as_long_as_the_lease_lasts_which_needs_an_engine() {
    let stage = stage("talks-forever").await;
    stage.desk.renewal.store(503, Ordering::SeqCst);
    assert_eq!(stage.tick(&CancellationToken::new()).await, Tick::Worked);
    assert!(stage.dropped().unwrap().contains("as long as the lease lasted"), "{:?}", stage.dropped());
    assert!(stage.desk.renewals.load(Ordering::SeqCst) >= 3, "it asked again and again");
}

#[tokio::test]
async fn a_renewal_that_nobody_answers_does_not_outlive_the_lease_which_needs_an_engine() {
    let stage = stage("talks-forever").await;
    stage.desk.renewal.store(SILENCE, Ordering::SeqCst);
    let began = Instant::now();
    assert_eq!(stage.tick(&CancellationToken::new()).await, Tick::Worked);
    assert!(began.elapsed() < crate::client::CALL, "{:?}", began.elapsed());
    assert!(stage.dropped().unwrap().contains("as long as the lease lasted"), "{:?}", stage.dropped());
}

#[tokio::test]
async fn a_runner_that_stops_gives_its_job_back_which_needs_an_engine() {
    let stage = stage("talks-forever").await;
    let stop = CancellationToken::new();
    let stopping = async {
        while stage.desk.renewals.load(Ordering::SeqCst) < 2 {
            sleep(Duration::from_millis(50)).await;
        }
        stop.cancel();
        Instant::now()
    };
    let (tick, stopped) = tokio::join!(stage.tick(&stop), stopping);
    assert_eq!(tick, Tick::Worked);
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    assert!(stage.desk.released.load(Ordering::SeqCst));
    assert!(stage.desk.report.lock().unwrap().is_none());
}

#[tokio::test]
async fn what_a_run_prints_is_told_while_it_goes_on_which_needs_an_engine() {
    let stage = stage("talks-forever").await;
    let (stop, began) = (CancellationToken::new(), Instant::now());
    let told = || stage.desk.told.lock().unwrap().clone();
    let text = || told().into_iter().flat_map(|it| it.output).map(|it| it.text).collect::<String>();
    let watching = async {
        while !text().contains("still building, 3 s\n") {
            sleep(Duration::from_millis(50)).await;
        }
        stop.cancel();
    };
    let (tick, ()) = tokio::join!(stage.tick(&stop), watching);
    assert_eq!(tick, Tick::Worked);
    let told = told();
    for progress in &told {
        progress.check().unwrap();
    }
    assert!(told.len() as u64 <= began.elapsed().as_secs(), "once a second: {} calls", told.len());
    let phases: Vec<_> = told.last().unwrap().phases.iter().map(|it| (it.phase, it.outcome)).collect();
    assert!(phases.contains(&(Phase::Fetch, Some(Outcome::Passed))), "{phases:?}");
    assert_eq!(phases.last(), Some(&(Phase::Build, None)));
    assert_eq!(text().matches("still building, 2 s\n").count(), 1, "nothing is told twice");
}

#[tokio::test]
async fn a_coordinator_that_hears_nothing_costs_a_run_nothing_which_needs_an_engine() {
    for hearing in [404, 503, SILENCE] {
        let stage = stage("passes").await;
        stage.desk.hearing.store(hearing, Ordering::SeqCst);
        assert_eq!(stage.tick(&CancellationToken::new()).await, Tick::Worked);
        let report = stage.desk.report.lock().unwrap().clone().expect("a report");
        assert_eq!(report.verdict.grade(), Grade::Pass, "{hearing}");
        let calls = stage.desk.told.lock().unwrap().len();
        assert!(calls <= if hearing == 503 { 3 } else { 1 }, "{hearing}: {calls} calls");
    }
}

/// Passes on to the engine whatever comes to a socket of the test's own, which can be closed.
fn engine_behind(socket: &Path) -> tokio::task::JoinHandle<()> {
    let engine = crate::config::engine_host().trim_start_matches("unix://").to_owned();
    let listener = tokio::net::UnixListener::bind(socket).unwrap();
    let tasks = crate::task::Tasks::new();
    tasks.clone().spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = tokio::net::UnixStream::connect(&engine).await.unwrap();
            tasks.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    })
}

#[tokio::test]
async fn an_engine_that_is_gone_is_said_before_anything_is_claimed_which_needs_an_engine() {
    let mut stage = stage("passes").await;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let engine = engine_behind(&socket);
    let host = socket.to_str().unwrap();
    stage.agent.site.place.engine = crate::sandbox::docker::Engine::connect(host).await.unwrap();
    engine.abort();
    std::fs::remove_file(&socket).unwrap();
    let trouble = stage.agent.tick(WAIT, &CancellationToken::new()).await.unwrap_err().to_string();
    assert!(trouble.contains(host) && trouble.contains("DOCKER_HOST"), "{trouble}");
    assert!(stage.desk.assignment.lock().unwrap().is_some(), "the job waits for somebody who can do it");
}
