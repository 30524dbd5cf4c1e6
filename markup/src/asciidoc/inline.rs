//! Words that are marked within a text.

use super::attributes::Attributes;
use super::reference;
use crate::MAX_HTML_BYTES;
use crate::format::Format;
use crate::lines::{DEEPEST_SPAN, address, link, near};
use crate::tags::escape;

const MARKS: [(&str, &str); 8] = [
    ("**", "strong"),
    ("__", "em"),
    ("##", "mark"),
    ("*", "strong"),
    ("_", "em"),
    ("#", "mark"),
    ("^", "sup"),
    ("~", "sub"),
];

/// Text as HTML.
pub(super) fn inline(text: &str, attributes: &Attributes) -> String {
    let text = attributes.replace(text);
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    spans(&text, attributes, &mut html, 0);
    html
}

fn spans(text: &str, attributes: &Attributes, html: &mut String, depth: usize) {
    let (mut at, mut before) = (0, ' ');
    while at < text.len() && html.len() < MAX_HTML_BYTES {
        let rest = &text[at..];
        let first = rest.chars().next().unwrap_or(' ');
        let found = link_or_macro(rest, before, attributes).or_else(|| span(rest, before, attributes, depth));
        let len = if let Some((marked, len)) = found {
            html.push_str(&marked);
            len
        } else if first == '\\' && rest[1..].starts_with(|c: char| "*_`#{<[^~+".contains(c) || c.is_alphabetic()) {
            // What is escaped is what it is; within words and paths a backslash stays.
            let next = rest[1..].chars().next().map_or(0, char::len_utf8);
            if before.is_alphanumeric() || rest[1..].starts_with(char::is_alphabetic) {
                html.push('\\');
            }
            html.push_str(&escape(&rest[1..=next]));
            1 + next
        } else {
            html.push_str(&escape(&rest[..first.len_utf8()]));
            first.len_utf8()
        };
        before = text[..at + len].chars().next_back().unwrap_or(' ');
        at += len;
    }
}

/// Words between marks: a doubled one may stand within a word.
fn span(rest: &str, before: char, attributes: &Attributes, depth: usize) -> Option<(String, usize)> {
    for (mark, is_code) in
        [("```", true), ("``", true), ("+++", false), ("`+", true), ("`", true), ("++", false), ("+", false)]
    {
        if let Some((inside, len)) = between(rest, before, mark) {
            let inner = match mark {
                // HTML, which is sanitised as all of it.
                "+++" => inside.to_owned(),
                "`" => escape(inside.strip_prefix('+').and_then(|inside| inside.strip_suffix('+')).unwrap_or(inside)),
                _ => escape(inside),
            };
            return Some((if is_code { format!("<code>{inner}</code>") } else { inner }, len));
        }
    }
    for (mark, tag) in MARKS {
        if let Some((inside, len)) = between(rest, before, mark).filter(|_| depth < DEEPEST_SPAN) {
            let mut inner = String::new();
            spans(inside, attributes, &mut inner, depth + 1);
            return Some((format!("<{tag}>{inner}</{tag}>"), len));
        }
    }
    // `[.role]#text#`
    let (role, after) =
        rest.strip_prefix('[').and_then(|rest| rest[..rest.floor_char_boundary(60)].split_once("]#"))?;
    let (inside, len) = between(&rest[role.len() + 2..], ' ', "#")?;
    let _ = after;
    Some((escape(inside), role.len() + 2 + len))
}

fn between<'a>(rest: &'a str, before: char, mark: &str) -> Option<(&'a str, usize)> {
    let inside = rest.strip_prefix(mark)?;
    let close = if mark == "`+" { "+`" } else { mark };
    let is_single = mark.len() == 1;
    let in_words = matches!(mark, "^" | "~") || !is_single;
    if inside.starts_with(char::is_whitespace) || (!in_words && (before.is_alphanumeric() || before == '_')) {
        return None;
    }
    let mut from = 0;
    for _ in 0..6 {
        let at = from + near(inside.get(from..)?, close)?;
        let after = inside[at + close.len()..].chars().next();
        let ends = in_words || !after.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if ends && !inside[..at].ends_with(char::is_whitespace) {
            let is_word = !matches!(mark, "^" | "~") || !inside[..at].contains(char::is_whitespace);
            return is_word.then(|| (&inside[..at], mark.len() + at + close.len()));
        }
        from = at;
    }
    None
}

/// What is between the brackets that a text begins with, and the length of all.
fn brackets(rest: &str) -> Option<(&str, usize)> {
    let inside = rest.strip_prefix('[')?;
    if inside.starts_with(']') {
        return Some(("", 2));
    }
    let end = near(inside, "]")?;
    Some((&inside[..end], end + 2))
}

fn link_or_macro(rest: &str, before: char, attributes: &Attributes) -> Option<(String, usize)> {
    match rest.as_bytes().first()? {
        b'<' if rest.starts_with("<<") => {
            let inside = &rest[2..2 + near(&rest[2..], ">>")?];
            let (target, shown) = inside.split_once(',').unwrap_or((inside, inside));
            return Some((cross(target, shown.trim()), inside.len() + 4));
        }
        // An address in angle brackets.
        b'<' => {
            let inside = address(&rest[1..]).filter(|inside| rest[1 + inside.len()..].starts_with('>'))?;
            return Some((link(inside, &escape(inside)), inside.len() + 2));
        }
        b'[' if rest.starts_with("[[") => {
            let id = &rest[2..2 + near(&rest[2..], "]]")?];
            return Some((format!("<span id=\"{}\"></span>", escape(id)), id.len() + 4));
        }
        b'(' if rest.starts_with("((") => {
            let (open, close) = if rest.starts_with("(((") { (3, ")))") } else { (2, "))") };
            let term = &rest[open..open + near(&rest[open..], close)?];
            let shown = if open == 3 { String::new() } else { escape(term) };
            return Some((shown, term.len() + 2 * open));
        }
        _ if before.is_alphanumeric() => return None,
        _ => {}
    }
    if let Some(found) = address(rest) {
        let after = &rest[found.len()..];
        return Some(match brackets(after) {
            Some((text, len)) => (link(found, &label(text, found)), found.len() + len),
            None => (link(found, &escape(found)), found.len()),
        });
    }
    named(rest, attributes)
}

/// `name:target[text]`.
fn named(rest: &str, attributes: &Attributes) -> Option<(String, usize)> {
    const NAMES: [&str; 12] = [
        "link:",
        "xref:",
        "image:",
        "mailto:",
        "footnote:",
        "kbd:",
        "btn:",
        "pass:",
        "anchor:",
        "menu:",
        "stem:",
        "indexterm:",
    ];
    let name = NAMES.iter().find(|name| rest.starts_with(**name))?;
    let body = &rest[name.len()..];
    if *name == "image:" {
        return image(body, attributes).map(|(html, len)| (html, name.len() + len));
    }
    let start = if body.starts_with('[') { 0 } else { near(body, "[")? };
    let target = &body[..start];
    let is_spaced = target.contains(char::is_whitespace) && *name != "menu:";
    let (text, len) = brackets(&body[start..]).filter(|_| !is_spaced)?;
    let html = match *name {
        "link:" => link(target.trim_matches('+'), &label(text, target)),
        "mailto:" => link(&format!("mailto:{target}"), &label(text.split(',').next().unwrap_or(text), target)),
        "xref:" => cross(target, if text.is_empty() { target } else { text }),
        "footnote:" => format!(" ({})", escape(text)),
        "kbd:" => format!("<kbd>{}</kbd>", escape(text)),
        "anchor:" => format!("<span id=\"{}\"></span>", escape(target)),
        "menu:" => format!("<em>{}</em>", escape(&format!("{target} › {text}"))),
        "indexterm:" => String::new(),
        "stem:" => format!("<code>{}</code>", escape(text)),
        // `pass:` is HTML, which is sanitised as all of it.
        "pass:" => text.to_owned(),
        _ => format!("<em>{}</em>", escape(text)),
    };
    Some((html, name.len() + start + len))
}

/// The text of a link: without what is said about it, and the target where there is none.
fn label(text: &str, target: &str) -> String {
    let text = text.split(", window=").next().unwrap_or(text).trim_end_matches('^').trim_matches('"');
    let text = if text.starts_with("window=") || text.starts_with("role=") { "" } else { text };
    if text.is_empty() {
        return escape(target);
    }
    match text.strip_prefix('`').and_then(|text| text.strip_suffix('`')) {
        Some(code) => format!("<code>{}</code>", escape(code)),
        None => escape(text),
    }
}

/// A reference to a place in this document or in another.
fn cross(target: &str, shown: &str) -> String {
    let shown = escape(shown.trim_start_matches('#'));
    match target.split_once('#') {
        Some((file, place)) if !file.is_empty() => {
            let file = if file.contains('.') { file.to_owned() } else { format!("{file}.adoc") };
            let place = if place.is_empty() { String::new() } else { format!("#{}", reference(place)) };
            link(&format!("{file}{place}"), &shown)
        }
        None if Format::of(target) == Format::AsciiDoc => link(target, &shown),
        _ => link(&format!("#{}", reference(target)), &shown),
    }
}

/// A picture: its path and what is in its brackets.
pub(super) fn image(rest: &str, attributes: &Attributes) -> Option<(String, usize)> {
    let start = near(rest, "[")?;
    let (text, len) = brackets(&rest[start..])?;
    let path = rest[..start].trim_start_matches(':');
    if path.contains(char::is_whitespace) {
        return None;
    }
    let directory = attributes.replace("{imagesdir}");
    let is_relative = !path.contains("://") && !path.starts_with('/') && directory != "{imagesdir}";
    let path =
        if is_relative { format!("{}/{path}", directory.trim_end_matches('/')) } else { attributes.replace(path) };
    let mut parts = text.split(',');
    let alt = parts.next().filter(|alt| !alt.contains('=')).unwrap_or_default().trim_matches('"');
    let to = text.split_once("link=").map(|(_, to)| to.split(',').next().unwrap_or(to).trim_matches('"'));
    let alt = if alt.is_empty() { path.rsplit('/').next().unwrap_or_default() } else { alt };
    let html = format!("<img src=\"{}\" alt=\"{}\">", escape(&path), escape(alt));
    Some((link(to.unwrap_or_default(), &html), start + len))
}
