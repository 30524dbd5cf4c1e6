//! What the fuzzer calls, and the tests with what it found: a log is whatever a stranger's Makefile prints.

use crate::log::{LINES_PER_PART, Part, classify, context};

/// A log as a page shows it: no control character, no class from outside, no line lost.
pub fn log(bytes: &[u8]) {
    let Some(first) = Part::cut(bytes, 1) else { panic!("a log has a first part") };
    let last = Part::cut(bytes, first.parts).expect("it has as many parts as it says");
    assert_eq!(last.parts, first.parts);
    assert!(Part::cut(bytes, first.parts + 1).is_none());
    assert!(first.lines.len() as u64 <= LINES_PER_PART && last.lines.len() as u64 <= LINES_PER_PART);
    for line in first.lines.iter().chain(&last.lines) {
        let text = line.text();
        assert!(!text.contains(|c: char| c.is_control() && c != '\t'), "{text:?}");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == ' ';
        assert!(line.spans.iter().all(|span| span.class.chars().all(plain)));
        let _ = classify(&text);
    }
    assert!(context(bytes, first.total_lines / 2, 3).len() <= 7);
}

#[cfg(test)]
#[path = "../../fuzz/found.rs"]
mod found;

#[cfg(test)]
mod tests {
    #[test]
    fn everything_that_the_fuzzer_found_is_shown() {
        super::found::on_all("log", super::log);
    }
}
