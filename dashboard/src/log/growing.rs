//! A log that comes in pieces, cut wherever its runner was asked.

use super::ansi::{Budget, Line, Style, paint};
use super::part::lines_of;

/// A line that is longer than this is shown before its end has come.
const LONGEST: usize = 8 * 1024;

/// Paints what comes. A line is painted for good when it has ended; until then it can be shown as it is.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    style: Style,
    /// The line that has not ended.
    rest: String,
    lines: u64,
}

impl Growing {
    /// Takes a piece; the lines that end in it.
    pub(crate) fn feed(&mut self, text: &str) -> Vec<Line> {
        self.rest.push_str(text);
        let end = match self.rest.rfind('\n') {
            Some(at) => at + 1,
            None if self.rest.len() > LONGEST => self.rest.len(),
            None => 0,
        };
        let ended: String = self.rest.drain(..end).collect();
        self.paint(&ended)
    }

    /// The line that has not ended, as it looks now.
    pub(crate) fn open(&self) -> Option<Line> {
        let (mut style, mut budget) = (self.style, Budget::of_a_part());
        (!self.rest.is_empty()).then(|| paint(self.rest.as_bytes(), self.lines + 1, &mut style, &mut budget))
    }

    /// How much of the line is there that has not ended.
    pub(crate) fn open_bytes(&self) -> usize {
        self.rest.len()
    }

    /// No more will come of the line that has not ended.
    pub(crate) fn finish(&mut self) -> Vec<Line> {
        let rest = std::mem::take(&mut self.rest);
        self.paint(&rest)
    }

    fn paint(&mut self, text: &str) -> Vec<Line> {
        let mut budget = Budget::of_a_part();
        let mut one = |line| {
            self.lines += 1;
            paint(line, self.lines, &mut self.style, &mut budget)
        };
        lines_of(text.as_bytes()).map(&mut one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| format!("{}:{}", line.number, line.text())).collect()
    }

    #[test]
    fn a_line_is_for_good_when_it_has_ended_and_its_colour_goes_on() {
        let mut log = Growing::default();
        assert!(log.feed("gcc \u{1b}[31m-").is_empty());
        assert_eq!((log.open().unwrap().text().as_str(), log.open_bytes()), ("gcc -", 10));
        let lines = log.feed("c\nred\nnext");
        assert_eq!(texts(&lines), ["1:gcc -c", "2:red"]);
        assert_eq!((lines[1].spans[0].class.as_str(), log.open().unwrap().spans[0].class.as_str()), ("f1", "f1"));
        assert_eq!((texts(&log.finish()), log.open()), (vec!["3:next".to_owned()], None));
        assert!(log.finish().is_empty());
    }

    #[test]
    fn a_line_without_end_is_not_waited_for() {
        let mut log = Growing::default();
        let shown: usize = (0..100).map(|_| log.feed(&"x".repeat(1_000)).len()).sum();
        assert!(shown > 5 && log.open_bytes() <= LONGEST, "{shown}");
    }
}
