//! What the server's log says: which process was killed by a signal, and whether somebody shut the server down.

use std::sync::LazyLock;

use protocol::{Decisive, Reason};
use regex::Regex;

use crate::judge::cause::Cause;
use crate::judge::lines::lines;
use crate::judge::{Evidence, Server};

/// The postmaster's words when it reaps a child; a worker of parallel query or of an extension is a `background worker`.
static KILLED: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"LOG:\s+(?P<it>.+ \(PID \d+\) was terminated by signal (?P<signal>\d+).*)"));
static PANIC: LazyLock<Regex> = LazyLock::new(|| compiled(r"\bPANIC:\s+(?P<it>.+)"));
static RUNNING: LazyLock<Regex> = LazyLock::new(|| compiled(r"DETAIL:\s+Failed process was running: (?P<it>.+)"));
static SHUT_DOWN: LazyLock<Regex> = LazyLock::new(|| compiled(r"LOG:\s+received \w+ shutdown request"));

/// Signals that people and scripts send.
const SENT: [&str; 4] = ["2", "3", "9", "15"];

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the tests compile every pattern")
}

/// A server process that died of a fault, with what it was running where the log says so.
pub(crate) fn crash(evidence: &Evidence<'_>) -> Option<Cause> {
    let log = evidence.server_log?;
    let mut lines = lines(log).filter(|line| !line.text.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let killed = KILLED.captures(&line.text).filter(|killed| !SENT.contains(&&killed["signal"]));
        let Some(fault) = killed.or_else(|| PANIC.captures(&line.text)) else { continue };
        let running = lines.peek().and_then(|next| RUNNING.captures(&next.text));
        let statement = running.map_or(String::new(), |running| format!(", while it ran: {}", &running["it"]));
        return Some(Cause::at(&line, Reason::ServerCrashed, format!("{}{statement}", &fault["it"])));
    }
    None
}

/// Why the farm's server does not answer any more; none where it does.
pub(crate) fn gone(evidence: &Evidence<'_>) -> Option<Cause> {
    match evidence.server {
        Server::Running => None,
        Server::NotStarted => {
            Some(Cause { decisive: last_line(evidence), ..Cause::unshown(Reason::ServerNotStarted, "") })
        }
        Server::Gone => Some(stopped(evidence).unwrap_or_else(|| {
            let detail = "it answered before this phase and did not afterwards, and its log does not say why";
            Cause { decisive: last_line(evidence), ..Cause::unshown(Reason::EngineFailed, detail) }
        })),
    }
}

/// A shutdown that was asked for, which only the distribution's own commands can have done.
fn stopped(evidence: &Evidence<'_>) -> Option<Cause> {
    let log = evidence.server_log?;
    let line = lines(log).find(|line| SHUT_DOWN.is_match(&line.text))?;
    Some(Cause::at(&line, crate::judge::unexplained(evidence.phase), "something shut the server down"))
}

/// The last line that says why, or the last line.
fn last_line(evidence: &Evidence<'_>) -> Option<Decisive> {
    let log = evidence.server_log?;
    let fatal = lines(log).filter(|line| line.text.contains("FATAL: ")).last();
    fatal.or_else(|| lines(log).filter(|line| !line.text.trim().is_empty()).last())?.decisive()
}
