//! The `prereqs` of META 1: phase → relation → name → range.

use protocol::{Name, Range};
use serde_json::Value;

use super::range;
use crate::json;

/// More than this are not read.
const MAX: usize = 1_000;

/// When a prerequisite is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before `./configure`.
    Configure,
    /// To build.
    Build,
    /// To run the tests.
    Test,
    /// To use it.
    Runtime,
    /// Only to work on it.
    Develop,
}

/// How badly it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It does not work without.
    Requires,
    /// It should be there.
    Recommends,
    /// It would be nice.
    Suggests,
    /// It does not work with it.
    Conflicts,
}

pub(super) const PHASES: [(&str, Phase); 5] = [
    ("configure", Phase::Configure),
    ("build", Phase::Build),
    ("test", Phase::Test),
    ("runtime", Phase::Runtime),
    ("develop", Phase::Develop),
];

pub(super) const RELATIONS: [(&str, Relation); 4] = [
    ("requires", Relation::Requires),
    ("recommends", Relation::Recommends),
    ("suggests", Relation::Suggests),
    ("conflicts", Relation::Conflicts),
];

/// What the name of a prerequisite is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// An extension, of whatever origin: what META 1 asks for, though some authors write a distribution's name.
    Extension,
    /// A distribution of the registry: META 2's `pkg:pgxn/…`.
    Distribution,
    /// A part of PostgreSQL, contrib included: META 2's `pkg:postgres/…`.
    Server,
}

/// One thing that a distribution needs or cannot live with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prerequisite {
    /// When.
    pub phase: Phase,
    /// How.
    pub relation: Relation,
    /// What the name names.
    pub named: Named,
    /// An extension of the registry, of the server or of contrib, or `PostgreSQL` itself.
    pub name: Name,
    /// Which versions.
    pub range: Range,
}

impl Prerequisite {
    /// Whether it is about the server's version.
    pub fn is_postgres(&self) -> bool {
        matches!(self.name.key().as_str(), "postgresql" | "postgres")
    }
}

/// Reads `prereqs`; what cannot be read goes into `problems`.
pub(super) fn first(value: Option<&Value>, problems: &mut Vec<String>) -> Vec<Prerequisite> {
    let mut found = Vec::new();
    let Some(phases) = object(value, "prereqs", problems) else { return found };
    for (phase_name, relations) in phases {
        let Some(phase) = lookup(&PHASES, phase_name) else {
            if !is_custom(phase_name) {
                problems.push(format!("`prereqs` has an unknown phase `{}`", short(phase_name)));
            }
            continue;
        };
        let Some(relations) = object(Some(relations), phase_name, problems) else { continue };
        for (relation_name, names) in relations {
            let Some(relation) = lookup(&RELATIONS, relation_name) else {
                if !is_custom(relation_name) {
                    problems.push(format!("`prereqs` has an unknown relation `{}`", short(relation_name)));
                }
                continue;
            };
            collect((phase, relation), names, &mut found, problems);
        }
    }
    found.sort_by_key(|one| (one.phase, one.relation, one.name.key()));
    found
}

fn collect(
    (phase, relation): (Phase, Relation),
    names: &Value,
    found: &mut Vec<Prerequisite>,
    problems: &mut Vec<String>,
) {
    let Some(names) = object(Some(names), "prereqs", problems) else { return };
    for (name, version) in names {
        if found.len() >= MAX {
            problems.push(format!("`prereqs` has more than {MAX} entries; the others are left out"));
            return;
        }
        match name.trim().parse::<Name>() {
            Ok(name) => {
                let range = range(version, name.as_str(), problems);
                found.push(Prerequisite { phase, relation, named: Named::Extension, name, range });
            }
            Err(error) => problems.push(format!("a prerequisite is left out: {error}")),
        }
    }
}

/// An object, also an absent or empty one, or a remark that it is something else.
fn object<'a>(
    value: Option<&'a Value>,
    whose: &str,
    problems: &mut Vec<String>,
) -> Option<&'a serde_json::Map<String, Value>> {
    match value? {
        Value::Object(map) => Some(map),
        Value::Null => None,
        other => {
            problems.push(format!("`{}` is {} instead of an object", short(whose), json::excerpt(other)));
            None
        }
    }
}

fn lookup<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// `x_…` is the author's own, by the specification.
fn is_custom(name: &str) -> bool {
    name.starts_with("x_") || name.starts_with("X_")
}

fn short(name: &str) -> String {
    name.chars().take(80).collect()
}
