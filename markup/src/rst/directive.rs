//! Directives: what begins with `.. name::`.

use std::fmt::Write;

use super::{Reader, list};
use crate::format::Format;
use crate::lines::{self, dedent, indent, link};
use crate::tags::escape;

/// Remarks that stand out.
const REMARKS: [&str; 14] = [
    "note",
    "warning",
    "tip",
    "important",
    "caution",
    "danger",
    "attention",
    "hint",
    "error",
    "seealso",
    "versionadded",
    "versionchanged",
    "deprecated",
    "admonition",
];
/// What is for the machine, or shows what only it knows.
const SILENT: [&str; 22] = [
    "contents",
    "index",
    "raw",
    "include",
    "literalinclude",
    "meta",
    "default-role",
    "role",
    "sectnum",
    "header",
    "footer",
    "title",
    "currentmodule",
    "module",
    "tabularcolumns",
    "only",
    "automodule",
    "autoclass",
    "default-domain",
    "target-notes",
    "class",
    "cssclass",
];
/// What wraps other blocks, with a title or not.
const WRAPS: [&str; 12] = [
    "topic",
    "sidebar",
    "rubric",
    "centered",
    "table",
    "container",
    "compound",
    "epigraph",
    "highlights",
    "pull-quote",
    "glossary",
    "tab",
];

/// The options of a directive, and what comes after them.
fn options<'a, 'b>(body: &'b [&'a str]) -> (Vec<(&'a str, &'a str)>, &'b [&'a str]) {
    let option = |line: &&'a str| line.strip_prefix(':')?.split_once(':').map(|(name, value)| (name, value.trim()));
    let all: Vec<_> = body.iter().map_while(option).collect();
    let rest = &body[all.len()..];
    (all, rest)
}

/// A directive with its argument and body.
pub(super) fn directive(reader: &mut Reader, (name, argument): (&str, &str), body: &[&str], depth: usize) {
    let (options, rest) = options(body);
    let get = |key: &str| options.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| *value);
    match name {
        "code-block" | "code" | "sourcecode" | "parsed-literal" | "math" | "doctest" | "prompt" | "productionlist"
        | "graphviz" => {
            lines::code(&mut reader.html, &dedent(rest), argument);
        }
        "highlight" => argument.clone_into(&mut reader.language),
        "image" | "figure" => {
            let alt = if get("alt").is_empty() { name_of(argument) } else { get("alt") };
            let image = format!("<img src=\"{}\" alt=\"{}\">", escape(argument), escape(alt));
            let image = link(get("target"), &image);
            let _ = write!(reader.html, "<p>{image}</p>");
            reader.blocks(&dedent(rest), depth + 1);
        }
        "toctree" => toctree(reader, rest),
        "list-table" => table(reader, argument, &dedent(rest), !get("header-rows").is_empty(), depth),
        "csv-table" => lines::code(&mut reader.html, &dedent(rest), ""),
        name if REMARKS.contains(&name) => remark(reader, (name, argument), body, depth),
        name if SILENT.contains(&name) => {}
        name if WRAPS.contains(&name) => {
            if !argument.is_empty() {
                let title = reader.inline(argument);
                let _ = write!(reader.html, "<p><strong>{title}</strong></p>");
            }
            reader.blocks(&dedent(rest), depth + 1);
        }
        // What else there is mostly describes something that the argument names.
        _ => {
            let _ = write!(reader.html, "<dl><dt><code>{}</code></dt><dd>", escape(argument));
            reader.blocks(&dedent(rest), depth + 1);
            reader.html.push_str("</dd></dl>");
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn remark(reader: &mut Reader, (name, argument): (&str, &str), body: &[&str], depth: usize) {
    let says = match name {
        "versionadded" => format!("New in {argument}"),
        "versionchanged" => format!("Changed in {argument}"),
        "deprecated" => format!("Deprecated since {argument}"),
        "seealso" => "See also".to_owned(),
        "admonition" => argument.to_owned(),
        name => format!("{}{}", name[..1].to_uppercase(), &name[1..]),
    };
    let _ = write!(reader.html, "<blockquote><p><strong>{}</strong></p>", escape(&says));
    let has_text =
        !matches!(name, "versionadded" | "versionchanged" | "deprecated" | "admonition") && !argument.is_empty();
    let all: Vec<&str> = has_text.then_some(argument).into_iter().chain(body.iter().copied()).collect();
    reader.blocks(&all, depth + 1);
    reader.html.push_str("</blockquote>");
}

/// The documents that Sphinx makes one of: links to them.
fn toctree(reader: &mut Reader, body: &[&str]) {
    reader.html.push_str("<ul>");
    for line in body.iter().map(|line| line.trim()).filter(|line| !line.is_empty() && !line.contains('*')) {
        let (title, path) = match line.strip_suffix('>').and_then(|line| line.split_once('<')) {
            Some((title, path)) => (title.trim(), path),
            None => (line, line),
        };
        let address = if Format::of(path) == Format::Rst || path.contains("://") {
            path.to_owned()
        } else {
            format!("{path}.rst")
        };
        let _ = write!(reader.html, "<li>{}</li>", link(&address, &escape(title)));
    }
    reader.html.push_str("</ul>");
}

/// A table that is written as a list of lists.
fn table(reader: &mut Reader, title: &str, body: &[&str], has_head: bool, depth: usize) {
    if !title.is_empty() {
        let title = reader.inline(title);
        let _ = write!(reader.html, "<p><strong>{title}</strong></p>");
    }
    reader.html.push_str("<table>");
    let mut at = 0;
    let mut is_head = has_head;
    while at < body.len() {
        if !body[at].starts_with("* ") {
            at += 1;
            continue;
        }
        let end = at + 1 + body[at + 1..].iter().position(|line| line.starts_with("* ")).unwrap_or(body.len() - at - 1);
        let mut row: Vec<&str> = vec![body[at].get(2..).unwrap_or_default()];
        row.extend(body[at + 1..end].iter().map(|line| line.get(indent(line).min(2)..).unwrap_or_default()));
        reader.html.push_str("<tr>");
        let tag = if is_head { "th" } else { "td" };
        let (mut cell, mut from) = (row.iter().position(|line| line.starts_with('-')), 0);
        while let Some(start) = cell {
            from += start;
            let next = row[from + 1..].iter().position(|line| line.starts_with('-')).map(|at| at + 1);
            let to = next.map_or(row.len(), |next| from + next);
            let text: Vec<&str> = std::iter::once(row[from][1..].trim()).chain(dedent(&row[from + 1..to])).collect();
            let _ = write!(reader.html, "<{tag}>");
            list::item(reader, "", &text, depth);
            let _ = write!(reader.html, "</{tag}>");
            cell = next;
        }
        reader.html.push_str("</tr>");
        is_head = false;
        at = end;
    }
    reader.html.push_str("</table>");
}
