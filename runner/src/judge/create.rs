//! Judges the phase create: what psql printed when `CREATE EXTENSION` failed.

use protocol::Reason;

use crate::judge::cause::Cause;
use crate::judge::lines::{Line, lines};
use crate::judge::messages::{Within, explain, first_error};
use crate::judge::table::Context;
use crate::judge::{Evidence, command, server};

/// The runner's own line before it tries again with `CASCADE`: the error before it has been answered.
const ONCE_MORE: &str = "once more with CASCADE";

/// Why it failed.
pub(crate) fn cause(evidence: &Evidence<'_>) -> Cause {
    if let Some(cause) = server::crash(evidence).or_else(|| server::gone(evidence)) {
        return cause;
    }
    let Some(message) = first_error(last_attempt(evidence), Within::Output) else { return command::explain(evidence) };
    let context = Context { setting: evidence.setting, phase: evidence.phase, text: "", next: "" };
    let (reason, detail) = explain(&message, &context).unwrap_or_else(|| {
        let first = message.text.lines().next().unwrap_or_default();
        let said = first.split_once("ERROR:").map_or(first, |(_, said)| said);
        (Reason::CreateFailed, said.trim().to_owned())
    });
    Cause::at(&message.line, reason, detail)
}

/// The lines that tell of what was not tried again.
fn last_attempt<'a>(evidence: &Evidence<'a>) -> impl Iterator<Item = Line<'a>> {
    let is_again = |line: &Line<'_>| line.text.starts_with("pgxn-testers: ") && line.text.ends_with(ONCE_MORE);
    let again = lines(evidence.log).filter(is_again).last().map_or(0, |line| line.number);
    lines(evidence.log).filter(move |line| line.number > again)
}
