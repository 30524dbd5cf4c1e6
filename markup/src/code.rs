//! Code with its words marked: a small lexer for the languages that extensions are written in and described with.
//!
//! Keywords, strings, numbers and comments are all that is told apart, as no more helps a reader; what a sheet makes of the classes is its own. Every
//! character of the code is in the result, in the same order, and none is looked at more than a few times.

mod language;
mod lexer;

use std::fmt::Write;

use language::{Language, named};
use lexer::Kind;

use crate::tags::escape_text;

/// Longer code is not marked.
const MOST_BYTES: usize = 64 * 1024;

/// Code as HTML. Without a name of its language, SQL is known by its looks.
pub(crate) fn html(code: &str, name: Option<&str>) -> String {
    let language = match name {
        Some(name) => named(name),
        None => looks_like_sql(code).then_some(&language::SQL),
    };
    match language {
        Some(language) if code.len() <= MOST_BYTES => mark(code, language),
        _ => escape_text(code),
    }
}

/// Code with its words marked, but not what psql answered to it.
fn mark(code: &str, language: &Language) -> String {
    let mut html = String::with_capacity(code.len() * 2);
    let mut rest = code;
    while let Some((start, end)) = if language.dollars { answer(rest) } else { None } {
        words(&rest[..start], language, &mut html);
        html.push_str(&escape_text(&rest[start..end]));
        rest = &rest[end..];
    }
    words(rest, language, &mut html);
    html
}

/// Where the next table is that psql drew: from its head, above a line of dashes, to the line that counts its rows, or to a blank one.
fn answer(code: &str) -> Option<(usize, usize)> {
    let (mut at, mut before, mut found) = (0, 0, None);
    for line in code.split_inclusive('\n') {
        let (this, text) = (at, line.trim());
        at += line.len();
        let is_rule = text.len() > 3 && text.starts_with("---") && text.bytes().all(|byte| matches!(byte, b'-' | b'+'));
        match found {
            None if is_rule && (text.contains('+') || line.starts_with(['-', ' '])) && before < this => {
                found = Some(before);
            }
            Some(start) if text.is_empty() || text.starts_with('(') => return Some((start, at)),
            _ => {}
        }
        before = this;
    }
    found.map(|start| (start, code.len()))
}

fn words(code: &str, language: &Language, html: &mut String) {
    for (kind, text) in lexer::lex(code, language) {
        let class = match kind {
            Kind::Plain => "",
            Kind::Keyword => "hk",
            Kind::Type => "ht",
            Kind::Text => "hs",
            Kind::Number => "hn",
            Kind::Comment => "hc",
        };
        let text = escape_text(text);
        if class.is_empty() {
            html.push_str(&text);
        } else {
            let _ = write!(html, "<span class=\"{class}\">{text}</span>");
        }
    }
}

/// Whether the first line that says something begins like a statement, and a statement ends somewhere; a prompt of psql says it as well.
fn looks_like_sql(code: &str) -> bool {
    let mut lines =
        code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--")).take(40).peekable();
    let is_prompt = |line: &str| {
        ["=# ", "=> ", "=#", "=>"].iter().any(|prompt| {
            line.split_once(prompt).is_some_and(|(database, _)| {
                database.len() < 24 && database.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
        })
    };
    let Some(first) = lines.peek() else { return false };
    let word: String = first.chars().take_while(char::is_ascii_alphabetic).collect();
    let begins = language::has(language::STATEMENTS, &word.to_lowercase());
    is_prompt(first) || (begins && lines.any(|line| line.ends_with(';') || line.contains("; ")))
}

#[cfg(test)]
mod tests;
