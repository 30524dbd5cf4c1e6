//! The comparison with what is right.

use protocol::PgMajor;
use store::runs::FullResult;

use crate::compare::{BY_HAND, Comparison, compare, right, verdict, words};
use crate::gather::{Record, Row};
use crate::table::{Table, code};

const OTHERS: &str = "\
## On the other majors

What is known to be right there. The modules of PostgreSQL's own sources have to pass on the major that they belong to:

";

/// One verdict with how it compares.
struct Compared<'a> {
    row: &'a Row,
    major: PgMajor,
    result: &'a FullResult,
    comparison: Comparison,
}

fn compared(record: &Record, wanted: impl Fn(PgMajor) -> bool) -> Vec<Compared<'_>> {
    let cells = record.rows.iter().flat_map(|row| row.results().map(move |(major, result)| (row, major, result)));
    let compared = cells.filter(|(_, major, _)| wanted(*major)).filter_map(|(row, major, result)| {
        compare(row, major, result).map(|comparison| Compared { row, major, result, comparison })
    });
    compared.collect()
}

/// Counts and every difference on the major on which all was looked at by hand.
pub(super) fn on_17(record: &Record) -> String {
    let compared = compared(record, |major| major.number() == BY_HAND);
    let mut text = format!("## Against what is right on PostgreSQL {BY_HAND}\n\n");
    let mut counts = Table::new(&["the verdict", "releases"]);
    for comparison in Comparison::ALL {
        let count = compared.iter().filter(|one| one.comparison == comparison).count();
        counts.row(&[comparison.words().to_owned(), count.to_string()]);
    }
    text.push_str(&counts.end());
    let mut table = Table::new(&["release", "right", "found", "how it differs", "why"]);
    for one in compared.iter().filter(|one| one.comparison != Comparison::Agrees) {
        let right = words(&right(one.row, one.major));
        let name = one.row.name();
        table.row(&[name, right, verdict(one.result), one.comparison.words().to_owned(), why(one)]);
    }
    text.push_str("Every release that differs:\n\n");
    text.push_str(&table.end());
    text
}

/// The reason of a verdict, and what the corpus knows of the release.
fn why(one: &Compared<'_>) -> String {
    let verdict = &one.result.verdict;
    let mut words = vec![verdict.reason.sentence().to_owned(), code(&verdict.detail)];
    if let Some(needs) = &one.row.entry.needs {
        words.push(format!("Right once it has: {needs}."));
    }
    if let Some(why) = &one.row.entry.why {
        words.push(format!("By hand: {why}."));
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// What is known on other majors, and which verdicts depend on the major.
pub(super) fn on_others(record: &Record) -> String {
    let compared = compared(record, |major| major.number() != BY_HAND);
    let mut text = OTHERS.to_owned();
    let mut table = Table::new(&["release", "on", "right", "found", ""]);
    for one in &compared {
        let right = words(&right(one.row, one.major));
        let mark = if one.comparison == Comparison::Agrees { "agrees" } else { one.comparison.words() };
        table.row(&[one.row.name(), one.major.to_string(), right, verdict(one.result), mark.to_owned()]);
    }
    text.push_str(&table.end());
    text.push_str(&changes(record));
    text
}

/// The releases that are well on some majors only: where a verdict depends on the major.
fn changes(record: &Record) -> String {
    let mut lines = Vec::new();
    for row in &record.rows {
        let mut spans: Vec<(String, Vec<String>)> = Vec::new();
        for (major, result) in row.results() {
            let verdict = verdict(result);
            match spans.iter_mut().find(|(known, _)| *known == verdict) {
                Some((_, majors)) => majors.push(major.to_string()),
                None => spans.push((verdict, vec![major.to_string()])),
            }
        }
        if spans.len() > 1 {
            let spans: Vec<String> =
                spans.iter().map(|(verdict, majors)| format!("{verdict} on {}", majors.join(", "))).collect();
            lines.push(format!("- {}: {}\n", row.name(), spans.join("; ")));
        }
    }
    format!("Releases whose verdict depends on the major:\n\n{}\n", lines.concat())
}
