//! How cells compare: with the release before, with the major below, and since when a failing one fails.
//!
//! What does not compare, such as a release where the farm failed, lies between two others as if it were not there.

use protocol::{Comparison, PgMajor, Platform, compare, predecessors};
use serde::Serialize;

use super::{Cell, Row, Spot};

/// How a cell compares with another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// How.
    pub comparison: Comparison,
    /// What it is compared with: a version, or `PostgreSQL 17`.
    pub with: String,
}

impl Change {
    /// The words for it beside a release: `newly failing: 1.3.2 did not`.
    pub(crate) fn words(&self) -> String {
        let with = &self.with;
        match self.comparison {
            Comparison::NewFail => format!("newly failing: {with} did not"),
            Comparison::Fixed => format!("fixed: {with} failed"),
            Comparison::StillFailing => format!("still failing, as {with}"),
            Comparison::StillPassing => format!("still passing, as {with}"),
            Comparison::NewlyNa => format!("not supported any more: {with} was tested"),
            Comparison::NotComparable => format!("does not compare with {with}"),
        }
    }

    /// The words for it beside a major: `does not fail on PostgreSQL 18`; none where both are alike.
    pub(crate) fn words_of_major(&self) -> Option<String> {
        let with = &self.with;
        match self.comparison {
            Comparison::NewFail => Some(format!("does not fail on {with}")),
            Comparison::Fixed => Some(format!("fails on {with}")),
            Comparison::NewlyNa => Some(format!("is tested on {with}")),
            Comparison::StillFailing | Comparison::StillPassing | Comparison::NotComparable => None,
        }
    }

    /// The class of its corner; none where nothing turned.
    pub(crate) const fn corner(&self) -> Option<&'static str> {
        match self.comparison {
            Comparison::NewFail => Some("broken"),
            Comparison::Fixed => Some("fixed"),
            Comparison::NewlyNa => Some("dropped"),
            Comparison::StillFailing | Comparison::StillPassing | Comparison::NotComparable => None,
        }
    }
}

/// Compares every cell of rows that stand newest first.
pub(super) fn mark(rows: &mut [Row]) {
    for index in 0..rows.len() {
        let (row, older) = rows[index..].split_first_mut().expect("the index is below the length");
        let before = predecessors(&row.version, older, |row| (&row.version, row.status));
        let across: Vec<Vec<Option<Change>>> = row.cells.iter().map(|cell| with_lower(cell, &row.cells)).collect();
        for (cell, across) in row.cells.iter_mut().zip(across) {
            for (spot, across) in cell.spots.iter_mut().zip(across) {
                (spot.change, spot.across) = (nearest(spot, &before), across);
                let history = history(older, spot.target.major, spot.target.platform);
                spot.since = since(row.version.as_str(), &history).filter(|_| spot.fails() == Some(true));
            }
            cell.change = judged(cell).and_then(|spot| spot.change.clone());
        }
    }
}

/// The platform's verdict that a cell is compared by: a cell that fails anywhere fails, and what turned is told before what did not.
fn judged(cell: &Cell) -> Option<&Spot> {
    let decided = cell.spots.iter().filter(|spot| spot.judged().is_some());
    decided.max_by_key(|spot| (spot.fails(), spot.change.as_ref().and_then(Change::corner).is_some()))
}

/// How the spots of a cell compare with those of the next lower major.
fn with_lower(cell: &Cell, cells: &[Cell]) -> Vec<Option<Change>> {
    let lower = |spot: &Spot| {
        let others = cells.iter().filter(|other| other.column.major < cell.column.major);
        let same = others.flat_map(|other| &other.spots).filter(|other| other.target.platform == spot.target.platform);
        let below = same.max_by_key(|other| other.target.major)?;
        beside(below, spot, format!("PostgreSQL {}", below.target.major))
    };
    cell.spots.iter().map(lower).collect()
}

fn on(row: &Row, major: PgMajor, platform: Platform) -> Option<&Spot> {
    let cell = row.cells.iter().find(|cell| cell.column.major == major)?;
    cell.spots.iter().find(|spot| spot.target.platform == platform)
}

fn nearest(spot: &Spot, before: &[&Row]) -> Option<Change> {
    let those = before.iter().filter_map(|row| Some((row, on(row, spot.target.major, spot.target.platform)?)));
    let (row, other) = those.into_iter().find(|(_, other)| other.fails().is_some())?;
    beside(other, spot, row.version.to_string())
}

fn beside(before: &Spot, after: &Spot, with: String) -> Option<Change> {
    let comparison = compare(before.judged()?, after.judged()?);
    (comparison != Comparison::NotComparable).then_some(Change { comparison, with })
}

/// Whether older releases fail on the same target, newest first.
fn history(older: &[Row], major: PgMajor, platform: Platform) -> Vec<(String, bool)> {
    let one = |row: &Row| Some((row.version.to_string(), on(row, major, platform)?.fails()?));
    older.iter().filter_map(one).collect()
}

/// The oldest release of those that fail without a break up to this one; none where no older one is known to be good.
fn since(version: &str, before: &[(String, bool)]) -> Option<String> {
    let failing = before.iter().take_while(|(_, fails)| *fails).count();
    before.get(failing)?;
    Some(before[..failing].last().map_or_else(|| version.to_owned(), |(oldest, _)| oldest.clone()))
}
