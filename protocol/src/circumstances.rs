//! What a run found beside its verdict, and under which conditions it ran. Nothing in here changes a grade.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::phase::Phase;
use crate::version::Version;

/// A report holds at most this many warnings, crashes, prerequisites, and things provided, each.
const MAX_ITEMS: usize = 200;
/// Any text in here has at most this many bytes.
const MAX_TEXT: usize = 4_096;

/// What a run found beside its verdict, and under which conditions it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Circumstances {
    /// What the lanes beyond installcheck found: upgrade, reload, uninstall.
    pub warnings: Vec<Warning>,
    /// Server processes that were killed by a signal, in the order in which they were.
    pub crashes: Vec<Crash>,
    /// The distributions that were there first, in the order in which they were installed.
    pub prerequisites: Vec<Prerequisite>,
    /// What the farm provided beyond the plain image.
    pub provided: Provided,
    /// The limits that held; none in a report of a runner that did not write them down yet.
    pub limits: Option<LimitFacts>,
    /// Whether the platform is emulated on the runner: what fails there alone is not held against anybody.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub emulated: bool,
}

/// A finding of a lane beyond installcheck: worth mending, and never a reason for a worse grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// The lane.
    pub phase: Phase,
    /// What is wrong, as one sentence that names the things.
    pub text: String,
}

/// A server process that a signal killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Crash {
    /// The phase in which it happened.
    pub phase: Phase,
    /// What the process was, in the words of `pg_stat_activity.backend_type`, such as `client backend`; empty where the log does not say.
    #[serde(default)]
    pub process: String,
    /// The signal's number, such as 11.
    pub signal: i32,
    /// The query that it ran, cut; empty where the log does not say.
    #[serde(default)]
    pub query: String,
    /// The innermost frames of the backtrace, innermost first, as `function at file:line` or `function in library`.
    #[serde(default)]
    pub frames: Vec<String>,
    /// The name of the file with the whole backtrace, one of the report's files.
    #[serde(default)]
    pub file: Option<String>,
}

/// A distribution that another one needs, and how it came to be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Prerequisite {
    /// What META asks for: an extension or a distribution, as written there.
    pub wanted: String,
    /// The range of versions that META asks for, as written there; empty for any.
    #[serde(default)]
    pub range: String,
    /// The distribution that has it; none where the server ships it, or where nothing has it.
    #[serde(default)]
    pub dist: Option<Name>,
    /// The version that was installed.
    #[serde(default)]
    pub version: Option<Version>,
    /// The SHA-1 of its archive, in lower-case hexadecimal digits.
    #[serde(default)]
    pub sha1: Option<String>,
    /// How it came to be there.
    pub origin: Origin,
}

/// How a prerequisite came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The server ships it.
    Server,
    /// It was built and installed for this run.
    Built,
    /// An earlier run on the same image had built it.
    Cached,
    /// It is not there: nothing has it, or it failed.
    Missing,
}

/// What the farm provided beyond the plain image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Provided {
    /// Libraries in `shared_preload_libraries`.
    pub preload: Vec<String>,
    /// Server settings, by name.
    pub settings: BTreeMap<String, String>,
    /// Debian packages, by name.
    pub packages: Vec<String>,
    /// Why, a sentence each.
    pub why: Vec<String>,
}

/// The limits that held for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LimitFacts {
    /// Memory, file systems in memory included, in bytes.
    pub memory_bytes: u64,
    /// Processors.
    pub cpus: u32,
    /// Processes and threads.
    pub processes: u32,
    /// Wall time of a phase, in milliseconds.
    pub phase_ms: u64,
    /// Wall time of the run, in milliseconds.
    pub run_ms: u64,
    /// Time without output, in milliseconds.
    pub silence_ms: u64,
    /// What is kept of a phase's log, in bytes.
    pub log_bytes: u64,
}

impl Circumstances {
    /// Cuts what is beyond the bounds; what was left out, a sentence each.
    pub(crate) fn fit(&mut self) -> Vec<String> {
        let provided = &mut self.provided;
        let mut left_out = Vec::new();
        shorten(&mut self.warnings, "warnings", &mut left_out);
        shorten(&mut self.crashes, "crashes", &mut left_out);
        shorten(&mut self.prerequisites, "prerequisites", &mut left_out);
        shorten(&mut provided.preload, "libraries to preload", &mut left_out);
        shorten(&mut provided.packages, "packages", &mut left_out);
        shorten(&mut provided.why, "reasons for what was provided", &mut left_out);
        for crash in &mut self.crashes {
            shorten(&mut crash.frames, "frames", &mut left_out);
            [&mut crash.process, &mut crash.query].into_iter().chain(&mut crash.frames).for_each(cut);
        }
        for one in &mut self.prerequisites {
            [&mut one.wanted, &mut one.range].into_iter().for_each(cut);
        }
        self.warnings.iter_mut().map(|warning| &mut warning.text).for_each(cut);
        [&mut provided.preload, &mut provided.packages, &mut provided.why].into_iter().flatten().for_each(cut);
        provided.settings.values_mut().for_each(cut);
        left_out
    }

    /// The names of the report's files that this refers to.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.crashes.iter().filter_map(|crash| crash.file.as_deref())
    }

    /// Checks every bound; what is too large, where something is.
    pub(crate) fn too_large(&self) -> Option<String> {
        let sizes = [
            ("warnings", self.warnings.len()),
            ("crashes", self.crashes.len()),
            ("prerequisites", self.prerequisites.len()),
            ("libraries to preload", self.provided.preload.len()),
            ("settings", self.provided.settings.len()),
            ("packages", self.provided.packages.len()),
            ("reasons for what was provided", self.provided.why.len()),
            ("frames", self.crashes.iter().map(|crash| crash.frames.len()).max().unwrap_or_default()),
        ];
        if let Some((what, have)) = sizes.into_iter().find(|(_, have)| *have > MAX_ITEMS) {
            return Some(format!("it has {have} {what}, at most {MAX_ITEMS} are taken"));
        }
        let long = self.texts().any(|text| text.len() > MAX_TEXT);
        long.then(|| format!("one of its texts is longer than {MAX_TEXT} bytes"))
    }

    fn texts(&self) -> impl Iterator<Item = &String> {
        let crashes =
            self.crashes.iter().flat_map(|crash| [&crash.process, &crash.query].into_iter().chain(&crash.frames));
        let wanted = self.prerequisites.iter().flat_map(|one| [&one.wanted, &one.range].into_iter().chain(&one.sha1));
        let provided = &self.provided;
        let lists = [&provided.preload, &provided.packages, &provided.why].into_iter().flatten();
        let settings = provided.settings.iter().flat_map(|(name, value)| [name, value]);
        self.warnings.iter().map(|warning| &warning.text).chain(crashes).chain(wanted).chain(lists).chain(settings)
    }
}

/// Leaves out the end of a list that is too long.
fn shorten<T>(list: &mut Vec<T>, what: &str, left_out: &mut Vec<String>) {
    if list.len() > MAX_ITEMS {
        left_out.push(format!("Of {} {what} the first {MAX_ITEMS} are listed.", list.len()));
        list.truncate(MAX_ITEMS);
    }
}

/// Cuts a text that is too long, and says so by a sign at its end.
pub(crate) fn cut(text: &mut String) {
    const SIGN: char = '…';
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT - SIGN.len_utf8()));
        text.push(SIGN);
    }
}
