//! Long logs in parts, each with its own address, so that no page is endless.

use serde::Serialize;

use super::ansi::{Line, Style, paint};

/// The number of lines that one address shows.
pub(crate) const LINES_PER_PART: u64 = 2_000;

/// One part of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    /// Which part it is, from 1.
    pub number: u64,
    /// How many there are; at least 1.
    pub parts: u64,
    /// How many lines the whole log has.
    pub total_lines: u64,
    /// The lines of this part.
    pub lines: Vec<Line>,
}

impl Part {
    /// Cuts part `number` out of a log; none when there is no such part. An empty log has one empty part.
    pub(crate) fn cut(log: &[u8], number: u64) -> Option<Self> {
        let total_lines = lines_of(log).count() as u64;
        let parts = total_lines.div_ceil(LINES_PER_PART).max(1);
        if !(1..=parts).contains(&number) {
            return None;
        }
        let from = (number - 1) * LINES_PER_PART;
        Some(Self { number, parts, total_lines, lines: painted(log, from, LINES_PER_PART) })
    }
}

/// The part that holds a line.
pub(crate) const fn part_of_line(line: u64) -> u64 {
    line.saturating_sub(1) / LINES_PER_PART + 1
}

/// A line with up to `around` lines before and after it; empty when the log has no such line.
pub(crate) fn context(log: &[u8], line: u64, around: u64) -> Vec<Line> {
    if line == 0 || lines_of(log).count() < usize::try_from(line).unwrap_or(usize::MAX) {
        return Vec::new();
    }
    let from = (line - 1).saturating_sub(around);
    painted(log, from, line - from + around)
}

/// The lines after the first `from`, at most `count`; colours that start before them are not looked for.
fn painted(log: &[u8], from: u64, count: u64) -> Vec<Line> {
    let mut style = Style::default();
    let (skip, take) = (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(count).unwrap_or(usize::MAX));
    lines_of(log)
        .skip(skip)
        .take(take)
        .zip(from + 1..)
        .map(|(bytes, number)| paint(bytes, number, &mut style))
        .collect()
}

/// Lines without their line feed; the end of the last line is no line of its own.
fn lines_of(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    log.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(lines: u64) -> Vec<u8> {
        (1..=lines).flat_map(|line| format!("line {line}\n").into_bytes()).collect()
    }

    #[test]
    fn every_line_is_in_exactly_one_part_under_its_own_number() {
        let log = numbered(4_500);
        let parts: Vec<Part> = (1..=3).map(|number| Part::cut(&log, number).unwrap()).collect();
        assert_eq!(parts.iter().map(|part| part.lines.len()).collect::<Vec<_>>(), [2_000, 2_000, 500]);
        assert_eq!((parts[1].lines[0].number, parts[1].lines[0].text().as_str()), (2_001, "line 2001"));
        assert!(parts[2].parts == 3 && Part::cut(&log, 4).is_none() && Part::cut(&log, 0).is_none());
        assert_eq!((part_of_line(2_000), part_of_line(2_001), part_of_line(0)), (1, 2, 1));
    }

    #[test]
    fn an_empty_log_is_one_empty_part() {
        let part = Part::cut(b"", 1).unwrap();
        assert_eq!((part.parts, part.total_lines, part.lines.len()), (1, 0, 0));
    }

    #[test]
    fn a_last_line_without_its_end_is_a_line() {
        assert_eq!(Part::cut(b"a\nb", 1).unwrap().total_lines, 2);
        assert_eq!(Part::cut(b"a\nb\n", 1).unwrap().total_lines, 2);
        assert_eq!(Part::cut(b"\n\n", 1).unwrap().total_lines, 2);
    }

    #[test]
    fn context_stops_at_the_ends_of_the_log() {
        let log = numbered(10);
        let numbers = |line| context(&log, line, 3).iter().map(|line| line.number).collect::<Vec<_>>();
        assert_eq!(numbers(5), [2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(numbers(1), [1, 2, 3, 4]);
        assert_eq!(numbers(10), [7, 8, 9, 10]);
        assert!(numbers(0).is_empty() && numbers(11).is_empty());
    }
}
