//! Tables: cells begin with a bar, wherever it stands.

use std::fmt::Write;

use super::Reader;
use super::attributes::About;
use crate::MAX_HTML_BYTES;
use crate::lines::is_blank;

const MOST_COLUMNS: usize = 60;

/// What is between two lines of `|===`.
pub(super) fn table(reader: &mut Reader, body: &[&str], about: &About, depth: usize) {
    let first = body.iter().position(|line| !is_blank(line)).unwrap_or(0);
    let is_first_alone = body.get(first + 1).is_some_and(|line| is_blank(line));
    let per_line = body.get(first).map_or(0, |line| cells(line).len());
    let columns = columns(&about.rest).unwrap_or(per_line).clamp(1, MOST_COLUMNS);
    let says = |word: &str| about.rest.contains(word);
    let has_head = says("header") || says("%header") || (is_first_alone && per_line == columns && !says("noheader"));
    let mut all: Vec<(String, String)> = Vec::new();
    for line in body {
        let found = cells(line);
        let Some(start) = line.find('|').filter(|_| !found.is_empty()) else {
            // Text goes on in the cell before.
            if let Some((_, text)) = all.last_mut() {
                text.push('\n');
                text.push_str(line);
            }
            continue;
        };
        let lead = line[..start].trim();
        let mut spec = lead.rsplit(' ').next().filter(|spec| is_spec(spec)).unwrap_or_default().to_owned();
        if let Some((_, text)) = all.last_mut()
            && !lead.is_empty()
            && spec.is_empty()
        {
            text.push('\n');
            text.push_str(lead);
        }
        for cell in found {
            // What stands before the next bar, after a space, is about the next cell.
            let (text, next) = match cell.rsplit_once(' ') {
                Some((text, next)) if is_spec(next) => (text, next),
                _ => (cell, ""),
            };
            all.push((std::mem::replace(&mut spec, next.to_owned()), text.trim().to_owned()));
        }
        // After the last cell there is none for it to be about.
        if !spec.is_empty()
            && let Some((_, text)) = all.last_mut()
        {
            let _ = write!(text, " {spec}");
        }
    }
    reader.html.push_str("<table>");
    for (index, row) in all.chunks(columns).enumerate() {
        if reader.html.len() > MAX_HTML_BYTES {
            break;
        }
        reader.html.push_str("<tr>");
        for (spec, text) in row {
            let tag = if spec.ends_with('h') || (has_head && index == 0) { "th" } else { "td" };
            let _ = write!(reader.html, "<{tag}>");
            let lines: Vec<&str> = text.lines().collect();
            if spec.ends_with('a') || lines.iter().any(|line| is_blank(line)) {
                reader.blocks(&lines, depth + 1);
            } else {
                let html = reader.joined(&lines);
                reader.html.push_str(&html);
            }
            let _ = write!(reader.html, "</{tag}>");
        }
        reader.html.push_str("</tr>");
    }
    reader.html.push_str("</table>");
}

/// The cells of a line.
fn cells(line: &str) -> Vec<&str> {
    let Some(start) = line.find('|') else { return Vec::new() };
    let (mut all, mut from) = (Vec::new(), start + 1);
    for (at, _) in line.match_indices('|').skip(1) {
        if !line[..at].ends_with('\\') {
            all.push(&line[from..at]);
            from = at + 1;
        }
    }
    all.push(&line[from..]);
    all
}

/// `a`, `h`, `2+`, `.3+^s` and the like.
fn is_spec(text: &str) -> bool {
    let is_mark = text.chars().all(|c| c.is_ascii_digit() || "+*.<>^".contains(c) || "adehlmsv".contains(c));
    let letters = text.chars().filter(char::is_ascii_alphabetic).count();
    !text.is_empty()
        && text.len() < 8
        && is_mark
        && letters <= 1
        && !text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// How many columns `cols` says that there are.
fn columns(rest: &str) -> Option<usize> {
    let value = rest.split_once("cols=")?.1;
    let value = match value.strip_prefix('"') {
        Some(value) => value.split('"').next()?,
        None => value.split([',', ']']).next()?,
    };
    if let Some((times, _)) = value.split_once('*')
        && !value.contains(',')
    {
        return times.trim().parse().ok();
    }
    Some(value.split([',', ';']).count())
}
