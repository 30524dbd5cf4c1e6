//! Lists of every kind: with bullets, numbers, terms, fields and options.

use std::fmt::Write;

use super::{Reader, indented};
use crate::lines::{dedent, indent, is_blank};
use crate::tags::escape;

/// A list that begins at `at`; where it ends, or none where there is none.
pub(super) fn list(reader: &mut Reader, lines: &[&str], at: usize, depth: usize) -> Option<usize> {
    if let Some((kind, _)) = marker(lines[at]) {
        return Some(marked(reader, lines, at, (kind, depth)));
    }
    if field(lines[at]).is_some() {
        return Some(pairs(reader, lines, at, depth, |lines, at| field(lines[at])));
    }
    if option(lines[at]).is_some() && lines.get(at + 1).is_none_or(|next| super::adornment(next).is_none()) {
        return Some(pairs(reader, lines, at, depth, |lines, at| option(lines[at])));
    }
    term(lines, at).map(|_| pairs(reader, lines, at, depth, term))
}

/// What an item begins with: the kind of its list, and how long the mark is.
fn marker(line: &str) -> Option<(char, usize)> {
    let first = line.chars().next()?;
    let rest = &line[first.len_utf8()..];
    if matches!(first, '*' | '-' | '+' | '•') && (rest.is_empty() || rest.starts_with(' ')) {
        return Some((first, first.len_utf8() + indent(rest)));
    }
    // A capital with a dot is an initial rather than a number.
    let open = usize::from(first == '(');
    let word = &line[open..];
    let len = word.find(['.', ')'])?;
    let (number, end) = (&word[..len], &word[len..]);
    let is_number = number == "#"
        || (len <= 4 && len > 0 && number.bytes().all(|byte| byte.is_ascii_digit()))
        || (len == 1 && number.bytes().all(|byte| byte.is_ascii_lowercase()));
    let after = &end[1..];
    let is_one = is_number && (open == 0 || end.starts_with(')')) && (after.starts_with(' ') || after.is_empty());
    is_one.then(|| ('1', open + len + 1 + indent(after)))
}

fn marked(reader: &mut Reader, lines: &[&str], at: usize, (kind, depth): (char, usize)) -> usize {
    let tag = if kind == '1' { "ol" } else { "ul" };
    let _ = write!(reader.html, "<{tag}>");
    let mut at = at;
    while let Some((_, width)) = lines.get(at).and_then(|line| marker(line)).filter(|(other, _)| *other == kind) {
        let end = indented(lines, at + 1);
        let first = lines[at].get(width..).unwrap_or_default();
        reader.html.push_str("<li>");
        item(reader, first, &lines[at + 1..end], depth);
        reader.html.push_str("</li>");
        at = end;
    }
    let _ = write!(reader.html, "</{tag}>");
    at
}

/// An item's first line and the lines below it, as one text.
pub(super) fn item(reader: &mut Reader, first: &str, body: &[&str], depth: usize) {
    let is_apart = body.first().is_some_and(|line| is_blank(line));
    let body = dedent(body);
    let mut all = Vec::with_capacity(body.len() + 2);
    if !first.is_empty() {
        all.push(first);
        if is_apart && !body.is_empty() {
            all.push("");
        }
    }
    all.extend(body);
    // One paragraph needs no tags of its own.
    let is_plain =
        !all.iter().any(|line| is_blank(line) || indent(line) > 0 || marker(line).is_some() || line.starts_with(".. "));
    if is_plain && !all.last().is_some_and(|line| line.ends_with("::")) {
        let html = reader.inline(&all.join(" "));
        reader.html.push_str(&html);
    } else {
        reader.blocks(&all, depth + 1);
    }
}

/// The left side of a pair as HTML source, and what stands to its right.
type Pair<'a> = (&'a str, &'a str, bool);

/// Terms and what they mean, in all their forms.
fn pairs<'a>(
    reader: &mut Reader,
    lines: &[&'a str],
    at: usize,
    depth: usize,
    read: impl Fn(&[&'a str], usize) -> Option<Pair<'a>>,
) -> usize {
    reader.html.push_str("<dl>");
    let mut at = at;
    while at < lines.len() {
        if is_blank(lines[at]) {
            at += 1;
            continue;
        }
        let Some((left, right, is_code)) = read(lines, at) else { break };
        let end = indented(lines, at + 1);
        let left = if is_code { format!("<code>{}</code>", escape(left)) } else { reader.inline(left) };
        let _ = write!(reader.html, "<dt>{left}</dt><dd>");
        item(reader, right, &lines[at + 1..end], depth);
        reader.html.push_str("</dd>");
        at = end;
    }
    reader.html.push_str("</dl>");
    at
}

/// `:name: value`.
fn field(line: &str) -> Option<Pair<'_>> {
    let (name, value) = line.strip_prefix(':')?.split_once(':')?;
    let is_one = !name.is_empty() && name.len() < 60 && !name.starts_with(' ') && !name.contains('`');
    (is_one && (value.is_empty() || value.starts_with(' '))).then(|| (name, value.trim(), false))
}

/// `-o FILE, --output=FILE  what it does`.
fn option(line: &str) -> Option<Pair<'_>> {
    let name = line.strip_prefix("--").or_else(|| line.strip_prefix('-'))?;
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let (left, right) = line.split_once("  ").unwrap_or((line, ""));
    (left.len() < 80).then(|| (left.trim(), right.trim(), true))
}

/// A line with an indented one right below it.
fn term<'a>(lines: &[&'a str], at: usize) -> Option<Pair<'a>> {
    let next = lines.get(at + 1)?;
    let is_one = indent(lines[at]) == 0 && !is_blank(next) && indent(next) > 0 && !lines[at].ends_with("::");
    (is_one && !lines[at].starts_with(".. ")).then(|| (lines[at], "", false))
}
