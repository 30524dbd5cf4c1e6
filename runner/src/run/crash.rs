//! Server processes that a fault killed: found in the server's log and in what they wrote down themselves (`images/files/backtrace.c`),
//! told of in the report, and handed to the judge.
//!
//! A run in which nothing crashes pays for none of this. A SIGKILL is not among them: where memory ends, the kernel sends it, and the judge
//! calls that by its name. Of what is found here, only that the files came out of the container is certain: a distribution can make up
//! crashes of its own, and hide them as well. That hurts nobody else, as nothing in it leaves the bounds of a report.

mod dump;
mod trace;

use std::collections::BTreeSet;
use std::fmt::Write;

use protocol::{Crash, FileKind, Flag, Phase};

use crate::judge::{CrashSite, Fault, LogFile, faults, lines, shown};
use crate::run::Book;
use crate::sandbox::{LogText, Sandbox};

pub(crate) use dump::Dump;
use trace::Trace;

/// So many crashes of a run are told of.
const MAX_CRASHES: usize = 20;
/// So many frames of a crash are told of; its file has them all.
const MAX_FRAMES: usize = 64;
/// So many lines of the server's log stand before and after the one that tells of a crash.
const LINES_AROUND: (u64, u64) = (10, 8);
const MAX_LINE_CHARS: usize = 500;

/// What a look around found of crashes.
#[derive(Debug, Default)]
pub(crate) struct Crashes {
    found: Vec<Found>,
}

/// One crash: what the log says of it, what the process wrote down, or both.
#[derive(Debug)]
struct Found {
    pid: u32,
    fault: Option<Fault>,
    dump: Option<Dump>,
    /// Innermost first; whether each is in what the distribution itself installed.
    frames: Vec<(String, bool)>,
    /// Whether it happened before the phase began whose look this is.
    earlier: bool,
    /// The lines of the server's log around it.
    around: Vec<String>,
}

impl Crashes {
    /// Puts together what a log and dumps tell, and asks in the container where that is in the sources; no failure to do so is one of the run.
    pub(crate) async fn find(
        sandbox: &Sandbox,
        log: Option<LogFile<'_>>,
        dumps: Vec<Dump>,
        earlier: &BTreeSet<u32>,
    ) -> Self {
        let faults = log.map(faults).unwrap_or_default();
        if faults.is_empty() && dumps.is_empty() {
            return Self::default();
        }
        let trace = match trace::script(&dumps) {
            Some(script) => sandbox.copy_out(&script).await.map(|out| Trace::read(&out.said)).unwrap_or_default(),
            None => Trace::default(),
        };
        Self::of(faults, dumps, &trace, earlier, log)
    }

    fn of(
        faults: Vec<Fault>,
        mut dumps: Vec<Dump>,
        trace: &Trace,
        earlier: &BTreeSet<u32>,
        log: Option<LogFile<'_>>,
    ) -> Self {
        let mut found = Vec::new();
        for fault in faults {
            let dump = dumps.iter().position(|dump| dump.pid == fault.pid).map(|at| dumps.remove(at));
            let around = log.map(|log| around(log, fault.line)).unwrap_or_default();
            found.push(Found::of(fault.pid, (Some(fault), dump), trace, earlier, around));
        }
        for dump in dumps.into_iter().filter(|dump| dump.signal > 0) {
            let end = log.map(|log| around(log, lines(log).count() as u64)).unwrap_or_default();
            found.push(Found::of(dump.pid, (None, Some(dump)), trace, earlier, end));
        }
        found.truncate(MAX_CRASHES);
        Self { found }
    }

    /// What the judge is told.
    pub(crate) fn sites(&self) -> Vec<CrashSite> {
        self.found.iter().map(Found::site).collect()
    }

    /// Puts those into the report that are not in it yet; `told` remembers them.
    pub(crate) fn keep(&self, phase: Phase, told: &mut BTreeSet<u32>, book: &mut Book<'_>) {
        for found in &self.found {
            if book.circumstances.crashes.len() >= MAX_CRASHES || !told.insert(found.pid) {
                continue;
            }
            let text = LogText { bytes: found.text().into_bytes(), omitted_bytes: 0 };
            let file = book.keep(&format!("backtrace-{}.txt", found.pid), FileKind::Backtrace, &text);
            // Only the creation of extensions comes before the tests and uses the server.
            let phase = if found.earlier && phase == Phase::Installcheck { Phase::Create } else { phase };
            // What happens in a lane is told of, and changes nothing that is said of the tests.
            if !phase.only_warns() {
                book.flag(Flag::Crash);
            }
            book.circumstances.crashes.push(Crash {
                phase,
                process: found.process(),
                signal: found.signal(),
                query: found.query().to_owned(),
                frames: told_of(&found.frames),
                file,
            });
        }
    }
}

impl Found {
    fn of(
        pid: u32,
        (fault, dump): (Option<Fault>, Option<Dump>),
        trace: &Trace,
        earlier: &BTreeSet<u32>,
        around: Vec<String>,
    ) -> Self {
        let frames = dump.as_ref().map(|dump| trace.frames(dump)).unwrap_or_default();
        Self { pid, fault, dump, frames, earlier: earlier.contains(&pid), around }
    }

    fn signal(&self) -> i32 {
        let logged = self.fault.as_ref().map(|fault| fault.signal);
        logged.or(self.dump.as_ref().map(|dump| dump.signal)).unwrap_or_default()
    }

    fn query(&self) -> &str {
        self.fault.as_ref().map_or("", |fault| &fault.query)
    }

    /// In the words of `pg_stat_activity.backend_type`, whatever the major's log has for it.
    fn process(&self) -> String {
        let title = self.dump.as_ref().map_or("", |dump| dump.title.trim_start_matches("postgres: "));
        let Some(fault) = &self.fault else {
            let is_postmaster = self.dump.as_ref().is_some_and(Dump::is_postmaster);
            return if is_postmaster { "postmaster".into() } else { title.trim().to_owned() };
        };
        let worker = fault.process.strip_prefix("background worker \"").and_then(|rest| rest.strip_suffix('"'));
        match fault.process.as_str() {
            "server process" if title.starts_with("autovacuum worker") || fault.query.starts_with("autovacuum: ") => {
                "autovacuum worker".into()
            }
            "server process" if title.starts_with("walsender") => "walsender".into(),
            "server process" => "client backend".into(),
            process => worker.unwrap_or_else(|| process.trim_end_matches(" process")).to_owned(),
        }
    }

    /// The innermost frame of the distribution's own library; where it has none, the innermost that is not the C library's.
    fn place(&self) -> Option<&str> {
        // `libc.so.6` or `libc-2.31.so`.
        let is_c = |text: &str| {
            [" in libc.so", " in libc-", " in libpthread", ", where there is no code"]
                .iter()
                .any(|it| text.contains(it))
        };
        let own = self.frames.iter().find(|(_, is_own)| *is_own);
        own.or_else(|| self.frames.iter().find(|(text, _)| !is_c(text))).map(|(text, _)| text.as_str())
    }

    fn site(&self) -> CrashSite {
        let postmaster = self.fault.is_none() && self.dump.as_ref().is_some_and(Dump::is_postmaster);
        let place = self.place().unwrap_or_default().to_owned();
        CrashSite { pid: self.pid, signal: self.signal(), postmaster, place }
    }

    /// The file of the report.
    fn text(&self) -> String {
        let mut text = String::new();
        let named = self.fault.as_ref().map_or("", |fault| &fault.signal_name);
        let named = if named.is_empty() { String::new() } else { format!(": {named}") };
        // Writing to a string cannot fail.
        let _ =
            writeln!(text, "{} (PID {}) was terminated by signal {}{named}", self.process(), self.pid, self.signal());
        if !self.query().is_empty() {
            let _ = writeln!(text, "It was running: {}", self.query());
        }
        if let Some(address) = self.dump.as_ref().and_then(|dump| dump.address) {
            let _ = writeln!(text, "The address that it used: {address:#x}");
        }
        if let Some(sender) = self.dump.as_ref().and_then(|dump| dump.sender).filter(|sender| *sender != self.pid) {
            let _ = writeln!(text, "The signal was sent by the process {sender}.");
        }
        let _ = writeln!(text, "\nBacktrace, innermost first; `*` marks what the distribution installed:");
        if self.frames.is_empty() {
            let _ = writeln!(text, "  none: the process did not write one down");
        }
        for (number, (frame, is_own)) in self.frames.iter().enumerate() {
            let _ = writeln!(text, "{}#{number:<3} {frame}", if *is_own { "* " } else { "  " });
        }
        let _ = writeln!(text, "\nThe server's log around it:");
        for line in &self.around {
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

/// The innermost frames, as the report has them: a function that calls itself stands once, with how often.
///
/// There can be many more than the process wrote down, as functions that were compiled into others have frames of their own.
fn told_of(frames: &[(String, bool)]) -> Vec<String> {
    let runs = frames.chunk_by(|(left, _), (right, _)| left == right);
    let once = runs.map(|run| match run.len() {
        1 => run[0].0.clone(),
        times => format!("{} ({times} times)", run[0].0),
    });
    once.take(MAX_FRAMES).collect()
}

/// The lines around one.
fn around(log: LogFile<'_>, number: u64) -> Vec<String> {
    let (before, after) = LINES_AROUND;
    let wanted = number.saturating_sub(before)..=number.saturating_add(after);
    let near =
        lines(log).skip_while(|line| line.number < *wanted.start()).take_while(|line| line.number <= *wanted.end());
    near.map(|line| shown(&line.text, MAX_LINE_CHARS)).collect()
}

#[cfg(test)]
mod tests;
