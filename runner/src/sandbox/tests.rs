//! Real containers of a real image: what a distribution's code can and cannot do, and that nothing is left of it.

use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use protocol::{Clock, Matrix, RunId, SystemClock};
use tokio::time::{Instant, sleep};

use super::docker::Engine;
use super::life::{Place, RUN_LABEL};
use super::{Command, Ended, INSTANCE_LABEL, Image, Instance, Log, LogText, Sandbox};
use crate::images::{Images, Options};
use crate::judge::Limit;
use crate::limits::Limits;

const MIB: u64 = 1024 * 1024;

/// What the tests run on; `make test` builds its image first.
pub(crate) const TARGET: &str = if cfg!(target_arch = "aarch64") { "pg17-arm64" } else { "pg17-amd64" };

/// The engine, and an image of this program's recipe.
pub(crate) async fn engine_and_image() -> (Engine, Image) {
    let engine = Engine::connect(&crate::config::engine_host()).await.unwrap();
    let images = Images::new(engine.clone(), Matrix::embedded(), Options::default());
    let image = images.find(TARGET.parse().unwrap()).await.unwrap();
    (engine, image.expect("no image here: `pgxn-testers images build --pg 17` makes it"))
}

/// A place of its own, so that tests which run at the same time do not meet. What a test that failed left behind, the next removes.
pub(crate) async fn place() -> (Place, Image) {
    let (engine, image) = engine_and_image().await;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/runner-tests");
    Instance::reap(&engine, &dir).await.unwrap();
    let instance = Box::leak(Box::new(Instance::claim(&dir).unwrap())).id().to_owned();
    (Place::new(engine, instance), image)
}

/// Where a file lies that may have no name.
pub(crate) fn path_of(file: &std::fs::File) -> std::path::PathBuf {
    std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file))).unwrap()
}

fn small() -> Limits {
    Limits { memory_bytes: 512 * MIB, cpus: 1, pids: 64, log_bytes: 64 * 1024, ..Limits::default() }
}

async fn sandbox(limits: &Limits) -> (Place, Sandbox) {
    let (place, image) = place().await;
    let sandbox = Sandbox::start(&place, &image, RunId::new(SystemClock.now()), limits).await.unwrap();
    // The first command waits for the server's tree; the tests' short limits begin after that.
    let wait = Command { before: super::WAIT_FOR_SERVER.into(), ..Command::shell("/", "echo ready") };
    sandbox.run(&wait, Duration::from_mins(1), &mut Log::new(1_000), &mut |_| {}).await.unwrap();
    (place, sandbox)
}

/// Runs a piece of shell; how it ended and what it printed.
async fn run(sandbox: &Sandbox, script: &str) -> (Ended, LogText) {
    run_for(sandbox, script, Duration::from_mins(1)).await
}

async fn run_for(sandbox: &Sandbox, script: &str, wall: Duration) -> (Ended, LogText) {
    let mut log = Log::new(64 * 1024);
    let ended = sandbox.run(&Command::shell("/sandbox", script), wall, &mut log, &mut |_| {}).await.unwrap();
    (ended, log.finish())
}

fn text(log: &LogText) -> String {
    String::from_utf8_lossy(&log.bytes).into_owned()
}

/// The containers of a place that the engine still has.
async fn containers(place: &Place) -> Vec<String> {
    place.engine.labelled_containers(INSTANCE_LABEL, &place.instance).await.unwrap()
}

async fn assert_gone(place: &Place) {
    place.tasks.idle().await;
    assert_eq!(containers(place).await, Vec::<String>::new());
}

#[tokio::test]
async fn there_is_no_network_inside_which_needs_an_engine() {
    let (place, sandbox) = sandbox(&small()).await;
    let (_, log) =
        run(&sandbox, "ls /sys/class/net; cat /proc/net/route; getent hosts example.org || echo no name").await;
    let said = text(&log);
    assert!(said.contains("lo\n") && said.contains("no name"), "{said}");
    assert!(!said.contains("eth"), "{said}");
    sandbox.remove().await;
    assert_gone(&place).await;
}

#[tokio::test]
async fn nobody_is_root_or_can_become_it_which_needs_an_engine() {
    let (_place, sandbox) = sandbox(&small()).await;
    let (_, log) =
        run(&sandbox, "id -u; grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status").await;
    let said = text(&log);
    assert!(said.starts_with("1000\n"), "{said}");
    assert_eq!(said.matches("0000000000000000").count(), 5, "{said}");
    assert!(said.contains("NoNewPrivs:\t1") && said.contains("Seccomp:\t2"), "{said}");
    sandbox.remove().await;
}

#[tokio::test]
async fn the_root_cannot_be_written_and_the_work_directory_can_which_needs_an_engine() {
    let (_place, sandbox) = sandbox(&small()).await;
    let script =
        "touch /etc/x /usr/x /pgxn/x; grep ' / ' /proc/mounts; printf '#!/bin/sh\necho runs' >x; chmod +x x; ./x";
    let (ended, log) = run(&sandbox, script).await;
    let said = text(&log);
    assert_eq!(said.matches("Read-only file system").count(), 3, "{said}");
    assert!(said.contains(" ro,") && said.contains("runs"), "{said}");
    assert_eq!(ended.exit, Some(0));
    sandbox.remove().await;
}

#[tokio::test]
async fn nothing_of_the_machine_shows_inside_which_needs_an_engine() {
    let (_place, sandbox) = sandbox(&small()).await;
    let (_, log) =
        run(&sandbox, "hostname; env | sort; ls /dev; cat /sys/fs/cgroup/cgroup.procs 2>&1 | head -n 3").await;
    let said = text(&log);
    assert!(said.starts_with("pgxn\n") && said.contains("USE_PGXS=1"), "{said}");
    for secret in ["CARGO", "DOCKER", "TOKEN", "docker.sock", "sda", "vda", "mem\n"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    sandbox.remove().await;
}

#[tokio::test]
async fn memory_ends_where_its_limit_is_which_needs_an_engine() {
    let (_place, sandbox) = sandbox(&small()).await;
    let (ended, log) = run(&sandbox, "perl -e 'my $x = \"x\" x (900 * 1024 * 1024); print length $x'").await;
    assert_ne!(ended.exit, Some(0), "{}", text(&log));
    let look = crate::run::look_around(&sandbox).await.unwrap();
    assert!(look.out_of_memory);
    sandbox.remove().await;
}

#[tokio::test]
async fn a_fork_bomb_ends_at_the_limit_of_processes_which_needs_an_engine() {
    let (place, sandbox) = sandbox(&small()).await;
    let script = "for i in $(seq 200); do sleep 5 & done; wait";
    let (_, log) = run_for(&sandbox, script, Duration::from_secs(20)).await;
    let said = text(&log);
    assert!(said.contains("fork") || said.contains("Resource temporarily unavailable"), "{said}");
    sandbox.remove().await;
    assert_gone(&place).await;
}

#[tokio::test]
async fn a_full_file_system_is_the_containers_own_which_needs_an_engine() {
    let (_place, sandbox) = sandbox(&small()).await;
    let (ended, log) = run(&sandbox, "head -c 2000000000 /dev/zero >big").await;
    assert!(ended.exit != Some(0) && text(&log).contains("No space left"), "{} {ended:?}", text(&log));
    let look = crate::run::look_around(&sandbox).await.unwrap();
    assert_eq!((look.out_of_space, look.out_of_memory), (true, false));
    sandbox.remove().await;
}

#[tokio::test]
async fn a_command_that_lasts_too_long_is_ended_and_the_server_lives_which_needs_an_engine() {
    let (_place, sandbox) = sandbox(&small()).await;
    let began = Instant::now();
    let (ended, log) =
        run_for(&sandbox, "echo first; sleep 4321 & while :; do echo still; sleep 0.1; done", Duration::from_secs(6))
            .await;
    assert_eq!((ended.limit, ended.exit), (Some(Limit::Time), None));
    assert!(text(&log).starts_with("first\nstill\n") && began.elapsed() < Duration::from_secs(40));
    let look = crate::run::look_around(&sandbox).await.unwrap();
    assert_eq!(look.server, crate::judge::Server::Running);
    let (_, log) = run(&sandbox, "grep -la '^sleep.4321' /proc/[0-9]*/cmdline || echo none").await;
    assert_eq!(text(&log), "none\n", "what the command had started runs on");
    sandbox.remove().await;
}

#[tokio::test]
async fn a_command_that_says_nothing_is_ended_which_needs_an_engine() {
    let limits = Limits { silence: Duration::from_secs(8), ..small() };
    let (_place, sandbox) = sandbox(&limits).await;
    let (ended, log) = run(&sandbox, "echo first; sleep 60").await;
    assert_eq!(ended.limit, Some(Limit::Silence));
    assert_eq!(text(&log), "first\n");
    sandbox.remove().await;
}

#[tokio::test]
async fn a_flood_of_output_keeps_its_head_and_tail_which_needs_an_engine() {
    let (_place, sandbox) = sandbox(&small()).await;
    let (ended, log) = run(&sandbox, "seq 1 2000000; echo last").await;
    let said = text(&log);
    assert_eq!(ended.exit, Some(0));
    assert!(said.starts_with("1\n2\n") && said.ends_with("2000000\nlast\n") && said.len() < 70_000, "{}", said.len());
    assert!(log.omitted_bytes > 10_000_000, "{}", log.omitted_bytes);
    sandbox.remove().await;
}

#[tokio::test]
async fn what_runs_on_in_the_background_does_not_hold_a_phase_up_which_needs_an_engine() {
    let (_place, sandbox) = sandbox(&small()).await;
    let began = Instant::now();
    let (ended, log) = run(&sandbox, "(sleep 50; echo late) & echo done").await;
    assert_eq!((ended.exit, text(&log).as_str()), (Some(0), "done\n"));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    sandbox.remove().await;
}

#[tokio::test]
async fn code_that_kills_everything_ends_its_container_and_nothing_else_which_needs_an_engine() {
    let (place, sandbox) = sandbox(&small()).await;
    let (ended, _) = run(&sandbox, "kill -9 -1; sleep 5").await;
    assert_ne!(ended.exit, Some(0));
    assert!(place.engine.check().await.is_ok());
    sandbox.remove().await;
    assert_gone(&place).await;
}

#[tokio::test]
async fn a_container_goes_with_its_sandbox_which_needs_an_engine() {
    let (place, sandbox) = sandbox(&small()).await;
    assert_eq!(containers(&place).await.len(), 1);
    drop(sandbox);
    assert_gone(&place).await;
}

#[tokio::test]
async fn a_panic_leaves_no_container_which_needs_an_engine() {
    let (place, image) = place().await;
    let inner = place.clone();
    let panicked = place.tasks.spawn(async move {
        let _sandbox = Sandbox::start(&inner, &image, RunId::new(SystemClock.now()), &small()).await.unwrap();
        panic!("on purpose");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_gone(&place).await;
}

#[tokio::test]
async fn a_run_that_is_dropped_while_its_container_starts_leaves_none_which_needs_an_engine() {
    let (place, image) = place().await;
    let limits = small();
    let starting = Sandbox::start(&place, &image, RunId::new(SystemClock.now()), &limits);
    assert!(tokio::time::timeout(Duration::from_millis(20), starting).await.is_err(), "no engine is that fast");
    assert_gone(&place).await;
}

#[tokio::test]
async fn what_a_killed_runner_left_is_removed_at_the_next_start_which_needs_an_engine() {
    let (engine, _) = engine_and_image().await;
    let dir = tempfile::tempdir().unwrap();
    let mut runner = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "sandbox::tests::a_runner_that_waits_to_be_killed", "--ignored", "--nocapture"])
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = dir.path().join("started");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !started.exists() {
        assert!(Instant::now() < deadline, "the runner did not start a container");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(Instance::reap(&engine, dir.path()).await.unwrap(), 0, "a runner that lives keeps its containers");
    runner.kill().unwrap();
    runner.wait().unwrap();
    assert_eq!(Instance::reap(&engine, dir.path()).await.unwrap(), 1);
    let run_id = std::fs::read_to_string(&started).unwrap();
    assert_eq!(engine.labelled_containers(RUN_LABEL, &run_id).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
#[ignore = "the other end of the test above, which kills it"]
async fn a_runner_that_waits_to_be_killed() {
    let dir = Path::new(".");
    let instance = Instance::claim(dir).unwrap();
    let (engine, image) = engine_and_image().await;
    let place = Place::new(engine, instance.id().to_owned());
    let run_id = RunId::new(SystemClock.now());
    let _sandbox = Sandbox::start(&place, &image, run_id, &small()).await.unwrap();
    std::fs::write(dir.join("starting"), run_id.to_string()).unwrap();
    std::fs::rename(dir.join("starting"), dir.join("started")).unwrap();
    sleep(Duration::from_mins(5)).await;
}

#[tokio::test]
async fn a_look_into_an_image_that_is_broken_off_leaves_no_container_which_needs_an_engine() {
    let (place, image) = place().await;
    let look = place.read_image(&image.facts.digest, &["/pgxn/facts.json", "/pgxn/writable"], 1 << 16);
    let made = async {
        while containers(&place).await.is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        files = look => assert!(files.unwrap()[0].starts_with(b"{"), "it was faster than this test"),
        () = made => {}
    }
    assert_gone(&place).await;
    let files = place.read_image(&image.facts.digest, &["/pgxn/writable"], 1 << 16).await.unwrap();
    assert!(files[0].starts_with(b"/"));
    place.read_image(&image.facts.digest, &["/no/such/file"], 1 << 16).await.unwrap_err();
    assert_gone(&place).await;
}

#[tokio::test]
async fn a_container_knows_when_to_end_by_itself_which_needs_an_engine() {
    let (place, sandbox) = sandbox(&Limits { run: Duration::from_hours(48), ..small() }).await;
    let (_, log) = run(&sandbox, "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'sleep [0-9][0-9][0-9]*'").await;
    let seconds: u64 = text(&log).trim().strip_prefix("sleep ").unwrap().parse().unwrap();
    assert!(seconds > 48 * 3600, "{}", text(&log));
    sandbox.remove().await;
    assert_gone(&place).await;
}
