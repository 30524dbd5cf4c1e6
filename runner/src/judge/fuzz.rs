//! What the fuzzer calls, and the tests with what it found: the judge reads what a distribution printed.

use std::collections::BTreeSet;

use protocol::{PgMajor, Phase};

use super::{Evidence, Finding, Limit, LogFile, Server, Setting, judge};

/// What separates the parts of one input: how the phase ended, its log, the server's log, the diffs.
const BETWEEN: &str = "\n=====\n";

/// Judges a phase made of arbitrary bytes; what is found is bounded, and names lines that are there.
pub fn evidence(bytes: &[u8]) {
    let mut parts = split(bytes).into_iter();
    let mut part = || parts.next().unwrap_or_default();
    let (end, log, server_log) = (part(), part(), part());
    let diffs: Vec<LogFile<'_>> = parts.take(3).map(|bytes| LogFile { name: "regression.diffs", bytes }).collect();
    let files = ["Makefile".to_owned(), "src/pair.h".to_owned(), "sql/pair.sql".to_owned()];
    let (provides, shipped) = (["pair".to_owned()], BTreeSet::from(["plpgsql".to_owned(), "hstore".to_owned()]));
    let major = PgMajor::try_from(17).expect("17 is a major");
    let setting = Setting::new(major, &files, &provides, &shipped);
    let log = LogFile { name: "phase.log", bytes: log };
    let mut evidence = Evidence::ended(&setting, Phase::Build, 0, log);
    ended(&mut evidence, end);
    evidence.server_log = Some(LogFile { name: "server.log", bytes: server_log });
    evidence.diffs = diffs;
    check(&evidence, &judge(&evidence));
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN.as_bytes()) {
        parts.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    parts.push(rest);
    parts
}

/// Reads how the phase ended: its own digit, then letters for what else is so.
fn ended(evidence: &mut Evidence<'_>, end: &[u8]) {
    let phases = [Phase::Configure, Phase::Build, Phase::Install, Phase::Create, Phase::Installcheck];
    evidence.phase = phases[end.first().map_or(0, |byte| usize::from(*byte) % phases.len())];
    let says = |letter: u8| end.contains(&letter);
    evidence.exit = if says(b'k') { None } else { Some(i32::from(says(b'x')) * 2) };
    evidence.signal = says(b'k').then_some(9);
    evidence.limit = match (says(b't'), says(b's')) {
        (true, _) => Some(Limit::Time),
        (_, true) => Some(Limit::Silence),
        _ => None,
    };
    (evidence.out_of_memory, evidence.out_of_space) = (says(b'm'), says(b'd'));
    evidence.server = match (says(b'g'), says(b'n')) {
        (true, _) => Server::Gone,
        (_, true) => Server::NotStarted,
        _ => Server::Running,
    };
}

fn check(evidence: &Evidence<'_>, finding: &Finding) {
    let Some(verdict) = &finding.verdict else { return };
    assert!(verdict.detail.len() <= 4_096, "{}", verdict.detail.len());
    assert!(!verdict.detail.contains(|c: char| c.is_control()), "{:?}", verdict.detail);
    let Some(decisive) = &verdict.decisive else { return };
    assert!(!decisive.text.contains(|c: char| c.is_control()), "{:?}", decisive.text);
    let files = [Some(evidence.log), evidence.server_log].into_iter().flatten().chain(evidence.diffs.iter().copied());
    let mut named = files.filter(|file| file.name == decisive.file).peekable();
    assert!(named.peek().is_some(), "it names {}", decisive.file);
    let lines = |file: LogFile<'_>| file.bytes.split(|byte| *byte == b'\n').count() as u64;
    assert!(named.any(|file| (1..=lines(file)).contains(&decisive.line)), "it names line {}", decisive.line);
}

#[cfg(test)]
#[path = "../../../fuzz/found.rs"]
mod found;

#[cfg(test)]
mod tests {
    #[test]
    fn everything_that_the_fuzzer_found_is_judged() {
        super::found::on_all("judge", super::evidence);
    }
}
