//! The list of a major's page: what is asked of it, in which order, and one row per distribution.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Comparison, PgMajor, ReleaseId, Signature};
use serde::Serialize;
use store::matrix::Cell;
use store::readiness::Outline;

use super::tally::{compared, told};
use crate::address;
use crate::answer::Ask;
use crate::known::Known;
use crate::mark::Mark;
use crate::pages::matrix::CHOICES;

const MAX_CHARS: usize = 64;

/// Which distributions are asked for, in which order; what is not asked is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Asked {
    /// What they show on the major: a mark, `broke` or `mended`; empty for whatever is planned.
    pub is: String,
    /// The symptom that they show.
    pub symptom: Option<Signature>,
    /// The exact server with which they were tested.
    pub with: String,
    /// Whether they stand by name; else those that others need come first.
    pub by_name: bool,
    /// The page, from 1.
    #[serde(skip)]
    pub page: usize,
}

/// What turned between two majors, as the address has it.
pub(crate) const TURNS: [(&str, Comparison); 2] = [("broke", Comparison::NewFail), ("mended", Comparison::Fixed)];

impl Asked {
    /// Reads an address leniently: what is not understood is not asked.
    pub(crate) fn read(ask: &Ask) -> Self {
        let text = |name| ask.get(name).unwrap_or_default().trim().chars().take(MAX_CHARS).collect::<String>();
        let is = text("is");
        let is_known = CHOICES.iter().any(|mark| mark.class() == is) || TURNS.iter().any(|(word, _)| *word == is);
        Self {
            is: if is_known { is } else { String::new() },
            symptom: text("symptom").parse().ok(),
            with: text("with"),
            by_name: ask.get("sort") == Some("name"),
            page: ask.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 1_000),
        }
    }

    /// The address of a major's page that asks for this.
    pub(crate) fn address(&self, major: PgMajor) -> String {
        let own = [
            ("is", self.is.clone()),
            ("symptom", self.symptom.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("with", self.with.clone()),
            ("sort", if self.by_name { "name".to_owned() } else { String::new() }),
            ("page", if self.page > 1 { self.page.to_string() } else { String::new() }),
        ];
        let set = own.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = set.map(|(name, value)| format!("{name}={}", address::segment(value))).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        format!("{}{query}", address::readiness(major))
    }

    /// The same, asking for what they show.
    pub(crate) fn showing(&self, is: &str) -> Self {
        Self { is: is.to_owned(), page: 1, ..self.clone() }
    }

    /// Whether a distribution is asked for; `among` are the releases that the store names for the symptom and the server.
    fn is_for(&self, one: &Outline, majors: Majors, among: Option<&BTreeSet<ReleaseId>>) -> bool {
        let turn = TURNS.iter().find(|(word, _)| *word == self.is).map(|(_, comparison)| *comparison);
        let mark = told(&one.cells, majors.this);
        // What runs has no verdict either.
        let mark = if mark == Some(Mark::Running) { Some(Mark::Queued) } else { mark };
        let shows = match turn {
            Some(turn) => majors.compared(one) == Some(turn),
            None => mark.is_some_and(|mark| self.is.is_empty() || mark.class() == self.is),
        };
        shows && among.is_none_or(|among| among.contains(&one.release_id))
    }
}

/// The major of a page, and the one below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Majors {
    pub(crate) this: PgMajor,
    pub(crate) below: Option<PgMajor>,
}

impl Majors {
    /// How a distribution compares with itself on the major below.
    pub(crate) fn compared(self, one: &Outline) -> Option<Comparison> {
        compared(&one.cells, self.this, self.below?)
    }
}

/// The distributions that are asked for, in the order that is.
pub(crate) fn choose<'a>(
    all: &'a [Outline],
    asked: &Asked,
    majors: Majors,
    among: Option<&BTreeSet<ReleaseId>>,
    known: Option<&Known>,
) -> Vec<&'a Outline> {
    let mut found: Vec<&Outline> = all.iter().filter(|one| asked.is_for(one, majors, among)).collect();
    if let (Some(known), false) = (known, asked.by_name) {
        // They stand by name already, and stay so where as many need them.
        found.sort_by_key(|one| std::cmp::Reverse(known.dependents(&one.dist)));
    }
    found
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
    /// How many others need it; none while that is not known.
    pub needed_by: Option<usize>,
    /// What it shows on the major.
    pub here: Vec<Shown>,
    /// What it shows on the one below.
    pub below: Vec<Shown>,
    /// How the two compare.
    pub comparison: Option<Comparison>,
    /// Why it does not pass: the line that decided, or a few words.
    pub why: String,
}

/// What a release shows on a major: on every platform, or on one where they differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    /// The shape.
    pub mark: Mark,
    /// In words.
    pub words: String,
    /// The run.
    pub href: Option<String>,
}

/// The rows of the distributions on a page, from what stands of their releases on both majors.
pub(crate) fn rows(page: &[&Outline], cells: &[Cell], majors: Majors, known: Option<&Known>) -> Vec<Row> {
    let mut by_place: BTreeMap<(ReleaseId, PgMajor), Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        by_place.entry((cell.release_id, cell.target.major)).or_default().push(cell);
    }
    let mut of = |one: &Outline, major| by_place.remove(&(one.release_id, major)).unwrap_or_default();
    let row = |one: &&Outline| {
        let here = of(one, majors.this);
        Row {
            dist: one.dist.to_string(),
            href: address::dist(&one.dist),
            version: one.version.to_string(),
            needed_by: known.map(|known| known.dependents(&one.dist)),
            why: why(&here),
            here: shown(&here),
            below: majors.below.map(|below| shown(&of(one, below))).unwrap_or_default(),
            comparison: majors.compared(one).filter(|comparison| comparison.is_news()),
        }
    };
    page.iter().map(row).collect()
}

fn shown(cells: &[&Cell]) -> Vec<Shown> {
    let one = |cell: &&Cell| {
        let result = cell.result.as_ref();
        let mark = Mark::of(cell.state, result.map(|result| (result.grade, result.flags.as_slice())));
        let run = result.map(|result| result.run_id).or(cell.run_id);
        Shown { mark, words: mark.words(result.map(|result| result.phase)), href: run.map(address::run) }
    };
    let mut all: Vec<Shown> = cells.iter().map(one).collect();
    if all.windows(2).all(|pair| pair[0].words == pair[1].words) {
        all.truncate(1);
    } else {
        for (shown, cell) in all.iter_mut().zip(cells) {
            shown.words = format!("{}, {}", shown.words, cell.target.platform);
        }
    }
    all
}

/// Why a release does not pass: of the platform where it does worst.
fn why(cells: &[&Cell]) -> String {
    let results = cells.iter().filter_map(|cell| cell.result.as_ref());
    let mut bad = results.filter(|result| !Mark::from(result.grade).is_good());
    bad.next().map_or_else(String::new, |result| match (&result.decisive, result.detail.as_str()) {
        (Some(line), _) => line.chars().take(160).collect(),
        (None, "") => result.reason.sentence().to_owned(),
        (None, detail) => detail.to_owned(),
    })
}
