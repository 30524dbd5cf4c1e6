//! What a run's page shows of its logs: the decisive line with its context, and the beginning of `regression.diffs`.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use protocol::{Decisive, RunId};
use serde::Serialize;

use crate::fault::Fault;
use crate::log::{DiffLine, Line, Row, beginning, classify, has_sides, sides};
use crate::{Dashboard, address};

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

/// The files of a run, each read once.
pub(super) struct Files<'a> {
    dashboard: &'a Dashboard,
    run: RunId,
    read: HashMap<String, Option<Bytes>>,
}

impl<'a> Files<'a> {
    /// Those of a run; none is read yet.
    pub(super) fn of(dashboard: &'a Dashboard, run: RunId) -> Self {
        Self { dashboard, run, read: HashMap::new() }
    }

    /// The bytes of a file; none where they are gone.
    pub(super) async fn get(&mut self, name: &str) -> Result<Option<Bytes>, Fault> {
        if let Some(read) = self.read.get(name) {
            return Ok(read.clone());
        }
        let bytes = self.dashboard.blobs().plain(self.run, name).await?;
        self.read.insert(name.to_owned(), bytes.clone());
        Ok(bytes)
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
    /// Where the differences of each test begin.
    #[serde(skip)]
    pub tests: BTreeMap<String, u64>,
}

impl Diffs {
    /// Whether the file goes on.
    pub(crate) fn goes_on(&self) -> bool {
        self.total_lines > self.lines.len() as u64
    }

    /// Whether both sides can stand beside each other.
    pub(crate) fn has_sides(&self) -> bool {
        has_sides(&self.lines)
    }

    /// Both sides beside each other.
    pub(crate) fn rows(&self) -> Vec<Row> {
        sides(self.lines.clone())
    }

    /// The place of a test's differences.
    pub(crate) fn of_test(&self, id: RunId, test: &str) -> Option<String> {
        self.tests.get(test).map(|line| address::line(id, &self.file, *line))
    }
}

/// Reads the beginning of a diff.
pub(crate) fn diffs(id: RunId, file: &str, bytes: &[u8]) -> Diffs {
    let (total_lines, lines) = beginning(bytes, DIFF_LINES);
    let lines = lines.into_iter().map(|line| (classify(&line.text()), line)).collect();
    Diffs { file: file.to_owned(), href: address::file(id, file), total_lines, lines, tests: tests(bytes) }
}

/// The tests whose differences a file has, by the names of their output, each with its first line.
fn tests(bytes: &[u8]) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let name = line.strip_prefix(b"diff ").and_then(|line| line.rsplit(|byte| *byte == b'/').next());
        let name = name.and_then(|name| std::str::from_utf8(name).ok()?.trim_end().strip_suffix(".out"));
        if let Some(name) = name {
            found.entry(name.to_owned()).or_insert(number);
        }
    }
    found
}

#[cfg(test)]
mod tests_of_diffs {
    use super::*;

    #[test]
    fn a_test_is_found_where_its_differences_begin() {
        let text =
            "diff -U3 /e/a.out /r/a.out\n-x\n+y\ndiff -U3 \"/e/b c.out\" /r/isolation/b-c.out\n-diff /x/no.out\n";
        let diffs = diffs(RunId::new(protocol::Timestamp::from_millis(0)), "regression.diffs", text.as_bytes());
        assert_eq!(diffs.tests, BTreeMap::from([("a".to_owned(), 1), ("b-c".to_owned(), 4)]));
        let place = diffs.of_test("01KAJ000000000000000000052".parse().unwrap(), "b-c").unwrap();
        assert_eq!(place, "/run/01KAJ000000000000000000052/regression.diffs#L4");
    }
}
