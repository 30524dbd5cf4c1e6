//! Comparisons and symptoms.

use protocol::{Comparison, Judged, Name, PgMajor, Phase, Reason, Signature, Target, Timestamp, Version, compare};
use serde::Serialize;
use store::matrix::Cell;
use utoipa::ToSchema;

use super::{ResultLine, Summary};

/// A release beside another one, and each of its majors beside the one before it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Compared {
    /// The distribution.
    pub dist: Name,
    /// The release.
    pub version: Version,
    /// The release that it is compared with; none where there is none before it.
    pub with: Option<Version>,
    /// Target by target with that release.
    pub releases: Vec<Pair>,
    /// Major by major of the same release, on the same platform.
    pub majors: Vec<Pair>,
}

/// Two verdicts side by side.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pair {
    /// The target of the later one.
    pub target: Target,
    /// The target of the earlier one.
    pub with_target: Target,
    /// How they compare.
    pub comparison: Comparison,
    /// How they compare, as a sentence.
    pub sentence: String,
    /// The earlier verdict; none where there is none yet.
    pub before: Option<Summary>,
    /// The later verdict; none where there is none yet.
    pub after: Option<Summary>,
}

impl Pair {
    fn new(before: Option<&Cell>, with_target: Target, after: &Cell) -> Self {
        let verdict = |cell: &Cell| cell.result.clone();
        let (before, now) = (before.and_then(verdict), verdict(after));
        let comparison = match (&before, &now) {
            (Some(before), Some(now)) => compare(
                Judged { grade: before.grade, flags: &before.flags },
                Judged { grade: now.grade, flags: &now.flags },
            ),
            _ => Comparison::NotComparable,
        };
        Self {
            target: after.target,
            with_target,
            comparison,
            sentence: comparison.sentence().to_owned(),
            before: before.map(Summary::from),
            after: now.map(Summary::from),
        }
    }

    /// Every cell of a release beside the one of another release on the same target.
    pub(crate) fn of_releases(before: &[Cell], after: &[Cell]) -> Vec<Self> {
        let pair = |cell: &Cell| Self::new(before.iter().find(|other| other.target == cell.target), cell.target, cell);
        after.iter().map(pair).collect()
    }

    /// Every cell of a release beside its own one on the next lower major that was planned, on the same platform.
    pub(crate) fn of_majors(cells: &[Cell]) -> Vec<Self> {
        let lower = |cell: &Cell| {
            let those = cells.iter().filter(|other| other.target.platform == cell.target.platform);
            those.filter(|other| other.target.major < cell.target.major).max_by_key(|other| other.target.major)
        };
        cells.iter().filter_map(|cell| Some(Self::new(Some(lower(cell)?), lower(cell)?.target, cell))).collect()
    }
}

/// A page of symptoms.
#[derive(Debug, Serialize, ToSchema)]
pub struct Symptoms {
    /// Those that most distributions share first.
    pub symptoms: Vec<Symptom>,
    /// Where the next page begins: its `after`.
    pub next: Option<String>,
}

/// A symptom, and how many share it now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Symptom {
    /// What tells it from others.
    pub signature: Signature,
    /// The phase that it ends.
    pub phase: Phase,
    /// The reason that it gives.
    pub reason: Reason,
    /// The reason, as a sentence.
    pub sentence: String,
    /// The decisive error without what differs from place to place; may be empty.
    pub text: String,
    /// When it was seen first.
    pub seen_at: Timestamp,
    /// How many distributions show it now.
    pub dists: u64,
    /// How many releases on targets show it now.
    pub cells: u64,
    /// The PostgreSQL majors on which it is seen now.
    pub majors: Vec<PgMajor>,
}

impl From<store::symptoms::Shared> for Symptom {
    fn from(shared: store::symptoms::Shared) -> Self {
        Self {
            signature: shared.signature,
            phase: shared.phase,
            reason: shared.reason,
            sentence: shared.reason.sentence().to_owned(),
            text: shared.text,
            seen_at: shared.seen_at,
            dists: shared.dists,
            cells: shared.cells,
            majors: shared.majors,
        }
    }
}

/// A symptom with the verdicts that show it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SymptomDetail {
    /// The symptom.
    #[serde(flatten)]
    pub symptom: Symptom,
    /// The verdicts, by distribution; at most 200.
    pub results: Vec<ResultLine>,
}
