//! Long logs in parts, each with its own address, so that no page is endless.

use serde::Serialize;

use super::ansi::{Budget, Line, Style, paint};

/// The number of lines that one address shows.
pub(crate) const LINES_PER_PART: u64 = 200;

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
    /// How many lines and parts a log has; the lines of none of them.
    pub(crate) fn outline(log: &[u8]) -> Self {
        let total_lines = lines_of(log).count() as u64;
        Self { number: 1, parts: total_lines.div_ceil(LINES_PER_PART).max(1), total_lines, lines: Vec::new() }
    }

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

/// How many lines a log has, and the last of them; long ones are cut short.
pub(crate) fn ending(log: &[u8], count: u64) -> (u64, Vec<Line>) {
    let total = lines_of(log).count() as u64;
    let mut style = Style::default();
    let one = |(number, bytes)| paint(bytes, number, &mut style, &mut Budget::of_a_neighbour());
    (total, some_lines(log, total.saturating_sub(count), count).map(one).collect())
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
    let budget = |number| if number == line { Budget::of_a_part() } else { Budget::of_a_neighbour() };
    let mut style = Style::default();
    let one = |(number, bytes)| paint(bytes, number, &mut style, &mut budget(number));
    some_lines(log, from, line - from + around).map(one).collect()
}

/// How many lines a log has, and the first of them.
pub(crate) fn beginning(log: &[u8], count: u64) -> (u64, Vec<Line>) {
    (lines_of(log).count() as u64, painted(log, 0, count))
}

/// The lines after the first `from`, at most `count`; colours that start before them are not looked for.
fn painted(log: &[u8], from: u64, count: u64) -> Vec<Line> {
    let (mut style, mut budget) = (Style::default(), Budget::of_a_part());
    some_lines(log, from, count).map(|(number, bytes)| paint(bytes, number, &mut style, &mut budget)).collect()
}

/// Lines with their numbers.
fn some_lines(log: &[u8], from: u64, count: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let (skip, take) = (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(count).unwrap_or(usize::MAX));
    (from + 1..).zip(lines_of(log).skip(skip).take(take))
}

/// Lines without their line feed; the end of the last line is no line of its own.
pub(super) fn lines_of(log: &[u8]) -> impl Iterator<Item = &[u8]> {
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
        let log = numbered(450);
        let parts: Vec<Part> = (1..=3).map(|number| Part::cut(&log, number).unwrap()).collect();
        assert_eq!(parts.iter().map(|part| part.lines.len()).collect::<Vec<_>>(), [200, 200, 50]);
        assert_eq!((parts[1].lines[0].number, parts[1].lines[0].text().as_str()), (201, "line 201"));
        assert!(parts[2].parts == 3 && Part::cut(&log, 4).is_none() && Part::cut(&log, 0).is_none());
        assert_eq!((part_of_line(200), part_of_line(201), part_of_line(0)), (1, 2, 1));
    }

    #[test]
    fn a_part_of_long_lines_keeps_every_line_and_shows_less_of_each() {
        for piece in ["a\x01", "\x1b[1mb\x1b[m.", "\"", "\u{80}", "plain text ", "\x1b[35;45;1;2;3;4m<\x01"] {
            let line = format!("{}\n", piece.repeat(4_000 / piece.len() + 1));
            let log = line.repeat(250).into_bytes();
            let part = Part::cut(&log, 1).unwrap();
            assert_eq!((part.lines.len(), part.lines[199].number), (200, 200), "{piece:?}");
            let spans: usize = part.lines.iter().map(|line| line.spans.len()).sum();
            let text: usize = part.lines.iter().map(|line| line.text().len()).sum();
            assert!(spans <= 500 + 200 + 200 * 2 && text <= 3 * 60_000, "{piece:?}: {spans} spans, {text} bytes");
            let last = &part.lines[199];
            assert!(!last.text().is_empty() && last.cut > 3_000 && last.cut < line.len(), "{piece:?}: {}", last.cut);
        }
    }

    #[test]
    fn a_beginning_is_painted_alone() {
        let (total, lines) = beginning(&numbered(500), 3);
        assert_eq!((total, lines.len(), lines[2].text().as_str()), (500, 3, "line 3"));
    }

    #[test]
    fn an_ending_has_the_last_lines_under_their_own_numbers() {
        let (total, lines) = ending(&numbered(500), 3);
        assert_eq!((total, lines.len(), lines[0].number, lines[2].text().as_str()), (500, 3, 498, "line 500"));
        assert_eq!((ending(b"", 3).1.len(), ending(b"a", 3).1[0].number), (0, 1));
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

    #[test]
    fn a_long_line_does_not_push_the_decisive_one_away() {
        let log = format!("short\n{}\n{}\n", "x".repeat(9_000), "y".repeat(3_000));
        let lines = context(log.as_bytes(), 3, 2);
        assert_eq!(lines.iter().map(|line| line.text().len()).collect::<Vec<_>>(), [5, 400, 3_000]);
        assert_eq!((lines[1].cut, lines[2].cut), (8_600, 0));
    }
}
