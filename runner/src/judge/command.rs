//! What the log of a command says: configure, make, a compiler, a linker, a test driver.
//!
//! make stops at the first command that fails, so that the first line that is a cause decides. A line after which commands often go on
//! (a `$(shell …)` whose program is missing, a library that pkg-config does not know) is only a hint: the first one counts where no
//! cause follows, and the last one where make confirms it (`Error 127`, or a message after which it stops). What make ignores is forgotten.
//!
//! A build that failed in parallel is made once more, one job at a time: that many jobs at a time ran out of memory or of processes does not
//! explain why one fails.

use std::sync::LazyLock;

use protocol::Reason;

use crate::judge::cause::Cause;
use crate::judge::lines::{Line, lines};
use crate::judge::rules;
use crate::judge::table::{Context, Table, Weight};
use crate::judge::{Evidence, unexplained};

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::new(&[
        rules::limits::RULES,
        rules::make::PARDONS,
        rules::network::RULES,
        rules::configure::RULES,
        rules::headers::RULES,
        rules::linker::RULES,
        rules::programs::RULES,
        rules::modules::RULES,
        rules::files::RULES,
        rules::make::RULES,
        rules::compiler::RULES,
        rules::regress::RULES,
        rules::make::TRACES,
    ])
});

/// How the lines end by which make pardons: once a cause is known, only these can change anything.
const PARDON: &str = " (ignored)";

/// The runner's own line between the parallel attempt at a build and the serial one.
pub(crate) const ONE_BY_ONE: &str = "pgxn-testers: make failed; once more, one job at a time";

/// What was found in a log so far.
#[derive(Debug, Default)]
struct Search {
    cause: Option<Cause>,
    first_hint: Option<Cause>,
    last_hint: Option<Cause>,
    trace: Option<Cause>,
}

/// Why the command of this phase failed; never without an answer.
pub(crate) fn explain(evidence: &Evidence<'_>) -> Cause {
    let found = search(evidence, lines(evidence.log));
    let unshown = || Cause::unshown(unexplained(evidence.phase), "");
    found.cause.or(found.first_hint).or(found.trace).unwrap_or_else(unshown)
}

/// What these lines of the log say for certain, or hint at; none where they hold only traces.
pub(crate) fn explain_lines<'a>(evidence: &Evidence<'a>, lines: impl Iterator<Item = Line<'a>>) -> Option<Cause> {
    let found = search(evidence, lines);
    found.cause.or(found.first_hint)
}

fn search<'a>(evidence: &Evidence<'a>, lines: impl Iterator<Item = Line<'a>>) -> Search {
    let mut search = Search::default();
    let mut lines = lines.peekable();
    while let Some(line) = lines.next() {
        let is_known = search.cause.is_some() && !line.text.ends_with(PARDON) && line.text != ONE_BY_ONE;
        if line.text.is_empty() || is_known {
            continue;
        }
        if line.text == ONE_BY_ONE {
            search.forget_many_jobs();
        }
        let next = lines.peek().map_or("", |next| &next.text);
        let context = Context { setting: evidence.setting, phase: evidence.phase, text: &line.text, next };
        if let Some(found) = TABLE.explain(&context) {
            search.take(&line, found);
        }
    }
    search
}

impl Search {
    /// Forgets what only happens to many jobs at a time; had it been anything else, it would stand.
    fn forget_many_jobs(&mut self) {
        let all = [&mut self.cause, &mut self.first_hint, &mut self.last_hint];
        for cause in all {
            cause.take_if(|cause| matches!(cause.reason, Reason::OutOfMemory | Reason::TooManyProcesses));
        }
    }

    fn take(&mut self, line: &Line<'_>, (weight, reason, detail): (Weight, Reason, String)) {
        let cause = || Cause::at(line, reason, &detail);
        match weight {
            Weight::Cause => drop(self.cause.get_or_insert_with(cause)),
            Weight::Hint => {
                self.first_hint.get_or_insert_with(cause);
                self.last_hint = Some(cause());
            }
            Weight::Confirmation => {
                if self.cause.is_none() {
                    self.cause.clone_from(&self.last_hint);
                }
                self.trace.get_or_insert_with(cause);
            }
            Weight::Pardon => *self = Self::default(),
            Weight::Trace => drop(self.trace.get_or_insert_with(cause)),
        }
    }
}
