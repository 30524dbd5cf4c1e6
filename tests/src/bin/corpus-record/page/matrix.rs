//! Every cell, and every cell's reason.

use protocol::{Grade, PgMajor};
use store::runs::FullResult;

use crate::compare::verdict;
use crate::gather::{Record, Row};
use crate::table::{Table, code};

/// A release shows so many different details of one reason.
const MAX_DETAILS: usize = 3;

/// The table releases × majors.
pub(super) fn cells(record: &Record) -> String {
    let majors = record.majors();
    let headings: Vec<String> =
        std::iter::once("release".to_owned()).chain(majors.iter().map(ToString::to_string)).collect();
    let mut table = Table::new(&headings);
    for row in &record.rows {
        let cells = majors.iter().map(|major| match row.cells.get(major) {
            Some(cell) => cell.result.as_ref().map_or_else(|| "no verdict".to_owned(), cell_words),
            None => "not planned".to_owned(),
        });
        table.row(&std::iter::once(row.name()).chain(cells).collect::<Vec<_>>());
    }
    format!("## Every cell\n\n{}", table.end())
}

fn cell_words(result: &FullResult) -> String {
    let words = verdict(result);
    match result.grade {
        Grade::Pass | Grade::Untested | Grade::Na => words,
        _ => format!("{words} {}", result.verdict.reason),
    }
}

/// What exactly, for whatever is not a pass.
pub(super) fn reasons(record: &Record) -> String {
    let mut text = "## Reasons\n\nWhat was found, for every cell that is not PASS:\n\n".to_owned();
    for row in &record.rows {
        for group in groups(row) {
            text.push_str(&group);
        }
    }
    text.push('\n');
    text
}

/// One line for each reason of a release, with the majors and the details.
fn groups(row: &Row) -> Vec<String> {
    let mut groups: Vec<(String, Vec<(PgMajor, String)>)> = Vec::new();
    for (major, result) in row.results().filter(|(_, result)| result.grade != Grade::Pass) {
        let words = format!("{}, {}", verdict(result), result.verdict.reason);
        let detail = (major, code(&result.verdict.detail));
        match groups.iter_mut().find(|(known, _)| *known == words) {
            Some((_, details)) => details.push(detail),
            None => groups.push((words, vec![detail])),
        }
    }
    let line = |(words, details): &(String, Vec<(PgMajor, String)>)| {
        let majors: Vec<String> = details.iter().map(|(major, _)| major.to_string()).collect();
        format!("- {} on {}: {words}{}\n", row.name(), majors.join(", "), details_of(details))
    };
    groups.iter().map(line).collect()
}

fn details_of(details: &[(PgMajor, String)]) -> String {
    let mut distinct: Vec<&str> = details.iter().map(|(_, detail)| detail.as_str()).collect();
    distinct.retain(|detail| !detail.is_empty());
    distinct.dedup();
    let more = if distinct.len() > MAX_DETAILS { "; …" } else { "" };
    distinct.truncate(MAX_DETAILS);
    if distinct.is_empty() { String::new() } else { format!(": {}{more}", distinct.join("; ")) }
}
