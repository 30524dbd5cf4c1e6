//! Lists: with bullets, numbers, terms, and the numbers of a listing.

use std::fmt::Write;

use super::{Reader, delimiter, interrupts};
use crate::lines::{DEEPEST, is_blank};

/// What begins an item: the mark that makes lists one, the kind, and the text after it.
struct Item<'a> {
    mark: String,
    kind: Kind,
    term: &'a str,
    text: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bullets,
    Numbers,
    Terms,
}

/// A list that begins at `at`; where it ends, or none where there is none.
pub(super) fn list(reader: &mut Reader, lines: &[&str], at: usize, depth: usize) -> Option<usize> {
    item(lines[at])?;
    Some(items(reader, lines, at, &mut Vec::new(), depth))
}

fn item(line: &str) -> Option<Item<'_>> {
    let line = line.trim_start();
    let (word, text) = line.split_once(' ').unwrap_or((line, ""));
    let of = |kind, mark: &str| Item { mark: mark.to_owned(), kind, term: "", text: text.trim_start() };
    let all = |mark: char| word.chars().all(|c| c == mark) && (1..=5).contains(&word.len());
    if !text.is_empty() {
        if all('*') || word == "-" || word == "•" {
            return Some(of(Kind::Bullets, word));
        }
        let number = word.strip_suffix('.').unwrap_or_default();
        let counts = !number.is_empty() && number.len() < 4 && number.bytes().all(|byte| byte.is_ascii_digit());
        if all('.') || counts {
            return Some(of(Kind::Numbers, if counts { "1." } else { word }));
        }
        let call = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')).unwrap_or_default();
        if !call.is_empty() && call.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Some(of(Kind::Numbers, "<1>"));
        }
    }
    let window = &line[..line.floor_char_boundary(200)];
    for mark in ["::::", ":::", "::", ";;"] {
        let Some(at) = window.find(mark).filter(|at| *at > 0) else { continue };
        let (term, text) = (&line[..at], &line[at + mark.len()..]);
        if (text.is_empty() || text.starts_with(' ')) && !term.contains("::") {
            return Some(Item { mark: mark.to_owned(), kind: Kind::Terms, term, text: text.trim() });
        }
    }
    None
}

/// The items of a list, of which `above` are those that it is in.
fn items(reader: &mut Reader, lines: &[&str], from: usize, above: &mut Vec<String>, depth: usize) -> usize {
    let Some(first) = item(lines[from]) else { return from };
    let (tag, kind) = match first.kind {
        Kind::Bullets => ("ul", "li"),
        Kind::Numbers => ("ol", "li"),
        Kind::Terms => ("dl", "dd"),
    };
    above.push(first.mark.clone());
    let _ = write!(reader.html, "<{tag}>");
    let mut at = from;
    while let Some(this) = lines.get(at).and_then(|line| item(line)).filter(|this| this.mark == first.mark) {
        if this.kind == Kind::Terms {
            let term = reader.inline(this.term);
            let _ = write!(reader.html, "<dt>{term}</dt>");
        }
        let _ = write!(reader.html, "<{kind}>");
        at = body(reader, (lines, at), this.text, above, depth);
        let _ = write!(reader.html, "</{kind}>");
        let next = at + lines[at..].iter().position(|line| !is_blank(line)).unwrap_or(lines.len() - at);
        if lines.get(next).and_then(|line| item(line)).is_some_and(|next| next.mark == first.mark) {
            at = next;
        }
    }
    let _ = write!(reader.html, "</{tag}>");
    above.pop();
    at
}

/// What belongs to an item: its text, the lists in it, and what is joined to it by lines with a plus.
fn body(
    reader: &mut Reader,
    (lines, at): (&[&str], usize),
    text: &str,
    above: &mut Vec<String>,
    depth: usize,
) -> usize {
    let more = lines[at + 1..].iter().take_while(|line| !interrupts(line) && item(line).is_none());
    let mut at = at + 1;
    let mut all = vec![text];
    for line in more {
        all.push(line.trim_start());
        at += 1;
    }
    let text = reader.joined(&all);
    reader.html.push_str(text.trim());
    loop {
        let next = at + lines[at..].iter().position(|line| !is_blank(line)).unwrap_or(lines.len() - at);
        let Some(line) = lines.get(next) else { return lines.len() };
        if *line == "+" {
            let end = joined_block(lines, next + 1);
            reader.blocks(&lines[next + 1..end], depth + above.len());
            at = end;
        } else if let Some(inner) = item(line) {
            if above.contains(&inner.mark) || above.len() + depth >= DEEPEST {
                return at;
            }
            at = items(reader, lines, next, above, depth);
        } else if next > at && line.starts_with(' ') {
            // Indented lines after an item are its code.
            let end = next + lines[next..].iter().position(|line| is_blank(line)).unwrap_or(lines.len() - next);
            reader.blocks(&lines[next..end], depth + above.len());
            at = end;
        } else {
            return at;
        }
    }
}

/// Where the block ends that begins at `at`.
fn joined_block(lines: &[&str], at: usize) -> usize {
    let mut at = at;
    while at < lines.len() {
        let line = lines[at];
        if delimiter(line).is_some() {
            let ends = if line.starts_with("```") { "```" } else { line };
            let length = lines[at + 1..].iter().position(|line| *line == ends);
            return length.map_or(lines.len(), |length| at + length + 2);
        }
        let is_about = line.starts_with('[') || (line.starts_with('.') && item(line).is_none());
        if !is_about {
            break;
        }
        at += 1;
    }
    let end = lines[at..].iter().position(|line| is_blank(line) || *line == "+" || item(line).is_some());
    (at + end.unwrap_or(lines.len() - at)).max((at + 1).min(lines.len()))
}
