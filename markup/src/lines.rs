//! What readers of formats made of lines and of spans share.

use std::fmt::Write;

use crate::tags::{escape, escape_text};

/// Blocks and lists may be nested so deep; what is deeper is shown as it is written.
pub(crate) const DEEPEST: usize = 12;
/// Words may be marked within marked words so deep.
pub(crate) const DEEPEST_SPAN: usize = 4;
/// The end of a span is looked for so far ahead.
const FARTHEST: usize = 1000;

/// How many spaces a line begins with.
pub(crate) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether a line has nothing on it.
pub(crate) fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// The lines of a text, without tabs and ends of lines, so that columns can be counted.
pub(crate) fn expand(text: &str) -> String {
    if !text.contains(['\t', '\r']) {
        return text.to_owned();
    }
    let mut expanded = String::with_capacity(text.len() + text.len() / 8);
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let to = 8 - column % 8;
                (0..to).for_each(|_| expanded.push(' '));
                column += to;
            }
            '\r' => {}
            '\n' => {
                expanded.push('\n');
                column = 0;
            }
            c => {
                expanded.push(c);
                column += 1;
            }
        }
    }
    expanded
}

/// Where `end` is next, if it is not far; never at the beginning, as nothing would be between.
pub(crate) fn near(text: &str, end: &str) -> Option<usize> {
    let window = &text[..text.floor_char_boundary(FARTHEST)];
    let first = window.chars().next()?.len_utf8();
    window[first..].find(end).map(|at| at + first)
}

/// Lines without the indentation that they share, from the first to the last that is not blank.
pub(crate) fn dedent<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let from = lines.iter().position(|line| !is_blank(line)).unwrap_or(lines.len());
    let to = lines.iter().rposition(|line| !is_blank(line)).map_or(from, |at| at + 1);
    let lines = &lines[from..to];
    let least = lines.iter().filter(|line| !is_blank(line)).map(|line| indent(line)).min().unwrap_or(0);
    lines.iter().map(|line| line.get(least..).unwrap_or_default()).collect()
}

/// Code as HTML; `language` may be empty.
pub(crate) fn code(html: &mut String, lines: &[&str], language: &str) {
    let text = escape_text(lines.join("\n").trim_end());
    let _ = match language {
        "" => write!(html, "<pre><code>{text}</code></pre>"),
        language => write!(html, "<pre><code class=\"language-{}\">{text}</code></pre>", escape(language)),
    };
}

/// A link, unless the address is empty.
pub(crate) fn link(address: &str, inner: &str) -> String {
    if address.is_empty() { inner.to_owned() } else { format!("<a href=\"{}\">{inner}</a>", escape(address)) }
}

/// The address that a text begins with, without the punctuation of the sentence around it.
pub(crate) fn address(text: &str) -> Option<&str> {
    if !["https://", "http://"].iter().any(|scheme| text.starts_with(scheme)) {
        return None;
    }
    let window = &text[..text.floor_char_boundary(FARTHEST)];
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '[' | ']' | '|' | '{' | '}');
    let found = &window[..window.find(ends).unwrap_or(window.len())];
    let mut trimmed = found.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_']);
    // A bracket that was opened before the address closes after it.
    while trimmed.ends_with(')') && trimmed.matches('(').count() < trimmed.matches(')').count() {
        trimmed = trimmed[..trimmed.len() - 1].trim_end_matches(['.', ',', ';', ':']);
    }
    (trimmed.len() > 8).then_some(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_before_the_punctuation_around_it() {
        for (text, expected) in [
            ("https://a.org/x. And", Some("https://a.org/x")),
            ("http://a.org/x_(y)).", Some("http://a.org/x_(y)")),
            ("https://a.org/,", Some("https://a.org/")),
            ("https://", None),
            ("javascript:x", None),
        ] {
            assert_eq!(address(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_lose_what_they_share_and_tabs_become_columns() {
        assert_eq!(dedent(&["", "  a", "    b", "", " é"]), [" a", "   b", "", "é"]);
        assert_eq!(expand("a\tb\r\n\tc"), "a       b\n        c");
    }

    #[test]
    fn an_end_is_not_looked_for_far_away() {
        assert_eq!(near("*a*", "*"), Some(2));
        assert_eq!(near("", "*"), None);
        assert_eq!(near(&format!("{}*", "é".repeat(FARTHEST)), "*"), None);
    }
}
