//! A log as numbered lines, bounded and cleaned: nothing that a log holds may hurt the judge or a page.

use std::borrow::Cow;

use protocol::Decisive;

use crate::judge::LogFile;

/// Longer lines are judged, and shown, by their beginning only.
const MAX_LINE_BYTES: usize = 4_096;

/// The decisive line is shown with at most this many characters.
const MAX_SHOWN_CHARS: usize = 500;

/// One line of a log, with its number from 1.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) file: &'a str,
    pub(crate) number: u64,
    /// Its beginning, with invalid UTF-8 replaced, as the log has it otherwise.
    pub(crate) text: Cow<'a, str>,
}

impl Line<'_> {
    /// The line as a report names it; none where the report does not keep its file.
    pub(crate) fn decisive(&self) -> Option<Decisive> {
        let text = shown(&self.text, MAX_SHOWN_CHARS);
        Some(Decisive { file: self.file.to_owned(), line: self.number, text }).filter(|it| !it.file.is_empty())
    }
}

/// The lines of a file.
pub(crate) fn lines(file: LogFile<'_>) -> impl Iterator<Item = Line<'_>> {
    let name = file.name;
    let body = file.bytes.strip_suffix(b"\n").unwrap_or(file.bytes);
    let pieces = body.split(|byte| *byte == b'\n').take(if file.bytes.is_empty() { 0 } else { usize::MAX });
    pieces.zip(1..).map(move |(bytes, number)| Line { file: name, number, text: text(bytes) })
}

/// A line's beginning as text, without its carriage return.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_LINE_BYTES)])
}

/// Text without escape sequences and control characters, at most so many characters.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut left = most;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if left == 0 {
            break;
        }
        match char {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' => {
                out.push(' ');
                left -= 1;
            }
            char if is_unseen(char) => {}
            char => {
                out.push(char);
                left -= 1;
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Control characters, and those that reorder or hide what stands around them.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Skips what follows an escape character: a CSI or OSC sequence, or one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            let _ = chars.find(|char| matches!(char, '@'..='~'));
        }
        Some(']') => {
            while let Some(char) = chars.next() {
                if char == '\u{7}' || (char == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        _ => {}
    }
}
