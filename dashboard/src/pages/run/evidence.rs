//! What a run's page shows of its logs: the decisive line with its context, and the beginning of `regression.diffs`.

use protocol::{Decisive, RunId};
use serde::Serialize;

use crate::address;
use crate::log::{DiffLine, Line, beginning, classify};

/// At most this many lines of a diff stand on the run's own page.
const DIFF_LINES: u64 = 120;

/// The decisive line and its neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Excerpt {
    /// The file.
    pub file: String,
    /// The decisive line's number.
    pub line: u64,
    /// Its place in the whole log.
    pub href: String,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Excerpt {
    /// An excerpt; without lines, as the log is gone, what the report itself quotes.
    pub(crate) fn new(id: RunId, decisive: &Decisive, mut lines: Vec<Line>) -> Self {
        if lines.is_empty() {
            lines = crate::log::context(decisive.text.as_bytes(), 1, 0);
            for line in &mut lines {
                line.number = decisive.line;
            }
        }
        let href = address::line(id, &decisive.file, decisive.line);
        Self { file: decisive.file.clone(), line: decisive.line, href, lines }
    }
}

/// The beginning of a diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Diffs {
    /// The file.
    pub file: String,
    /// Its page.
    pub href: String,
    /// How many lines it has.
    pub total_lines: u64,
    /// Its first lines, each with what it is.
    pub lines: Vec<(DiffLine, Line)>,
}

impl Diffs {
    /// Whether the file goes on.
    pub(crate) fn goes_on(&self) -> bool {
        self.total_lines > self.lines.len() as u64
    }
}

/// Reads the beginning of a diff.
pub(crate) fn diffs(id: RunId, file: &str, bytes: &[u8]) -> Diffs {
    let (total_lines, lines) = beginning(bytes, DIFF_LINES);
    let lines = lines.into_iter().map(|line| (classify(&line.text()), line)).collect();
    Diffs { file: file.to_owned(), href: address::file(id, file), total_lines, lines }
}
