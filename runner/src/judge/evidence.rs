//! What the judge is told of a phase: how its command ended, what it printed, and what the farm had to offer.
//!
//! The runner gathers it; nothing here reads a file, a socket or the clock.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use protocol::{PgMajor, Phase};

/// A file of the run, by the name under which the report lists it.
#[derive(Clone, Copy, Debug)]
pub struct LogFile<'a> {
    /// Its name in the report, such as `build.log`.
    pub name: &'a str,
    /// Its bytes, exactly as the report keeps them, so that line numbers agree.
    pub bytes: &'a [u8],
}

/// The limit by which the runner, not the command itself, ended a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Its wall time.
    Time,
    /// The time without any output.
    Silence,
}

/// What is known of the farm's own server when the phase was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Server {
    /// It answered, or nobody asked.
    #[default]
    Running,
    /// It has never started.
    NotStarted,
    /// It answered before the phase, and did not afterwards.
    Gone,
}

/// Where a server process was when a fault killed it, as the process itself wrote down before it died.
///
/// Not to be trusted: the process had run the distribution's code, and any other one in the container could have written the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrashSite {
    /// The process.
    pub pid: u32,
    /// The signal.
    pub signal: i32,
    /// Whether it was the postmaster, of whose death no log tells.
    pub postmaster: bool,
    /// The innermost frame in what the distribution installed, or the innermost outside the C library; empty where there is none.
    pub place: String,
}

/// What stays the same for all phases of a run.
#[derive(Debug)]
pub struct Setting<'a> {
    /// The server's major.
    pub major: PgMajor,
    /// Every file of the distribution, as a path below its top directory, before anything was built.
    pub files: &'a [String],
    /// The extensions that META.json provides.
    pub provides: &'a [String],
    /// The extensions whose control files the image holds before `make install`.
    pub shipped: &'a BTreeSet<String>,
    /// The paths of `files` from their ends, sorted: a log can ask for as many files as it has lines.
    turned: OnceLock<Vec<Vec<u8>>>,
}

/// What is known of one phase whose command ended or was ended.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The run's setting.
    pub setting: &'a Setting<'a>,
    /// The phase: configure, build, install, create or installcheck.
    pub phase: Phase,
    /// The exit code, where the command ended by itself.
    pub exit: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The limit that ended it.
    pub limit: Option<Limit>,
    /// Whether the kernel killed a process of the sandbox for memory during the phase.
    pub out_of_memory: bool,
    /// Whether one of the sandbox's sized file systems was full when the phase was over.
    pub out_of_space: bool,
    /// The farm's server after the phase.
    pub server: Server,
    /// What the phase printed.
    pub log: LogFile<'a>,
    /// What the server logged during the phase, or all of its log.
    pub server_log: Option<LogFile<'a>>,
    /// Where the server processes were that a fault killed, as far as that is known.
    pub sites: Vec<CrashSite>,
    /// Every `regression.diffs`, of isolation tests too, in the order of their suites.
    pub diffs: Vec<LogFile<'a>>,
}

impl<'a> Evidence<'a> {
    /// A phase whose command ended by itself with this code, and of which nothing else is known.
    pub fn ended(setting: &'a Setting<'a>, phase: Phase, exit: i32, log: LogFile<'a>) -> Self {
        Self {
            setting,
            phase,
            exit: Some(exit),
            signal: None,
            limit: None,
            out_of_memory: false,
            out_of_space: false,
            server: Server::Running,
            log,
            server_log: None,
            sites: Vec::new(),
            diffs: Vec::new(),
        }
    }

    /// Whether the command ended by itself and said that all went well.
    pub fn succeeded(&self) -> bool {
        self.exit == Some(0) && self.signal.is_none() && self.limit.is_none()
    }
}

impl<'a> Setting<'a> {
    /// A setting.
    pub fn new(major: PgMajor, files: &'a [String], provides: &'a [String], shipped: &'a BTreeSet<String>) -> Self {
        Self { major, files, provides, shipped, turned: OnceLock::new() }
    }

    /// Whether the distribution holds a file whose path ends with this one, name by name.
    pub(crate) fn owns(&self, path: &str) -> bool {
        let files = self.turned.get_or_init(|| {
            let mut turned: Vec<_> = self.files.iter().map(|file| turn(file)).collect();
            turned.sort_unstable();
            turned
        });
        let mut wanted = turn(path);
        let is_whole = files.binary_search(&wanted).is_ok();
        wanted.push(b'/');
        let longer = files.get(files.partition_point(|file| *file < wanted));
        !path.is_empty() && (is_whole || longer.is_some_and(|file| file.starts_with(&wanted)))
    }
}

/// A path from its end.
fn turn(path: &str) -> Vec<u8> {
    path.bytes().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_owned_name_by_name() {
        let files = ["src/own.c", "a/b/own.h", "Makefile"].map(str::to_owned);
        let (provides, shipped) = ([], BTreeSet::new());
        let setting = Setting::new(17.try_into().unwrap(), &files, &provides, &shipped);
        for path in ["own.c", "src/own.c", "b/own.h", "a/b/own.h", "Makefile"] {
            assert!(setting.owns(path), "{path}");
        }
        for path in ["", "/", "wn.c", "c/own.h", "/src/own.c", "src/", "x/a/b/own.h"] {
            assert!(!setting.owns(path), "{path}");
        }
    }

    #[test]
    fn many_questions_about_many_files_take_no_time() {
        let files: Vec<String> = (0..20_000).map(|number| format!("some/directory/or/other/{number}/file.h")).collect();
        let (provides, shipped) = ([], BTreeSet::new());
        let setting = Setting::new(17.try_into().unwrap(), &files, &provides, &shipped);
        let began = std::time::Instant::now();
        assert!((0..100_000).all(|number| !setting.owns(&format!("{number}/other/file.h"))));
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    }
}
