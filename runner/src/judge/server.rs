//! What the server's log says: which processes were killed by a signal, and whether somebody shut the server down.

use std::sync::LazyLock;

use protocol::{Decisive, Reason};
use regex::Regex;

use crate::judge::cause::Cause;
use crate::judge::lines::{Line, lines, shown};
use crate::judge::{Evidence, LogFile, Server};

/// The postmaster's words when it reaps a child; a worker of parallel query or of an extension is a `background worker`.
static KILLED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"LOG:\s+(?P<process>.+) \(PID (?P<pid>\d{1,9})\) was terminated by signal (?P<signal>\d{1,3})(?:: (?P<name>.*))?",
    )
});
static PANIC: LazyLock<Regex> = LazyLock::new(|| compiled(r"\bPANIC:\s+(?P<it>.+)"));
static RUNNING: LazyLock<Regex> = LazyLock::new(|| compiled(r"DETAIL:\s+Failed process was running: (?P<it>.+)"));
static SHUT_DOWN: LazyLock<Regex> = LazyLock::new(|| compiled(r"LOG:\s+received \w+ shutdown request"));

static CROWDED: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"LOG:\s+could not fork .*: Resource temporarily unavailable"));
static READY: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"LOG:\s+database system is ready to accept (?:read.only )?connections"));

/// Signals that people and scripts send, and the kernel where memory ends.
const SENT: [&str; 4] = ["2", "3", "9", "15"];

/// So many faults of one log are told of.
const MAX_FAULTS: usize = 50;
const MAX_QUERY_CHARS: usize = 1_000;

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the tests compile every pattern")
}

/// A server process that a fault killed, in the postmaster's words.
///
/// Whatever can write a line into the server's log can make one up, and only a distribution's own code can do so: it would be its own crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) pid: u32,
    /// What it was, in the log's own words, which differ between majors: `server process` up to 17, `client backend` since 18.
    pub(crate) process: String,
    pub(crate) signal: i32,
    /// The signal's name as the server's C library has it.
    pub(crate) signal_name: String,
    /// Empty where the log does not say.
    pub(crate) query: String,
    /// The line of the log that says so.
    pub(crate) line: u64,
}

impl Fault {
    /// As the postmaster says it.
    pub(crate) fn in_words(&self) -> String {
        let Self { process, pid, signal, signal_name, .. } = self;
        let name = if signal_name.is_empty() { String::new() } else { format!(": {signal_name}") };
        format!("{process} (PID {pid}) was terminated by signal {signal}{name}")
    }
}

/// The server processes that a fault killed, in order.
pub(crate) fn faults(log: LogFile<'_>) -> Vec<Fault> {
    let mut lines = lines(log).filter(|line| !line.text.is_empty()).peekable();
    let mut faults = Vec::new();
    while let Some(line) = lines.next().filter(|_| faults.len() < MAX_FAULTS) {
        let Some(killed) = KILLED.captures(&line.text).filter(|killed| !SENT.contains(&&killed["signal"])) else {
            continue;
        };
        let name = killed.name("name").map_or("", |name| name.as_str());
        let (Ok(pid), Ok(signal)) = (killed["pid"].parse(), killed["signal"].parse()) else { continue };
        let query = query(std::iter::from_fn(|| lines.next_if(|next| is_detail(&next.text))));
        let (process, signal_name) = (shown(&killed["process"], 200), shown(name, 60));
        faults.push(Fault { pid, process, signal, signal_name, query, line: line.number });
    }
    faults
}

/// What belongs to the line before: its detail, and further lines of a statement that has several.
fn is_detail(text: &str) -> bool {
    text.starts_with('\t') || RUNNING.is_match(text)
}

fn query<'a>(mut lines: impl Iterator<Item = Line<'a>>) -> String {
    let Some(first) = lines.next() else { return String::new() };
    let Some(running) = RUNNING.captures(&first.text) else { return String::new() };
    let mut text = running["it"].to_owned();
    for line in lines {
        if text.len() < 4 * MAX_QUERY_CHARS {
            text.push(' ');
            text.push_str(line.text.trim());
        }
    }
    shown(&text, MAX_QUERY_CHARS)
}

/// A server process that died of a fault, with where it was and what it was running, as far as a backtrace and the log say so.
pub(crate) fn crash(evidence: &Evidence<'_>) -> Option<Cause> {
    logged(evidence).or_else(|| postmaster(evidence))
}

fn logged(evidence: &Evidence<'_>) -> Option<Cause> {
    let log = evidence.server_log?;
    let panic = lines(log).find(|line| PANIC.is_match(&line.text));
    let fault = faults(log).into_iter().next();
    let Some(fault) = fault.filter(|fault| panic.as_ref().is_none_or(|panic| fault.line < panic.number)) else {
        let panic = panic?;
        let it = PANIC.captures(&panic.text).map(|captures| captures["it"].to_owned());
        return Some(Cause::at(&panic, Reason::ServerCrashed, it.unwrap_or_default()));
    };
    let statement = if fault.query.is_empty() { String::new() } else { format!(", while it ran: {}", fault.query) };
    let what = place(evidence, fault.pid).unwrap_or_else(|| fault.in_words());
    let line = lines(log).find(|line| line.number == fault.line)?;
    Some(Cause::at(&line, Reason::ServerCrashed, format!("{what}{statement}")))
}

/// Where a process was, in words.
fn place(evidence: &Evidence<'_>, pid: u32) -> Option<String> {
    let site = evidence.sites.iter().find(|site| site.pid == pid)?;
    (!site.place.is_empty()).then(|| format!("signal {} in {}", site.signal, site.place))
}

/// The postmaster itself, which nobody reaps: its log says nothing.
fn postmaster(evidence: &Evidence<'_>) -> Option<Cause> {
    let site = evidence.sites.iter().find(|site| site.postmaster).filter(|_| evidence.server != Server::Running)?;
    let place = if site.place.is_empty() { String::new() } else { format!(" in {}", site.place) };
    let detail = format!("signal {}{place}, while the server started or stood by itself", site.signal);
    Some(Cause { decisive: last_line(evidence), ..Cause::unshown(Reason::ServerCrashed, detail) })
}

/// Why the farm's server does not answer any more; none where it does.
pub(crate) fn gone(evidence: &Evidence<'_>) -> Option<Cause> {
    match evidence.server {
        Server::Running => None,
        Server::NotStarted => {
            Some(Cause { decisive: last_line(evidence), ..Cause::unshown(Reason::ServerNotStarted, "") })
        }
        Server::Gone => Some(stopped(evidence).or_else(|| crowded(evidence)).unwrap_or_else(|| {
            let detail = "it answered before this phase and did not afterwards, and its log does not say why";
            Cause { decisive: last_line(evidence), ..Cause::unshown(Reason::EngineFailed, detail) }
        })),
    }
}

/// A shutdown that was asked for, and after which the server did not come back: only the distribution's own commands can have done that.
/// One after which it did is a restart, such as the farm's own.
fn stopped(evidence: &Evidence<'_>) -> Option<Cause> {
    let log = evidence.server_log?;
    let line = lines(log).fold(None, |found, line| {
        if READY.is_match(&line.text) { None } else { found.or_else(|| SHUT_DOWN.is_match(&line.text).then_some(line)) }
    })?;
    Some(Cause::at(&line, crate::judge::unexplained(evidence.phase), "something shut the server down"))
}

/// A server that answers nobody, as there are as many processes as there may be.
fn crowded(evidence: &Evidence<'_>) -> Option<Cause> {
    let line = lines(evidence.server_log?).filter(|line| CROWDED.is_match(&line.text)).last()?;
    Some(Cause::at(&line, Reason::TooManyProcesses, ""))
}

/// The last line that says why, or the last line.
fn last_line(evidence: &Evidence<'_>) -> Option<Decisive> {
    let log = evidence.server_log?;
    let fatal = lines(log).filter(|line| line.text.contains("FATAL: ")).last();
    fatal.or_else(|| lines(log).filter(|line| !line.text.trim().is_empty()).last())?.decisive()
}

#[cfg(test)]
mod tests;
