//! The matrix of many distributions: the latest release of each × PostgreSQL majors, a shape per cell. On pages, as JSON and as CSV.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    Comparison, Flag, Grade, Matrix, PgMajor, Phase, ReleaseId, RunId, RunnerId, Status, Target, Timestamp,
};
use serde::Serialize;
use store::dists::Dist;
use store::overview;

use crate::grid::{Column, columns};
use crate::mark::Mark;
use crate::text::When;
use crate::{address, csv};

/// The matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Wide {
    /// Its columns: supported majors, newest first, then devel, then those past their end.
    pub columns: Vec<Column>,
    /// Its rows, in the order that was asked for.
    pub rows: Vec<Row>,
}

/// A distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// The distribution, as its author writes it.
    pub dist: String,
    /// Its page.
    pub href: String,
    /// Its latest release.
    pub version: String,
    /// What its author calls that.
    pub status: Status,
    /// Who uploaded it.
    pub user: String,
    /// When.
    pub released_at: When,
    /// Its cells, one per column.
    pub cells: Vec<Cell>,
}

impl Row {
    /// The version as a part of an address.
    pub(crate) fn segment(&self) -> String {
        address::segment(&self.version)
    }
}

/// A release on a major, on every platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cell {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// What is known per platform; empty when nothing is planned.
    pub spots: Vec<Spot>,
}

impl Cell {
    /// Whether all platforms agree, so that one shape says it all.
    pub(crate) fn joined(&self) -> bool {
        self.spots.windows(2).all(|pair| (pair[0].mark, pair[0].failed_in()) == (pair[1].mark, pair[1].failed_in()))
    }

    /// The shapes to draw: one, or one per platform where they differ.
    pub(crate) fn shown(&self) -> &[Spot] {
        if self.joined() { self.spots.get(..1).unwrap_or_default() } else { &self.spots }
    }

    /// A shape in words: `fail (build), newly failing`, with the platform where another one differs.
    pub(crate) fn label(&self, spot: &Spot) -> String {
        let mut words = spot.mark.words(spot.phase);
        if spot.mark.is_good() && spot.unsure.is_some() {
            words.push_str(", not every time");
        }
        if !self.joined() {
            words = format!("{words}, {}", spot.target.platform);
        }
        match spot.comparison {
            Some(Comparison::NewFail) => format!("{words}, newly failing"),
            Some(Comparison::Fixed) => format!("{words}, fixed"),
            _ => words,
        }
    }

    /// The class of its corner, where something turned.
    pub(crate) fn turned(&self) -> Option<&'static str> {
        let turned = |comparison| self.spots.iter().any(|spot| spot.comparison == Some(comparison));
        match (turned(Comparison::NewFail), turned(Comparison::Fixed)) {
            (true, _) => Some("broken"),
            (_, true) => Some("fixed"),
            _ => None,
        }
    }
}

/// A release on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Spot {
    /// The target.
    pub target: Target,
    /// The verdict's shape, word and colour.
    pub mark: Mark,
    /// The grade, where there is one.
    pub grade: Option<Grade>,
    /// Why that does not count.
    pub unsure: Option<Flag>,
    /// The phase that decided.
    pub phase: Option<Phase>,
    /// The server's exact version; empty where it is not known.
    pub postgresql: String,
    /// How it compares with the nearest verdict before it.
    pub comparison: Option<Comparison>,
    /// The run that gave the verdict, or that goes on.
    pub run: Option<RunId>,
}

impl Spot {
    fn new(cell: overview::Cell) -> Self {
        let standing = cell.standing.as_ref();
        Self {
            target: cell.target,
            mark: Mark::of(cell.state, standing.map(|it| (it.grade, it.unsure.as_slice()))),
            grade: standing.map(|it| it.grade),
            unsure: standing.and_then(|it| it.unsure),
            phase: cell.phase,
            comparison: cell.comparison,
            run: cell.run,
            postgresql: cell.postgresql,
        }
    }

    fn failed_in(&self) -> Option<Phase> {
        self.phase.filter(|_| self.mark.is_failure())
    }

    /// Where a click leads.
    pub(crate) fn href(&self) -> Option<String> {
        self.run.map(address::run)
    }
}

/// What a matrix is built from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// The majors.
    pub matrix: &'a Matrix,
    /// The distributions, in the order of the rows.
    pub dists: &'a [Dist],
    /// The cells of their latest releases, in any order.
    pub cells: &'a [overview::Cell],
    /// Whose verdicts alone are shown.
    pub runner: Option<RunnerId>,
    /// The page's time.
    pub now: Timestamp,
}

impl Wide {
    /// Builds a matrix.
    pub(crate) fn build(sources: Sources<'_>) -> Self {
        let seen = |cell: &&overview::Cell| sources.runner.is_none_or(|runner| cell.runner == Some(runner));
        let mut by_place: BTreeMap<(ReleaseId, PgMajor), Vec<Spot>> = BTreeMap::new();
        for cell in sources.cells.iter().filter(seen) {
            by_place.entry((cell.release_id, cell.target.major)).or_default().push(Spot::new(cell.clone()));
        }
        let planned: BTreeSet<PgMajor> = by_place.keys().map(|(_, major)| *major).collect();
        let columns = columns(sources.matrix, &planned, sources.now);
        let mut cell = |of: ReleaseId, column: &Column| {
            let mut spots = by_place.remove(&(of, column.major)).unwrap_or_default();
            spots.sort_by_key(|spot| spot.target.platform);
            Cell { column: *column, spots }
        };
        let row = |dist: &Dist| Row {
            dist: dist.name.to_string(),
            href: address::dist(&dist.name),
            version: dist.latest.release.version.to_string(),
            status: dist.latest.release.status,
            user: dist.latest.release.user.to_string(),
            released_at: When::new(dist.latest.release.released_at, sources.now),
            cells: columns.iter().map(|column| cell(dist.latest.id, column)).collect(),
        };
        let rows = sources.dists.iter().map(row).collect();
        Self { columns, rows }
    }

    /// The matrix as CSV: a row per distribution, a column per target.
    pub(crate) fn csv(&self, matrix: &Matrix) -> String {
        let targets: Vec<Target> = self
            .columns
            .iter()
            .flat_map(|column| {
                matrix.platforms.iter().map(|platform| Target { major: column.major, platform: *platform })
            })
            .collect();
        let heads = ["distribution", "version", "status", "user", "released"].map(str::to_owned);
        let mut text = csv::line(heads.into_iter().chain(targets.iter().map(Target::to_string)));
        for row in &self.rows {
            let spots: BTreeMap<Target, &Spot> =
                row.cells.iter().flat_map(|cell| &cell.spots).map(|spot| (spot.target, spot)).collect();
            let words = |target| spots.get(target).map(|spot| spot.mark.words(spot.phase)).unwrap_or_default();
            let about = [&row.dist, &row.version, row.status.as_str(), &row.user].map(str::to_owned);
            let about = about.into_iter().chain([row.released_at.iso()]);
            text.push_str(&csv::line(about.chain(targets.iter().map(words))));
        }
        text
    }
}
