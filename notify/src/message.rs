//! What is said of a turn: the same words in feeds, webhooks, mails and issues. Lines of logs are hostile: one line, of bounded length, without
//! control characters; whoever puts them into a format escapes them for it.

use protocol::{Comparison, Grade, Timestamp};
use serde::Serialize;
use store::history::Turn;

/// So much of a line of a log is told.
const MOST_CHARS: usize = 300;

/// A turn in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The distribution.
    pub dist: String,
    /// The version.
    pub version: String,
    /// The PostgreSQL major.
    pub postgresql: u16,
    /// The platform.
    pub platform: &'static str,
    /// How it turned: NEW-FAIL or FIXED.
    pub comparison: Comparison,
    /// The grade.
    pub grade: Grade,
    /// The phase in which it ended.
    pub phase: &'static str,
    /// The reason's code.
    pub reason: &'static str,
    /// All of it in a line.
    pub headline: String,
    /// Why, in a sentence.
    pub sentence: String,
    /// The decisive line of the log.
    pub decisive: Option<String>,
    /// Since when it is so.
    pub turned_at: Timestamp,
    /// The path of the run's page.
    pub run: String,
    /// The path of the page of the run that it was compared with.
    pub before: String,
}

impl Message {
    /// What is said of a turn.
    pub fn of(turn: &Turn) -> Self {
        let (line, summary) = (&turn.line, &turn.line.summary);
        let sentence = summary.reason.sentence();
        let detail = one_line(&summary.detail);
        Self {
            dist: line.dist.to_string(),
            version: line.version.to_string(),
            postgresql: line.target.major.number(),
            platform: line.target.platform.as_str(),
            comparison: turn.comparison,
            grade: summary.grade,
            phase: summary.phase.as_str(),
            reason: summary.reason.as_str(),
            headline: headline(turn),
            sentence: if detail.is_empty() { sentence.to_owned() } else { format!("{sentence} {detail}") },
            decisive: summary.decisive.as_deref().map(one_line).filter(|line| !line.is_empty()),
            turned_at: turn.at,
            run: format!("/run/{}", summary.run_id),
            before: format!("/run/{}", turn.before),
        }
    }

    /// Whether it turned red.
    pub fn is_red(&self) -> bool {
        self.comparison == Comparison::NewFail
    }
}

/// A turn in a line.
pub fn headline(turn: &Turn) -> String {
    let line = &turn.line;
    let release = format!("{} {}", line.dist, line.version);
    let on = format!("on PostgreSQL {} ({})", line.target.major, line.target.platform);
    match (turn.comparison, line.summary.grade) {
        (Comparison::NewFail, _) => format!("{release} fails in {} {on}, and did not before", line.summary.phase),
        (_, Grade::Untested) => format!("{release} builds {on}, and failed before"),
        _ => format!("{release} passes {on}, and failed before"),
    }
}

/// A text of a log or a report as it may be told: one line, without what no format takes.
pub(crate) fn one_line(text: &str) -> String {
    let spaced = text.chars().map(|c| if c == '\n' || c == '\t' || c == '\r' { ' ' } else { c });
    let plain: String = spaced
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .collect();
    plain.trim().chars().take(MOST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_log_is_one_line_of_bounded_length_without_control_characters() {
        assert_eq!(one_line(" a\r\nb\tc\u{1b}[31m\0\u{202e}d "), "a  b c[31md");
        assert_eq!(one_line(&"é".repeat(1_000)).chars().count(), MOST_CHARS);
    }
}
