//! What `pg_regress` says when it gives up: no test failed, but none runs any more.

use protocol::Reason;
use regex::Captures;

use crate::judge::table::{Context, Rule, cause, said};
use crate::judge::unexplained;

/// Why it gave up, in its own words. Warnings look the same, but it goes on after them.
pub(crate) const RULES: &[Rule] = &[
    // Since 16 a comment of TAP, after which it prints `Bail out!`. pgtap 1.3.3, whose schedule holds `ignore:`, a word that 18 does not know:
    // `# syntax error in schedule file "test/build/run.sch" line 3: ignore: policy`.
    cause(r"^# (?P<it>\S.*)", bailed_out),
    // Up to 15, some messages without and some with the program's name.
    cause(r#"^(?P<it>syntax error in schedule file ".*)"#, gave_up),
    cause(r"^pg_(?:isolation_)?regress: (?P<it>\S.*)", stopped),
];

fn gave_up(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    Some((unexplained(context.phase), said(captures).to_owned()))
}

fn bailed_out(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    if context.next.starts_with("Bail out!") { gave_up(captures, context) } else { None }
}

/// A message after which make stops.
fn stopped(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let is_last = context.next.starts_with("make") && context.next.contains(": *** [");
    if is_last { gave_up(captures, context) } else { None }
}
