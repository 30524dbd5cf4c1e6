//! Words that are marked within a text.

use super::target::Targets;
use crate::MAX_HTML_BYTES;
use crate::lines::{DEEPEST_SPAN, address, link, near};
use crate::outline::slug;
use crate::tags::escape;

/// Text as HTML.
pub(super) fn inline(text: &str, targets: &Targets) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    spans(text, targets, &mut html, 0);
    html
}

fn spans(text: &str, targets: &Targets, html: &mut String, depth: usize) {
    let (mut at, mut before) = (0, ' ');
    // Names may stand for much more than they are.
    while at < text.len() && html.len() < MAX_HTML_BYTES {
        let rest = &text[at..];
        let first = rest.chars().next().unwrap_or(' ');
        let found = if before.is_alphanumeric() { None } else { span(rest, targets, depth) };
        let len = match found {
            Some((marked, len)) => {
                html.push_str(&marked);
                len
            }
            None if first == '\\' => {
                // An escaped character is itself, and an escaped space nothing.
                let next = rest[1..].chars().next();
                if let Some(next) = next.filter(|next| !next.is_whitespace()) {
                    html.push_str(&escape(&next.to_string()));
                }
                1 + next.map_or(0, char::len_utf8)
            }
            None => {
                let (marked, len) = word(rest, before, targets)
                    .unwrap_or_else(|| (escape(&rest[..first.len_utf8()]), first.len_utf8()));
                html.push_str(&marked);
                len
            }
        };
        before = text[..at + len].chars().next_back().unwrap_or(' ');
        at += len;
    }
}

/// What is between two marks.
fn between<'a>(rest: &'a str, open: &str, close: &str) -> Option<(&'a str, usize)> {
    let inside = rest.strip_prefix(open)?;
    if inside.starts_with(char::is_whitespace) {
        return None;
    }
    let mut from = 0;
    // A mark after a space or before a letter ends nothing; the next one may.
    for _ in 0..8 {
        let at = from + near(inside.get(from..)?, close)?;
        let after = inside[at + close.len()..].chars().next();
        let ends = !inside[..at].ends_with([' ', '\n', '\\']) && !after.is_some_and(char::is_alphanumeric);
        if ends {
            return Some((&inside[..at], open.len() + at + close.len()));
        }
        from = at;
    }
    None
}

/// The span that a text begins with, as HTML, and its length.
fn span(rest: &str, targets: &Targets, depth: usize) -> Option<(String, usize)> {
    if let Some((inside, len)) = between(rest, "``", "``") {
        return Some((format!("<code>{}</code>", escape(inside)), len));
    }
    for (mark, tag) in [("**", "strong"), ("*", "em")] {
        if let Some((inside, len)) = between(rest, mark, mark).filter(|_| depth < DEEPEST_SPAN) {
            let mut inner = String::new();
            spans(inside, targets, &mut inner, depth + 1);
            return Some((format!("<{tag}>{inner}</{tag}>"), len));
        }
    }
    if rest.starts_with(':')
        && let Some((role, after)) = rest[1..rest.floor_char_boundary(40)].split_once(":`")
        && role.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.+".contains(&byte))
        && !role.is_empty()
    {
        let _ = after;
        let (inside, len) = between(&rest[role.len() + 2..], "`", "`")?;
        return Some((self::role(role, inside), role.len() + 2 + len));
    }
    if rest.starts_with('`') && !rest.starts_with("``") {
        let inside = near(&rest[1..], "`")?;
        return Some(phrase(&rest[1..=inside], &rest[inside + 2..], targets, inside + 2));
    }
    if let Some((inside, len)) = between(rest, "|", "|") {
        let text = targets.text(inside)?;
        return Some((escape(text), len + usize::from(rest[len..].starts_with('_'))));
    }
    let (label, len) = between(rest, "[", "]_")?;
    let label = label.trim_start_matches('#');
    Some((link(&format!("#note-{label}"), &format!("[{}]", escape(label))), len))
}

/// What is in backquotes: a link where an underline follows.
fn phrase(inside: &str, after: &str, targets: &Targets, len: usize) -> (String, usize) {
    let lines = after.len() - after.trim_start_matches('_').len();
    if lines == 0 {
        return (format!("<em>{}</em>", escape(inside)), len);
    }
    let (shown, target) = titled(inside);
    let address = match target {
        Some(target) => match target.strip_suffix('_') {
            Some(name) => targets.address(name.trim_matches('`')),
            None => Some(target.to_owned()),
        },
        None if lines > 1 => targets.anonymous().map(str::to_owned),
        // Every title is a name as well.
        None => Some(targets.address(inside).unwrap_or_else(|| format!("#{}", slug(inside)))),
    };
    (link(&address.unwrap_or_default(), &escape(shown)), len + lines.min(2))
}

/// `title <target>` taken apart.
fn titled(inside: &str) -> (&str, Option<&str>) {
    match inside.strip_suffix('>').and_then(|inside| inside.rsplit_once('<')) {
        Some((title, target)) if title.trim().is_empty() => (target, Some(target)),
        Some((title, target)) => (title.trim(), Some(target)),
        None => (inside, None),
    }
}

fn role(role: &str, inside: &str) -> String {
    let (shown, target) = titled(inside);
    match role.rsplit(':').next().unwrap_or(role) {
        "doc" => link(&format!("{}.rst", target.unwrap_or(inside)), &escape(shown)),
        "ref" | "numref" => link(&format!("#{}", slug(target.unwrap_or(inside))), &escape(shown)),
        "strong" => format!("<strong>{}</strong>", escape(inside)),
        "emphasis" | "title" | "t" | "term" | "abbr" | "dfn" | "menuselection" | "guilabel" => {
            format!("<em>{}</em>", escape(shown))
        }
        "sub" | "subscript" => format!("<sub>{}</sub>", escape(inside)),
        "sup" | "superscript" => format!("<sup>{}</sup>", escape(inside)),
        "download" => link(target.unwrap_or(inside), &escape(shown)),
        _ => format!("<code>{}</code>", escape(shown.trim_start_matches(['~', '!']))),
    }
}

/// An address as it is, or a word with an underline that is the name of one.
fn word(rest: &str, before: char, targets: &Targets) -> Option<(String, usize)> {
    if before.is_alphanumeric() || before == '_' {
        return None;
    }
    if let Some(address) = address(rest) {
        return Some((link(address, &escape(address)), address.len()));
    }
    let window = &rest[..rest.floor_char_boundary(100)];
    let end = window.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.')).unwrap_or(window.len());
    let name = window[..end].trim_end_matches(['.', '-']).strip_suffix('_').filter(|name| !name.is_empty())?;
    let (name, lines) = name.strip_suffix('_').map_or((name, 1), |name| (name, 2));
    let address = if lines == 2 { targets.anonymous().map(str::to_owned) } else { targets.address(name) };
    address.map(|address| (link(&address, &escape(name)), name.len() + lines))
}
