//! What the lanes tell people: a sentence for each thing worth mending, as a warning; what the farm could not find out, as a note.

use std::collections::BTreeSet;

use protocol::Phase;

use crate::judge::shown;
use crate::run::lanes::MAX_WARNINGS;
use crate::run::lanes::difference::{describe, is_part_of, named};
use crate::run::lanes::fact::Fact;

/// A sentence is cut at so many bytes.
const MAX_BYTES: usize = 2_000;

/// Messages about the farm's own bounds: they say nothing about the distribution.
const OURS: [&str; 9] = [
    "it did not end within",
    "Is the server running",
    "due to statement timeout",
    "No space left on device",
    "out of memory",
    "out of shared memory",
    "remaining connection slots",
    "too many clients",
    "the database system is",
];

/// Messages of a server that has just crashed.
const CRASHED: [&str; 3] =
    ["server closed the connection", "connection to server was lost", "because of crash of another server process"];

/// What is to be written down of a lane.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
    /// The commands, as a person could type them; empty where there was nothing to do.
    pub(super) shown: String,
    /// Whether the server crashed.
    pub(super) crashed: bool,
}

/// Puts a lane's facts in words. What several versions or tables have in common is said once.
pub(super) fn tell(phase: Phase, facts: &[Fact]) -> Told {
    let mut told = Told { crashed: facts.iter().any(has_crashed), ..Told::default() };
    let shown: Vec<String> = facts.iter().filter_map(|fact| command(phase, fact)).collect();
    told.shown = cut(shown.join("; "));
    for (at, fact) in facts.iter().enumerate() {
        if facts[..at].iter().any(|earlier| are_alike(earlier, fact)) {
            continue;
        }
        if let Some(note) = note(phase, fact) {
            told.notes.push(cut(note));
        } else if told.warnings.len() < MAX_WARNINGS {
            let alike: Vec<&Fact> = facts[at..].iter().filter(|it| are_alike(it, fact)).collect();
            let removals = facts[..at].iter().rfind(|it| it.word == "removals");
            told.warnings.extend(warning(fact, &alike, removals).map(cut));
        }
    }
    told
}

/// Whether one sentence can say both: all is the same but the version where an update starts, or the table.
fn are_alike(one: &Fact, other: &Fact) -> bool {
    let same = one.word == other.word && one.extension() == other.extension() && one.why() == other.why();
    let listed = ["old-not-created", "not-updated", "updated", "unmarked-table"].contains(&one.word.as_str());
    same && one.lines == other.lines && (listed || one == other)
}

fn command(phase: Phase, fact: &Fact) -> Option<String> {
    let name = fact.extension();
    match (fact.word.as_str(), phase) {
        ("tried", Phase::Upgrade) => {
            let (source, target) = (fact.detail(0), fact.detail(1));
            Some(format!(
                "CREATE EXTENSION \"{name}\" VERSION '{source}'; ALTER EXTENSION \"{name}\" UPDATE TO '{target}'"
            ))
        }
        ("tried", Phase::Reload) => Some(format!("CREATE EXTENSION \"{name}\"; pg_dump | psql")),
        ("tried", _) => Some(format!("DROP EXTENSION \"{name}\"")),
        ("make", _) => Some("make uninstall".into()),
        _ => None,
    }
}

/// What says nothing about the distribution.
fn note(phase: Phase, fact: &Fact) -> Option<String> {
    let why = fact.why();
    match fact.word.as_str() {
        "left-out" => Some(format!("The lane {phase} left {why} further steps out.")),
        "no-uninstall" => Some("Its Makefile has no target `uninstall`.".into()),
        "no-server" | "unread" => Some(format!("The lane {phase} could not look: {why}")),
        _ if OURS.iter().any(|ours| why.contains(ours)) => Some(format!("The lane {phase} could not tell: {why}")),
        _ => None,
    }
}

/// What is worth mending.
fn warning(fact: &Fact, alike: &[&Fact], removals: Option<&Fact>) -> Option<String> {
    let name = fact.extension();
    let why = if has_crashed(fact) { "the server crashed" } else { fact.why() };
    let first = || named(alike.iter().map(|it| it.detail(0).to_owned()).collect(), ", ");
    let from = || named(alike.iter().map(|it| source(it)).collect(), ", ");
    Some(match fact.word.as_str() {
        "not-created" => format!("`CREATE EXTENSION {name}` fails in another database of the same server: {why}"),
        "old-not-created" => format!("An old version of {name}, {}, cannot be created: {why}", first()),
        "not-updated" => format!("The update of {name} from {} to {} fails: {why}", from(), fact.detail(2)),
        "updated" => {
            let (from, to) = (from(), fact.detail(2));
            format!("After an update of {name} from {from}, compared with a fresh {to}: {}", describe(&fact.lines))
        }
        "not-dumped" => format!("A database with {name} cannot be dumped: {why}"),
        "not-restored" => format!("The dump of a database with {name} cannot be restored: {why}"),
        "restored" => format!("After a dump and a restore of a database with {name}: {}", describe(&fact.lines)),
        "unmarked-table" => {
            format!(
                "What is stored in {} is in no dump: {name} marks none of its tables with pg_extension_config_dump",
                first()
            )
        }
        "unmarked-sequence" => {
            let (table, sequence) = (fact.detail(0), fact.detail(1));
            format!(
                "A dump has the rows of {table}, but not the state of {sequence}, which numbers them and starts anew after a restore"
            )
        }
        "not-dropped" => format!("`DROP EXTENSION {name}` fails: {why}"),
        "objects-left" => format!("`DROP EXTENSION {name}` leaves behind: {}", objects(&fact.lines)),
        "files-left" => files(fact, removals)?,
        "not-uninstalled" => format!("`make uninstall` fails: {why}"),
        _ => return None,
    })
}

/// The version where an update starts, and by which other version it goes where that is not the shortest way.
fn source(fact: &Fact) -> String {
    let (source, target, default) = (fact.detail(0), fact.detail(1), fact.detail(2));
    if target == default { source.to_owned() } else { format!("{source} by {target}") }
}

/// Objects without those that are part of another one.
fn objects(lines: &[String]) -> String {
    let pairs: Vec<(&str, &str)> = lines.iter().filter_map(|line| line.split_once('\t')).collect();
    let wholes: BTreeSet<&str> = pairs.iter().map(|(_, identity)| *identity).collect();
    let is_part = |identity: &str| wholes.iter().any(|whole| is_part_of(identity, whole));
    let told = pairs.iter().filter(|(_, identity)| !is_part(identity));
    named(told.map(|(class, identity)| format!("{class} {identity}")).collect(), ", ")
}

/// The files that PGXS would have removed, had it been told to; none where all the others are PGXS's own fault.
fn files(fact: &Fact, removals: Option<&Fact>) -> Option<String> {
    let removals = removals.map_or(&[][..], |fact| &fact.lines);
    let left: Vec<String> = fact.lines.iter().filter(|file| !is_missed_by_pgxs(file, removals)).cloned().collect();
    (!left.is_empty()).then(|| format!("`make uninstall` leaves behind: {}", named(left, ", ")))
}

/// PGXS installs `doc/widget.md` as `widget.md`, and `src/widget.so` as `widget.so`, but would remove them from below `doc` and `src`.
fn is_missed_by_pgxs(file: &str, removals: &[String]) -> bool {
    let Some((dir, base)) = file.rsplit_once('/') else { return false };
    removals.iter().any(|removal| {
        let below = removal.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/'));
        let wanted = below.and_then(|below| below.rsplit_once('/')).map(|(_, wanted)| wanted);
        wanted.is_some_and(|wanted| match wanted.split_once('*') {
            Some((begin, end)) => base.starts_with(begin) && base.ends_with(end),
            None => base == wanted,
        })
    })
}

fn has_crashed(fact: &Fact) -> bool {
    CRASHED.iter().any(|crashed| fact.why().contains(crashed))
}

fn cut(text: impl AsRef<str>) -> String {
    let mut text = shown(text.as_ref(), MAX_BYTES);
    text.truncate(text.floor_char_boundary(MAX_BYTES));
    text
}

#[cfg(test)]
mod tests;
