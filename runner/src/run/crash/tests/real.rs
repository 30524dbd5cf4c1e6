//! Real servers of every major that has an image here, taken down in every way.

use std::path::Path;

use pgxn::archive::{Limits as ArchiveLimits, Tree};
use protocol::{Matrix, SystemClock, Target};
use tokio::time::Duration;

use super::*;
use crate::images::{Images, Options};
use crate::limits::Limits;
use crate::run::collect::{self, Look};
use crate::sandbox::tests::{TARGET, place};
use crate::sandbox::{Command, Image, Log, WAIT_FOR_SERVER, pack};

/// What `make install` of a distribution is, and then what its tests would do.
const INSTALL: &str = "make -s install && psql -qXc 'CREATE EXTENSION crasher' -c CHECKPOINT";
const READY: &str =
    "tries=600; until pg_isready -q; do sleep 0.1; tries=$((tries - 1)); [ $tries -gt 0 ] || exit 1; done";

struct Taken {
    sandbox: Sandbox,
    told: BTreeSet<u32>,
}

impl Taken {
    async fn start(image: &Image) -> Self {
        let place = place().await.0;
        let limits = Limits { memory_bytes: 1 << 30, ..Limits::default() };
        let sandbox =
            Sandbox::start(&place, image, RunId::new(protocol::Clock::now(&SystemClock)), &limits).await.unwrap();
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/run/crash/crasher");
        let tree = Tree::of_directory(&dir, &ArchiveLimits::default(), |_| false).unwrap();
        let packed = pack(&tree, "src", &std::env::temp_dir()).unwrap();
        sandbox.copy_in(packed, "/sandbox").await.unwrap();
        let this = Self { sandbox, told: BTreeSet::new() };
        this.run(&format!("{WAIT_FOR_SERVER}; : >/run/pgxn-mark; {INSTALL}")).await;
        this
    }

    async fn run(&self, script: &str) {
        let mut log = Log::new(64 * 1024);
        let command = Command::shell(crate::run::SOURCE_DIR, script);
        let ended = self.sandbox.run(&command, Duration::from_mins(2), &mut log, &mut |_| {}).await.unwrap();
        assert_eq!(ended.exit, Some(0), "{script}: {}", String::from_utf8_lossy(&log.finish().bytes));
    }

    /// What a look around after this script finds that is new.
    async fn after(&mut self, script: &str) -> (Vec<Crash>, Look) {
        self.run(script).await;
        let look = collect::run(&self.sandbox, Phase::Installcheck, false).await.unwrap();
        let events = Events::unheard();
        let mut book = Book::new(&events, Timestamp::from_millis(0));
        look.crashes.keep(Phase::Installcheck, &mut self.told, &mut book);
        (book.circumstances.crashes, look)
    }

    async fn crash(&mut self, how: &str) -> Vec<Crash> {
        // The postmaster has reaped the process before it lets anybody in again.
        self.after(&format!("psql -qXc \"SELECT crash('{how}')\"; sleep 0.3; {READY}")).await.0
    }
}

/// Whether a frame is in that function, and where the library has debug information, in that line too.
fn assert_frame(frame: &str, function: &str, line: u32) {
    let in_line = format!("{function} at crasher.c:{line}");
    let without =
        frame.starts_with(function) && (frame.ends_with(" at crasher.c") || frame.ends_with(" in crasher.so"));
    assert!(frame == in_line || without, "{frame} is not {in_line}");
}

fn line_of(text: &str) -> u32 {
    let source = include_str!("../crasher/crasher.c");
    let at = source.lines().position(|line| line.trim() == text).unwrap();
    u32::try_from(at).unwrap() + 1
}

async fn take_down(image: &Image) {
    let mut taken = Taken::start(image).await;
    let functions = [
        ("pointer", 11, "follow", line_of("return *pointer;")),
        ("function", 11, "crash", line_of("got = no_function(1);")),
        ("assertion", 6, "insist", line_of("assert(zero == 1);")),
    ];
    for (how, signal, function, line) in functions {
        let [crash] = &taken.crash(how).await[..] else { panic!("{how}") };
        assert_eq!((crash.signal, &*crash.process), (signal, "client backend"), "{crash:?}");
        assert_eq!(crash.query, format!("SELECT crash('{how}')"));
        assert!(crash.file.as_ref().is_some_and(|file| file.starts_with("backtrace-")));
        let own = crash.frames.iter().find(|frame| frame.contains("crasher."));
        assert_frame(own.unwrap_or_else(|| panic!("{crash:?}")), function, line);
    }
    let [overflow] = &taken.crash("stack").await[..] else { panic!("no crash") };
    assert!(overflow.frames.iter().all(|frame| frame.starts_with("descend")), "{overflow:?}");
    let times = overflow.frames.last().and_then(|frame| frame.rsplit_once('(')?.1.strip_suffix(" times)"));
    assert!(times.is_some_and(|times| times.parse::<u32>().unwrap() >= 58), "{overflow:?}");
    let [worker] = &taken.crash("worker").await[..] else { panic!("no crash") };
    assert_eq!((&*worker.process, worker.signal, &*worker.query), ("crash worker", 11, ""));
    assert_frame(&worker.frames[0], "follow", line_of("return *pointer;"));
    assert_eq!(taken.crash("kill").await, [], "a kill is no crash");
    assert_eq!(taken.crash("division").await, [], "the server makes an error of it");

    let preload =
        "psql -qXc \"ALTER SYSTEM SET shared_preload_libraries = crasher\"; ! /pgxn/bin/server restart --wait";
    let (crashes, look) = taken.after(preload).await;
    let [crash] = &crashes[..] else { panic!("no crash") };
    assert_eq!((&*crash.process, crash.signal), ("postmaster", 11));
    assert_frame(&crash.frames[0], "follow", line_of("return *pointer;"));
    assert!(look.server == crate::judge::Server::Gone && look.crashes.sites().iter().any(|site| site.postmaster));
    taken.sandbox.remove().await;
}

#[tokio::test]
async fn every_kind_of_crash_shows_its_line_on_every_major_that_has_an_image_which_needs_an_engine() {
    let (engine, image) = crate::sandbox::tests::engine_and_image().await;
    take_down(&image).await;
    let images = Images::new(engine, Matrix::embedded(), Options::default());
    let native: Target = TARGET.parse().unwrap();
    for major in [13, 14, 15, 16, 18, 19] {
        let target = Target { major: major.try_into().unwrap(), ..native };
        if let Some(image) = images.find(target).await.unwrap() {
            println!("{target} from {}", image.facts.suite);
            take_down(&image).await;
        }
    }
}

#[tokio::test]
async fn neither_the_server_nor_what_it_starts_nor_a_command_leaves_anything_to_the_machine_which_needs_an_engine() {
    let (_, image) = crate::sandbox::tests::engine_and_image().await;
    let taken = Taken::start(&image).await;
    // A limit of 1, unlike one of 0, also holds where the machine hands crashes to a program of its own; see core(5).
    taken.run("grep -q '^Max core file size *1 *1 ' /proc/self/limits").await;
    taken.run("grep -q '^Max core file size *1 *1 ' /proc/$(head -n 1 /data/cluster/postmaster.pid)/limits").await;
    taken.run("grep -q /pgxn/lib/backtrace.so /proc/$(head -n 1 /data/cluster/postmaster.pid)/maps").await;
    let program = "psql -qXAtc \"CREATE TEMP TABLE t (x text)\" -c \"COPY t FROM PROGRAM 'env; cat /proc/self/maps'\" -c 'TABLE t'";
    taken.run(&format!("! {program} | grep -q -e LD_PRELOAD -e backtrace.so")).await;
    taken.run("! grep -q backtrace.so /proc/self/maps").await;
    taken.sandbox.remove().await;
}
