//! What make itself says.

use protocol::Reason;
use regex::Captures;

use crate::judge::rules::configure::stopped;
use crate::judge::table::{Context, Rule, Weight, cause, said};
use crate::judge::unexplained;

/// Failures that a Makefile tells make to ignore: `make: [Makefile:3: x] Error 1 (ignored)`.
pub(crate) const PARDONS: &[Rule] =
    &[Rule { pattern: r"^g?make(?:\[\d+\])?: \[.*\] Error \d+ \(ignored\)$", weight: Weight::Pardon, meaning: trace }];

/// What stops make before it runs anything.
pub(crate) const RULES: &[Rule] = &[
    cause(r"^[^\s:]+:\d+: \*\*\* (?P<it>.+?)\.?  Stop\.$", stopped),
    // pllua 2.0.12: `make: lua53: No such file or directory`, then `Makefile:34: *** failed to get valid lua version.  Stop.`
    Rule { pattern: r"^[^\s:]+:\d+: \*\*\* (?P<it>.+?)\.?  Stop\.$", weight: Weight::Confirmation, meaning: trace },
];

/// Lines to show where nothing better is found.
pub(crate) const TRACES: &[Rule] =
    &[Rule { pattern: r"^g?make(?:\[\d+\])?: \*\*\* (?P<it>.+)", weight: Weight::Trace, meaning: trace }];

fn trace(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    Some((unexplained(context.phase), said(captures).to_owned()))
}
