//! A summary in Markdown: a table of verdicts, and what there is to see of each failure, folded.

use std::fmt::Write;

use super::Cell;
use super::report::Subject;
use crate::console::plain;

/// At most so many lines of a log or diff are in it.
const MOST_LINES: usize = 80;

pub(super) fn write(subject: &Subject, cells: &[Cell]) -> String {
    let mut text = format!("## {}\n\n| PostgreSQL | verdict | why |\n|---|---|---|\n", cell(&subject.name));
    for one in cells {
        let verdict = &one.completed.report.verdict;
        let why = cell(&verdict.reason.sentence_with(&verdict.detail));
        let _ = writeln!(text, "| {} | {} ({}) | {why} |", one.on(), verdict.grade(), verdict.phase);
    }
    for one in cells {
        let Some((name, lines)) = one.shown(MOST_LINES) else { continue };
        let fence = fence(&lines);
        let lines = lines.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n");
        let language = if one.diffs().is_some() { "diff" } else { "" };
        let name = cell(&name);
        let _ = write!(
            text,
            "\n<details><summary>PostgreSQL {}: {name}</summary>\n\n{fence}{language}\n{lines}\n{fence}\n\n</details>\n",
            one.on()
        );
    }
    text + "\n"
}

/// Text that stays in its cell, and is nothing but text.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for c in plain(text).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '!' | '#' | '~' => safe.extend(['\\', c]),
            '@' => safe.push_str("&#64;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A fence that none of the lines can close.
fn fence(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| line.trim_start().chars().take_while(|c| *c == '`').count()).max();
    "`".repeat(longest.unwrap_or(0).max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{failing, subject};
    use super::*;

    #[test]
    fn hostile_text_stays_in_its_cell_and_its_fence() {
        let text = write(&subject(), &[failing("a | b <img src=x> ` @everyone\n ```\n \u{1b}[2J")]);
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| 17")).collect();
        assert_eq!(rows.len(), 1, "{text}");
        assert!(rows[0].contains(r"a \| b &lt;img src=x> \` &#64;everyone"), "{text}");
        assert!(text.contains("````diff\n") && !text.contains('\u{1b}'), "it may be printed to a terminal: {text}");
        assert_eq!(text.matches("\n````\n").count(), 1, "{text}");
    }
}
