//! The matrix of a distribution: releases × PostgreSQL majors, built from the store's cells.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Matrix, PgMajor, Platform, ReleaseId, Status, Support, Target, Timestamp, Version};
use serde::Serialize;
use store::jobs::Waiting;
use store::releases::StoredRelease;

use crate::mark::{Doubt, Mark};
use crate::text::{OnMajor, When};
use crate::{address, csv};

mod card;
mod change;
mod spot;

pub(crate) use change::Change;
pub(crate) use spot::{Spot, place};

/// A column: a PostgreSQL major.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Column {
    /// The major.
    pub major: PgMajor,
    /// Whether PostgreSQL maintains it.
    pub support: Support,
}

impl Column {
    /// The word beside the number, where it is not a supported major.
    pub(crate) const fn remark(self) -> &'static str {
        match self.support {
            Support::Supported => "",
            Support::Devel => "devel",
            Support::Eol => "ended",
        }
    }

    /// The class of its cells.
    pub(crate) const fn class(self) -> &'static str {
        match self.support {
            Support::Supported => "",
            Support::Devel => "devel",
            Support::Eol => "eol",
        }
    }
}

/// A matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Grid {
    /// Its columns: supported majors, newest first, then devel, then those past their end.
    pub columns: Vec<Column>,
    /// Its rows, newest release first.
    pub rows: Vec<Row>,
}

/// A row: a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// The version.
    pub version: Version,
    /// What its author calls it.
    pub status: Status,
    /// When the registry got it.
    pub released_at: When,
    /// The release's page.
    pub href: String,
    /// Its cells, one per column.
    pub cells: Vec<Cell>,
}

/// A release on a major, on every platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cell {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// What is known per platform; empty when nothing is planned.
    pub spots: Vec<Spot>,
    /// How it compares with the nearest release before that compares.
    pub change: Option<Change>,
}

impl Cell {
    /// Whether all platforms agree, so that one glyph says it all.
    pub(crate) fn joined(&self) -> bool {
        self.spots.windows(2).all(|pair| pair[0].agrees(&pair[1]))
    }

    /// The glyphs to draw: one, or one per platform where they differ.
    pub(crate) fn shown(&self) -> &[Spot] {
        if self.joined() { self.spots.get(..1).unwrap_or_default() } else { &self.spots }
    }

    /// Everything that a person who does not see a glyph needs to hear.
    pub(crate) fn label(&self, spot: &Spot) -> String {
        let words = format!("{} on PostgreSQL {}", spot.words(), spot.target.major);
        if self.joined() { words } else { format!("{words}, {}", spot.target.platform) }
    }

    /// Why the cell is empty.
    pub(crate) const fn why_empty(&self) -> &'static str {
        match self.column.support {
            Support::Supported | Support::Devel => "not planned",
            Support::Eol => "not planned: PostgreSQL does not maintain it any more",
        }
    }
}

impl Row {
    /// What the sentence and the badge say of it.
    pub(crate) fn on_majors(&self) -> Vec<OnMajor> {
        self.cells.iter().flat_map(on_major).collect()
    }
}

fn on_major(cell: &Cell) -> Vec<OnMajor> {
    let one = |spot: &Spot| OnMajor {
        major: cell.column.major.number(),
        support: cell.column.support,
        mark: if spot.mark.is_failure() { Mark::Fail } else { spot.mark },
        phase: spot.phase.filter(|_| spot.mark.is_failure()),
        platform: Some(spot.target.platform),
        since: spot.since.clone(),
        doubt: Doubt::of(&spot.flags).filter(|_| spot.mark.is_failure() || spot.mark.is_good()),
    };
    let mut all: Vec<OnMajor> = cell.spots.iter().map(one).collect();
    if all.windows(2).all(|pair| pair[0].is_like(&pair[1])) {
        all.truncate(1);
        for on in &mut all {
            on.platform = None;
        }
    }
    all
}

/// What a matrix is built from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// The majors.
    pub matrix: &'a Matrix,
    /// The releases, newest first.
    pub releases: &'a [StoredRelease],
    /// Their cells, in any order.
    pub cells: &'a [store::matrix::Cell],
    /// Where waiting jobs stand in the queue.
    pub waiting: &'a [Waiting],
    /// The page's time.
    pub now: Timestamp,
}

impl Grid {
    /// Builds a matrix. Majors that are not supported have a column only where something was planned for them.
    pub(crate) fn build(sources: Sources<'_>) -> Self {
        let planned = sources.cells.iter().map(|cell| cell.target.major).collect();
        let columns = columns(sources.matrix, &planned, sources.now);
        let waiting: BTreeMap<_, _> = sources.waiting.iter().map(|waiting| (waiting.job_id, waiting)).collect();
        let mut by_place: BTreeMap<(ReleaseId, PgMajor), Vec<Spot>> = BTreeMap::new();
        for cell in sources.cells {
            let spot = Spot::new(cell, waiting.get(&cell.job_id).copied(), sources.now);
            by_place.entry((cell.release_id, cell.target.major)).or_default().push(spot);
        }
        let mut row = |stored: &StoredRelease| Row {
            version: stored.release.version.clone(),
            status: stored.release.status,
            released_at: When::new(stored.release.released_at, sources.now),
            href: address::release(&stored.release.dist, &stored.release.version),
            cells: columns
                .iter()
                .map(|column| {
                    let mut spots = by_place.remove(&(stored.id, column.major)).unwrap_or_default();
                    spots.sort_by_key(|spot| spot.target.platform);
                    Cell { column: *column, spots, change: None }
                })
                .collect(),
        };
        let mut rows: Vec<Row> = sources.releases.iter().map(&mut row).collect();
        change::mark(&mut rows);
        Self { columns, rows }
    }

    /// The matrix as CSV: a row per release, a column per target.
    pub(crate) fn csv(&self, dist: &str, platforms: &[Platform]) -> String {
        let on = |column: &Column| platforms.iter().map(|platform| (column.major, *platform)).collect::<Vec<_>>();
        let targets: Vec<(PgMajor, Platform)> = self.columns.iter().flat_map(on).collect();
        let heads = ["distribution", "version", "status", "released"].map(str::to_owned);
        let named = targets.iter().map(|(major, platform)| Target { major: *major, platform: *platform }.to_string());
        let mut text = csv::line(heads.into_iter().chain(named));
        for row in &self.rows {
            let words = |(major, platform): &(PgMajor, Platform)| {
                let spots = row.cells.iter().flat_map(|cell| &cell.spots);
                let mut those = spots.filter(|spot| spot.target.major == *major && spot.target.platform == *platform);
                those.next().map(Spot::words).unwrap_or_default()
            };
            let about = [dist, row.version.as_str(), row.status.as_str()].map(str::to_owned);
            let about = about.into_iter().chain([row.released_at.iso()]);
            text.push_str(&csv::line(about.chain(targets.iter().map(words))));
        }
        text
    }

    /// The row of a version.
    pub(crate) fn row(&self, version: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.version.as_str() == version)
    }
}

/// The columns of a matrix: the supported majors, and those for which something was planned.
pub(crate) fn columns(matrix: &Matrix, planned: &BTreeSet<PgMajor>, now: Timestamp) -> Vec<Column> {
    let known = matrix.postgresql.iter().map(|entry| Column { major: entry.major, support: entry.support(now) });
    let mut columns: Vec<Column> =
        known.filter(|column| column.support == Support::Supported || planned.contains(&column.major)).collect();
    // A major that the matrix has dropped still has its verdicts.
    for major in planned {
        if columns.iter().all(|column| column.major != *major) {
            columns.push(Column { major: *major, support: Support::Eol });
        }
    }
    let group = |support| match support {
        Support::Supported => 0,
        Support::Devel => 1,
        Support::Eol => 2,
    };
    columns.sort_by_key(|column| (group(column.support), std::cmp::Reverse(column.major)));
    columns
}

#[cfg(test)]
pub(crate) mod tests;
