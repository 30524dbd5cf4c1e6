//! The server's messages as psql prints them: an `ERROR:` with the lines that belong to it.

use std::sync::LazyLock;

use protocol::Reason;
use regex::Regex;

use crate::judge::lines::Line;
use crate::judge::rules;
use crate::judge::table::{Context, Table};

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::new(&[rules::limits::RULES, rules::network::RULES, rules::modules::RULES, rules::sql::RULES])
});

/// A message that fails a statement, a connection that was lost, or a program that a script could not start.
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    compiled(concat!(
        r"(?:^|[\s:])(?:ERROR|FATAL|PANIC):|^psql: error|connection to server was lost|server closed the connection",
        r"|^(?:\S*/)?(?:ba|da)?sh(?:: line)?(?:: \d+)?: \S+: (?:command )?not found",
    ))
});
static BELONGS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^(?:psql:\S+ )?(?:DETAIL|HINT|CONTEXT|QUERY|LOCATION):|^\s|^LINE \d+:"));

/// A message has at most this many lines that are looked at.
const MAX_LINES: usize = 8;

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the tests compile every pattern")
}

/// In what kind of text messages are looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Within {
    /// What psql and others print.
    Output,
    /// The output of tests, where messages may stand in comments of TAP.
    Tap,
    /// A diff, of which only what it adds counts.
    Diff,
}

impl Within {
    /// What was printed, according to a line.
    fn printed(self, line: &str) -> Option<&str> {
        match self {
            Self::Output => Some(line),
            Self::Tap => Some(line.trim_start_matches(['#', ' '])),
            Self::Diff => line.strip_prefix('+').filter(|_| !line.starts_with("+++ ")),
        }
    }
}

/// A message, and the line where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) line: Line<'a>,
    pub(crate) text: String,
}

/// The first message that is an error.
pub(crate) fn first_error<'a>(lines: impl Iterator<Item = Line<'a>>, within: Within) -> Option<Message<'a>> {
    let mut found: Option<Message<'a>> = None;
    let mut more = 0;
    for line in lines {
        let printed = within.printed(&line.text).filter(|printed| !printed.is_empty());
        match (&mut found, printed) {
            (None, Some(printed)) if ERROR.is_match(printed) => {
                let text = printed.to_owned();
                found = Some(Message { line, text });
            }
            (None, _) => {}
            (Some(message), Some(printed)) if more < MAX_LINES && BELONGS.is_match(printed) => {
                message.text.push('\n');
                message.text.push_str(printed);
                more += 1;
            }
            (Some(_), _) => break,
        }
    }
    found
}

/// What a message means, where it is known.
pub(crate) fn explain(message: &Message<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let context = Context { text: &message.text, ..*context };
    TABLE.explain(&context).map(|(_, reason, detail)| (reason, detail))
}
