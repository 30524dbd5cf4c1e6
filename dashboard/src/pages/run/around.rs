//! What a run found beside its verdict, and under which conditions it ran, in words.

use protocol::{Circumstances, Crash, LimitFacts, Origin, Phase, Prerequisite, RunId};
use serde::Serialize;

use crate::address;
use crate::text::{bytes, count, duration};

/// At most this many frames of a backtrace stand on the page; the file has them all.
const SHOWN_FRAMES: usize = 12;

/// The circumstances as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Around {
    /// What the lanes beyond installcheck found.
    pub warnings: Vec<WarningLine>,
    /// Server processes that were killed.
    pub crashes: Vec<CrashLine>,
    /// What had to be there before.
    pub prerequisites: Vec<PrerequisiteLine>,
    /// What the farm provided beyond the plain image: what, and the things.
    pub provided: Vec<(&'static str, Vec<String>)>,
    /// Why it provided that, a sentence each.
    pub why: Vec<String>,
    /// The limits that held: what, and how much.
    pub limits: Vec<(&'static str, String)>,
}

/// A finding of a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WarningLine {
    /// The lane.
    pub phase: Phase,
    /// What is wrong.
    pub text: String,
}

/// A server process that was killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CrashLine {
    /// What happened, in a sentence.
    pub sentence: String,
    /// The query that it ran; may be empty.
    pub query: String,
    /// Where it was, innermost first.
    pub frames: Vec<String>,
    /// How many frames are not shown.
    pub more_frames: usize,
    /// The whole backtrace.
    pub href: Option<String>,
}

/// A distribution or extension that had to be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PrerequisiteLine {
    /// What META asks for, with the range.
    pub wanted: String,
    /// Where it came from, in words.
    pub words: String,
    /// The release that was installed, or its distribution.
    pub href: Option<String>,
    /// Whether it is not there.
    pub is_missing: bool,
}

impl Around {
    /// The circumstances of a run in words.
    pub(crate) fn new(run: RunId, circumstances: &Circumstances) -> Self {
        let provided = &circumstances.provided;
        let settings = provided.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let things =
            [("Preloaded", provided.preload.clone()), ("Settings", settings), ("Packages", provided.packages.clone())];
        let warning = |it: &protocol::Warning| WarningLine { phase: it.phase, text: it.text.clone() };
        Self {
            warnings: circumstances.warnings.iter().map(warning).collect(),
            crashes: circumstances.crashes.iter().map(|crash| crash_line(run, crash)).collect(),
            prerequisites: circumstances.prerequisites.iter().map(prerequisite).collect(),
            provided: things.into_iter().filter(|(_, things)| !things.is_empty()).collect(),
            why: provided.why.clone(),
            limits: circumstances.limits.map(limits).unwrap_or_default(),
        }
    }

    /// Whether a phase has a warning.
    pub(crate) fn warns(&self, phase: Phase) -> bool {
        self.warnings.iter().any(|warning| warning.phase == phase)
    }
}

fn crash_line(run: RunId, crash: &Crash) -> CrashLine {
    let process = if crash.process.is_empty() { "server process" } else { &crash.process };
    let frames: Vec<String> = crash.frames.iter().take(SHOWN_FRAMES).cloned().collect();
    CrashLine {
        sentence: format!("A {process} was killed by {} in {}.", signal(crash.signal), crash.phase),
        query: crash.query.clone(),
        more_frames: crash.frames.len() - frames.len(),
        frames,
        href: crash.file.as_deref().map(|file| address::file(run, file)),
    }
}

/// A signal by its number and name: `signal 11 (SIGSEGV)`.
pub(crate) fn signal(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return format!("signal {number}"),
    };
    format!("signal {number} ({name})")
}

fn prerequisite(it: &Prerequisite) -> PrerequisiteLine {
    let which = match (&it.dist, &it.version) {
        (Some(dist), Some(version)) => format!("{dist} {version}"),
        (Some(dist), None) => dist.to_string(),
        (None, Some(version)) => version.to_string(),
        (None, None) => String::new(),
    };
    let words = match (it.origin, which.as_str()) {
        (Origin::Server, "") => "the server ships it".to_owned(),
        (Origin::Server, which) => format!("the server ships it: {which}"),
        (Origin::Built, which) => format!("{which} was built and installed for this run"),
        (Origin::Cached, which) => format!("{which} was installed; an earlier run had built it"),
        (Origin::Missing, "") => "it is not there: nothing has it".to_owned(),
        (Origin::Missing, which) => format!("it is not there: {which} could not be used"),
    };
    let href = it.dist.as_ref().map(|dist| match &it.version {
        Some(version) => address::release(dist, version),
        None => address::dist(dist),
    });
    let wanted =
        if it.range.is_empty() || it.range == "0" { it.wanted.clone() } else { format!("{} {}", it.wanted, it.range) };
    PrerequisiteLine { wanted, words: words.trim().to_owned(), href, is_missing: it.origin == Origin::Missing }
}

fn limits(facts: LimitFacts) -> Vec<(&'static str, String)> {
    vec![
        ("Memory", format!("{}, file systems in memory included", bytes(facts.memory_bytes))),
        ("Processors", facts.cpus.to_string()),
        ("Processes", count(u64::from(facts.processes), "process or thread", "processes and threads")),
        ("A phase", duration(facts.phase_ms)),
        ("The run", duration(facts.run_ms)),
        ("Silence", duration(facts.silence_ms)),
        ("A log", bytes(facts.log_bytes)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(origin: Origin, dist: Option<&str>, version: Option<&str>) -> Prerequisite {
        Prerequisite {
            wanted: "semver".into(),
            range: ">= 0.30".into(),
            dist: dist.map(|dist| dist.parse().unwrap()),
            version: version.map(|version| version.parse().unwrap()),
            sha1: None,
            origin,
        }
    }

    #[test]
    fn every_origin_is_said_in_words_and_leads_to_its_release() {
        let cases = [
            (wanted(Origin::Server, None, None), "the server ships it", None),
            (wanted(Origin::Server, None, Some("1.8")), "the server ships it: 1.8", None),
            (
                wanted(Origin::Built, Some("semver"), Some("0.40.0")),
                "semver 0.40.0 was built and installed for this run",
                Some("/dist/semver/0.40.0/"),
            ),
            (
                wanted(Origin::Cached, Some("semver"), Some("0.40.0")),
                "semver 0.40.0 was installed; an earlier run had built it",
                Some("/dist/semver/0.40.0/"),
            ),
            (
                wanted(Origin::Missing, Some("semver"), None),
                "it is not there: semver could not be used",
                Some("/dist/semver/"),
            ),
            (wanted(Origin::Missing, None, None), "it is not there: nothing has it", None),
        ];
        for (prerequisite_, words, href) in cases {
            let line = prerequisite(&prerequisite_);
            assert_eq!((line.words.as_str(), line.href.as_deref()), (words, href));
            assert_eq!(line.wanted, "semver >= 0.30");
        }
    }

    #[test]
    fn a_crash_says_what_was_killed_by_what_and_where() {
        let run = RunId::new(protocol::Timestamp::from_millis(0));
        let crash = Crash {
            phase: Phase::Installcheck,
            process: String::new(),
            signal: 11,
            query: "SELECT 1".into(),
            frames: (0..40).map(|number| format!("f{number} at a.c:{number}")).collect(),
            file: Some("backtrace-1.txt".into()),
        };
        let line = crash_line(run, &crash);
        assert_eq!(line.sentence, "A server process was killed by signal 11 (SIGSEGV) in installcheck.");
        assert_eq!((line.frames.len(), line.more_frames), (12, 28));
        assert_eq!(line.href, Some(format!("/run/{run}/backtrace-1.txt")));
        assert_eq!(signal(64), "signal 64");
    }
}
