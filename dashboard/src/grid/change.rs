//! What changed from release to release: which cells turned, and since when a failing one fails.
//!
//! Only PASS, UNTESTED and a confirmed FAIL compare; a release where the farm failed lies between two others as if it were not there.

use protocol::{PgMajor, Platform};
use serde::Serialize;

use super::{Cell, Row};
use crate::mark::Mark;

/// How a cell turned, compared with the release before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    /// It failed before, and does not any more.
    Fixed,
    /// It did not fail before.
    Broken,
}

impl Change {
    /// The words for it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Fixed => "fixed since the release before",
            Self::Broken => "newly failing since the release before",
        }
    }

    /// The class of its corner.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Broken => "broken",
        }
    }
}

/// Marks every cell of rows that stand newest first.
pub(super) fn mark(rows: &mut [Row]) {
    for index in 0..rows.len() {
        let (row, older) = rows[index..].split_first_mut().expect("the index is below the length");
        for cell in &mut row.cells {
            let Some((fails, platform)) = judged(cell) else { continue };
            let before = history(older, cell.column.major, platform);
            cell.change = match (before.first(), fails) {
                (Some((_, false)), true) => Some(Change::Broken),
                (Some((_, true)), false) => Some(Change::Fixed),
                _ => None,
            };
            cell.since = if fails { since(&row.version, &before) } else { None };
        }
    }
}

/// Whether a cell fails, and on which platform; none where it does not count.
fn judged(cell: &Cell) -> Option<(bool, Platform)> {
    let counted = cell.spots.iter().filter_map(|spot| match spot.mark {
        Mark::Pass | Mark::Untested => Some((false, spot.target.platform)),
        Mark::Fail if spot.is_confirmed() => Some((true, spot.target.platform)),
        _ => None,
    });
    // A cell that fails anywhere fails.
    counted.max_by_key(|(fails, _)| *fails)
}

/// Whether older releases fail on the same target, newest first.
fn history(older: &[Row], major: PgMajor, platform: Platform) -> Vec<(String, bool)> {
    let on = |row: &Row| {
        let cell = row.cells.iter().find(|cell| cell.column.major == major)?;
        let spot = cell.spots.iter().find(|spot| spot.target.platform == platform)?;
        match spot.mark {
            Mark::Pass | Mark::Untested => Some(false),
            Mark::Fail if spot.is_confirmed() => Some(true),
            _ => None,
        }
    };
    older.iter().filter_map(|row| Some((row.version.clone(), on(row)?))).collect()
}

/// The oldest release of those that fail without a break up to this one; none where no older one is known to be good.
fn since(version: &str, before: &[(String, bool)]) -> Option<String> {
    let failing = before.iter().take_while(|(_, fails)| *fails).count();
    before.get(failing)?;
    Some(before[..failing].last().map_or_else(|| version.to_owned(), |(oldest, _)| oldest.clone()))
}
