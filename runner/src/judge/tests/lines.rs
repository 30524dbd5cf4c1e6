//! How lines are shown.

use crate::judge::LogFile;
use crate::judge::lines::{lines, shown};

#[test]
fn colours_links_and_what_hides_text_are_taken_away() {
    assert_eq!(
        shown("\u{1b}[1;31merror:\u{1b}[0m \u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\ \u{202e}x\u{0}\u{8}", 100),
        "error: link x"
    );
    assert_eq!(shown("a\tb", 100), "a b");
    assert_eq!(shown("€€€€", 3), "€€€");
    assert_eq!(shown("\u{1b}[", 3), "");
}

#[test]
fn lines_are_counted_from_one_and_cut() {
    let long = format!("a\r\n\n{}\nend", "b".repeat(10_000));
    let lines: Vec<_> =
        lines(LogFile { name: "x", bytes: long.as_bytes() }).map(|line| (line.number, line.text.len())).collect();
    assert_eq!(lines, [(1, 1), (2, 0), (3, 4_096), (4, 3)]);
}

#[test]
fn an_empty_log_has_no_lines() {
    assert_eq!(lines(LogFile { name: "x", bytes: b"" }).count(), 0);
    assert_eq!(lines(LogFile { name: "x", bytes: b"\n" }).count(), 1);
}
