//! Tables that are drawn with characters.

use std::fmt::Write;

use super::Reader;
use crate::MAX_HTML_BYTES;
use crate::lines::is_blank;

/// Wider tables are none.
const MOST_COLUMNS: usize = 60;

/// A table that begins at `at`; where it ends, or none where there is none.
pub(super) fn table(reader: &mut Reader, lines: &[&str], at: usize) -> Option<usize> {
    let line = lines[at];
    if line.starts_with("+-") && line.ends_with('+') && line.matches('+').count() <= MOST_COLUMNS {
        return Some(grid(reader, lines, at));
    }
    let is_simple =
        line.starts_with("==") && line.contains(' ') && line.bytes().all(|byte| matches!(byte, b'=' | b' '));
    if is_simple { simple(reader, lines, at) } else { None }
}

/// `+---+---+` around every cell. A cell that spans several is shown as the first of them.
fn grid(reader: &mut Reader, lines: &[&str], at: usize) -> usize {
    let end = at + lines[at..].iter().take_while(|line| line.starts_with(['+', '|'])).count();
    let is_rule = |line: &str| line.starts_with("+-") || line.starts_with("+=");
    let head = lines[at..end].iter().position(|line| line.starts_with("+=")).map_or(at, |head| at + head);
    let columns: Vec<usize> = lines[at].match_indices('+').map(|(at, _)| at).collect();
    reader.html.push_str("<table>");
    let mut from = at + 1;
    while from < end {
        let to = from + lines[from..end].iter().position(|line| is_rule(line)).unwrap_or(end - from);
        let cells = columns.windows(2).map(|pair| gather(&lines[from..to], pair[0] + 1, pair[1]));
        row(reader, cells.collect(), from < head);
        from = to + 1;
    }
    reader.html.push_str("</table>");
    end
}

/// The text of a cell, by the columns that it is between. They are counted in characters.
fn gather(lines: &[&str], from: usize, to: usize) -> String {
    let part = |line: &&str| -> String {
        let part = if line.is_ascii() {
            line.get(from.min(line.len())..to.min(line.len())).unwrap_or_default().to_owned()
        } else {
            line.chars().skip(from).take(to.saturating_sub(from)).collect()
        };
        part.trim_matches(['|', ' ']).to_owned()
    };
    lines.iter().map(part).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Columns below lines of `=`; a row goes on where its first column is empty.
fn simple(reader: &mut Reader, lines: &[&str], at: usize) -> Option<usize> {
    let is_rule = |line: &&str| line.starts_with("==") && line.bytes().all(|byte| matches!(byte, b'=' | b' '));
    // A blank line or the end comes after the last rule.
    let mut rules: Vec<usize> = Vec::new();
    for (index, line) in lines.iter().enumerate().skip(at) {
        if is_rule(line) {
            rules.push(index);
            let is_last = rules.len() > 1 && lines.get(index + 1).is_none_or(|next| is_blank(next));
            if is_last || rules.len() == 3 {
                break;
            }
        }
    }
    let end = rules.last().copied().filter(|last| *last > at)?;
    let rule = lines[at].as_bytes();
    let starts: Vec<usize> =
        (0..rule.len()).filter(|at| rule[*at] == b'=' && (*at == 0 || rule[*at - 1] == b' ')).collect();
    if starts.len() > MOST_COLUMNS {
        return None;
    }
    let head = if rules.len() == 3 { rules[1] } else { at };
    reader.html.push_str("<table>");
    let mut current: Vec<String> = Vec::new();
    let mut was_head = true;
    for (index, line) in lines.iter().enumerate().take(end + 1).skip(at + 1) {
        let is_end = index == end || index == head;
        let is_new = !line.starts_with(' ') && !is_blank(line);
        if (is_end || is_new) && !current.is_empty() {
            row(reader, std::mem::take(&mut current), was_head);
        }
        was_head = index < head;
        if is_end || is_blank(line) || line.starts_with("--") {
            continue;
        }
        current.resize(starts.len(), String::new());
        for (column, start) in starts.iter().enumerate() {
            let to = starts.get(column + 1).copied().unwrap_or(usize::MAX);
            let text = gather(&[line], *start, to);
            if !text.is_empty() {
                current[column].push(' ');
                current[column].push_str(&text);
            }
        }
    }
    reader.html.push_str("</table>");
    Some(end + 1)
}

fn row(reader: &mut Reader, cells: Vec<String>, is_head: bool) {
    if reader.html.len() > MAX_HTML_BYTES {
        return;
    }
    let tag = if is_head { "th" } else { "td" };
    reader.html.push_str("<tr>");
    for cell in cells {
        let text = reader.inline(cell.trim());
        let _ = write!(reader.html, "<{tag}>{text}</{tag}>");
    }
    reader.html.push_str("</tr>");
}
