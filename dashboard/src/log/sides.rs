//! A unified diff with both sides beside each other.

use super::ansi::Line;
use super::diff::DiffLine;

/// A row: what names a file or a place, or a line of each side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Names the files or the place.
    Place(DiffLine, Line),
    /// What was expected, and what came.
    Sides(Option<Side>, Option<Side>),
}

/// A line of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    /// The line, without its sign; its number is that in the diff.
    pub line: Line,
    /// What it is.
    pub kind: DiffLine,
    /// Its number in its own file, where the diff says so.
    pub at: Option<u64>,
}

impl Row {
    /// Whether both sides are the same.
    pub(crate) fn is_same(&self) -> bool {
        matches!(self, Self::Sides(Some(left), Some(_)) if left.kind == DiffLine::Same)
    }
}

/// Whether a diff is of the form that can be put side by side.
pub(crate) fn has_sides(lines: &[(DiffLine, Line)]) -> bool {
    lines.iter().any(|(kind, line)| *kind == DiffLine::Hunk && line.text().starts_with("@@"))
}

/// Puts what was taken away beside what came in its place.
pub(crate) fn sides(lines: Vec<(DiffLine, Line)>) -> Vec<Row> {
    let mut table = Table::default();
    for (kind, line) in lines {
        table.add(kind, line);
    }
    table.flush();
    table.rows
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    /// The next line of each file.
    next: [Option<u64>; 2],
    /// What is not beside anything yet.
    waiting: [Vec<Side>; 2],
}

impl Table {
    fn add(&mut self, kind: DiffLine, line: Line) {
        match kind {
            DiffLine::Removed => {
                if !self.waiting[1].is_empty() {
                    self.flush();
                }
                let side = self.side(0, kind, without_sign(line));
                self.waiting[0].push(side);
            }
            DiffLine::Added => {
                let side = self.side(1, kind, without_sign(line));
                self.waiting[1].push(side);
            }
            DiffLine::Same | DiffLine::Changed => {
                self.flush();
                let line = without_sign(line);
                let left = self.side(0, DiffLine::Same, line.clone());
                let right = self.side(1, DiffLine::Same, line);
                self.rows.push(Row::Sides(Some(left), Some(right)));
            }
            // It stands between the two lines that it is said of.
            DiffLine::Head if line.text().starts_with('\\') => {}
            DiffLine::Head | DiffLine::Hunk => {
                self.flush();
                self.next = begins(&line.text());
                self.rows.push(Row::Place(kind, line));
            }
        }
    }

    fn side(&mut self, which: usize, kind: DiffLine, line: Line) -> Side {
        let at = self.next[which];
        self.next[which] = at.map(|at| at.saturating_add(1));
        Side { line, kind, at }
    }

    fn flush(&mut self) {
        let [left, right] = std::mem::take(&mut self.waiting);
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        loop {
            match (left.next(), right.next()) {
                (None, None) => return,
                (left, right) => self.rows.push(Row::Sides(left, right)),
            }
        }
    }
}

/// Where both sides begin: `@@ -12,10 +12,11 @@`.
fn begins(hunk: &str) -> [Option<u64>; 2] {
    let number = |sign: char| {
        let word = hunk.strip_prefix("@@")?.split(' ').find_map(|word| word.strip_prefix(sign))?;
        word.split(',').next()?.parse().ok()
    };
    [number('-'), number('+')]
}

fn without_sign(mut line: Line) -> Line {
    if let Some(first) = line.spans.first_mut() {
        let sign = first.text.chars().next().map_or(0, char::len_utf8);
        first.text.drain(..sign);
    }
    line.spans.retain(|span| !span.text.is_empty());
    line
}

#[cfg(test)]
mod tests {
    use super::super::{beginning, classify};
    use super::*;

    fn rows(diff: &str) -> Vec<String> {
        let (_, lines) = beginning(diff.as_bytes(), 100);
        let lines: Vec<_> = lines.into_iter().map(|line| (classify(&line.text()), line)).collect();
        let side = |side: &Option<Side>| match side {
            Some(side) => format!("{}:{}", side.at.map_or("?".to_owned(), |at| at.to_string()), side.line.text()),
            None => "-".to_owned(),
        };
        let row = |row: &Row| match row {
            Row::Place(_, line) => line.text(),
            Row::Sides(left, right) => format!("{} | {}", side(left), side(right)),
        };
        assert_eq!(has_sides(&lines), diff.contains("@@"));
        sides(lines).iter().map(row).collect()
    }

    #[test]
    fn what_came_stands_beside_what_was_expected_under_the_numbers_of_both_files() {
        let diff = "diff -U3 /e/a.out /r/a.out\n@@ -12,4 +12,5 @@\n same\n-one\n-two\n+ONE\n+TWO\n+three\n end\n";
        assert_eq!(
            rows(diff),
            [
                "diff -U3 /e/a.out /r/a.out",
                "@@ -12,4 +12,5 @@",
                "12:same | 12:same",
                "13:one | 13:ONE",
                "14:two | 14:TWO",
                "- | 15:three",
                "15:end | 16:end"
            ]
        );
    }

    #[test]
    fn what_is_only_on_one_side_has_nothing_beside_it_and_a_missing_end_is_no_line() {
        let diff = "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n-c\n";
        assert_eq!(rows(diff), ["@@ -1 +1 @@", "1:a | 1:b", "2:c | -"]);
    }

    #[test]
    fn a_part_that_begins_within_a_place_has_no_numbers_before_the_next_one() {
        assert_eq!(rows(" a\n+b\n@@ -7 +8 @@\n c\n"), ["?:a | ?:a", "- | ?:b", "@@ -7 +8 @@", "7:c | 8:c"]);
        assert_eq!(rows("@@ nonsense @@\n-x\n"), ["@@ nonsense @@", "?:x | -"]);
    }
}
