//! Looks for words in a log.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::ansi::{Budget, Line, Span, Style, paint};
use super::part::lines_of;

/// At most so many lines are shown.
const MOST_LINES: usize = 500;
/// At most so many places of a line are marked.
const MOST_HITS: usize = 40;
const MAX_CHARS: usize = 100;

/// The lines that hold what was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many there are.
    pub total: u64,
    /// The first of them.
    pub lines: Vec<Line>,
}

/// What a person looks for, as it is looked for: one line of it, without spaces around it. Empty where nothing is looked for.
pub(crate) fn asked(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().trim().chars().take(MAX_CHARS).collect()
}

/// Looks for a text in whatever case; colours in between hide nothing.
pub(crate) fn find(log: &[u8], asked: &str) -> Found {
    let Ok(pattern) = RegexBuilder::new(&regex::escape(asked)).case_insensitive(true).build() else {
        return Found::default();
    };
    let (total, numbers) = numbers(&without_escapes(log), &pattern);
    let mut budget = Budget::of_a_part();
    let numbered = (1..).zip(lines_of(log)).filter(|(number, _)| numbers.contains(number));
    let painted = numbered.map(|(number, bytes)| paint(bytes, number, &mut Style::default(), &mut budget));
    Found { total, lines: painted.map(|line| marked(line, &pattern)).collect() }
}

/// How many lines match, and the numbers of the first of them.
fn numbers(text: &[u8], pattern: &Regex) -> (u64, BTreeSet<u64>) {
    let (mut total, mut numbers) = (0, BTreeSet::new());
    let (mut at, mut number) = (0, 1);
    while let Some(found) = pattern.find_at(text, at) {
        number += text[at..found.start()].split(|byte| *byte == b'\n').count() as u64 - 1;
        total += 1;
        if numbers.len() < MOST_LINES {
            numbers.insert(number);
        }
        let Some(end) = text[found.start()..].iter().position(|byte| *byte == b'\n') else { break };
        (at, number) = (found.start() + end + 1, number + 1);
    }
    (total, numbers)
}

/// The log without what only changes how it looks, line by line as it was.
fn without_escapes(log: &[u8]) -> Cow<'_, [u8]> {
    if !log.contains(&0x1b) {
        return Cow::Borrowed(log);
    }
    let mut plain = Vec::with_capacity(log.len());
    let mut rest = log;
    while let Some(at) = rest.iter().position(|byte| *byte == 0x1b) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(sequence) = rest.strip_prefix(b"[") else { continue };
        let end = sequence.iter().position(|byte| !(0x20..0x40).contains(byte)).unwrap_or(sequence.len());
        // The end of a line is never part of one.
        let is_final = sequence.get(end).is_some_and(|byte| (0x40..0x7f).contains(byte));
        rest = &sequence[end + usize::from(is_final)..];
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// The line with what was looked for marked.
fn marked(line: Line, pattern: &Regex) -> Line {
    let text = line.text();
    let hits: Vec<Range<usize>> =
        pattern.find_iter(text.as_bytes()).take(MOST_HITS).map(|found| found.range()).collect();
    let (mut spans, mut begins) = (Vec::new(), 0);
    for span in line.spans {
        let ends = begins + span.text.len();
        let cuts = hits.iter().flat_map(|hit| [hit.start, hit.end]).filter(|cut| (begins + 1..ends).contains(cut));
        let mut from = begins;
        for to in cuts.chain([ends]).collect::<Vec<_>>() {
            let is_hit = hits.iter().any(|hit| hit.contains(&from));
            let class = if is_hit { format!("{} hit", span.class).trim().to_owned() } else { span.class.clone() };
            spans.push(Span { class, text: span.text[from - begins..to - begins].to_owned() });
            from = to;
        }
        begins = ends;
    }
    Line { spans, ..line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(log: &str, what: &str) -> Vec<String> {
        let found = find(log.as_bytes(), what);
        let span = |span: &Span| match span.class.as_str() {
            "" => span.text.clone(),
            class => format!("<{class}:{}>", span.text),
        };
        let lines = found.lines.iter();
        lines.map(|line| format!("{} {}", line.number, line.spans.iter().map(span).collect::<String>())).collect()
    }

    #[test]
    fn lines_are_found_in_whatever_case_under_their_own_numbers() {
        let log = "gcc -c a.c\na.c:1: Error: x\nok\nno error, no ERROR\n";
        assert_eq!(shown(log, "error"), ["2 a.c:1: <hit:Error>: x", "4 no <hit:error>, no <hit:ERROR>"]);
        assert_eq!(shown("a (b\n", "(B"), ["1 a <hit:(b>"], "it is no pattern");
        assert_eq!(shown("\n\nlast", "LAST"), ["3 <hit:last>"]);
        assert!(shown(log, "nothing").is_empty());
        assert_eq!(shown("Größe\n", "GRÖSSE").len() + shown("Größe\n", "GRÖ").len(), 1);
    }

    #[test]
    fn colours_hide_nothing_and_move_no_line() {
        let log = "\u{1b}[1mfirst\u{1b}[m\nsrc/\u{1b}[01;31m\u{1b}[Kpg\u{1b}[mtap.c\n\u{1b}[31\n\u{1b}]x pgtap\n";
        assert_eq!(shown(log, "pgtap"), ["2 src/<b f1 hit:pg><hit:tap>.c", "4 "]);
        assert_eq!(find(log.as_bytes(), "first").lines[0].number, 1);
    }

    #[test]
    fn many_lines_are_counted_and_the_first_are_shown() {
        let found = find("x x x\n".repeat(3_000).as_bytes(), "x");
        assert_eq!((found.total, found.lines.len(), found.lines[499].number), (3_000, 500, 500));
    }

    #[test]
    fn what_is_asked_is_one_short_line() {
        assert_eq!((asked("  a b \n c"), asked(" \n "), asked("")), ("a b".into(), String::new(), String::new()));
        assert_eq!(asked(&"é".repeat(500)).chars().count(), 100);
    }
}
