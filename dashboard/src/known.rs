//! What the METAs of latest releases say of each other: who needs whom, and who carries which tag. Made with the search index, kept in memory.

use std::collections::{BTreeMap, BTreeSet};

use pgxn::{Meta, Phase, Relation};
use protocol::Name;
use serde_json::Value;

/// What is known of the registry as a whole.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// By the key of a distribution, the keys of those whose latest release needs it.
    dependents: BTreeMap<String, BTreeSet<String>>,
    /// By tag, in lower case, the keys of those that carry it.
    tagged: BTreeMap<String, Vec<String>>,
}

impl Known {
    /// Reads the METAs of the latest release of every distribution; what does not read says nothing.
    pub(crate) fn of<'a>(metas: impl Iterator<Item = (&'a Name, &'a Value)>) -> Self {
        let read =
            |(name, meta): (&Name, &Value)| Some((name.key(), Meta::parse(&serde_json::to_vec(meta).ok()?).ok()?));
        let metas: Vec<(String, Meta)> = metas.filter_map(read).collect();
        // A prerequisite names an extension, or a distribution.
        let mut homes: BTreeMap<String, &str> = BTreeMap::new();
        for (key, meta) in &metas {
            homes.extend(meta.provides.iter().map(|provided| (provided.name.key(), key.as_str())));
        }
        homes.extend(metas.iter().map(|(key, _)| (key.clone(), key.as_str())));
        let mut known = Self::default();
        for (key, meta) in &metas {
            let needs =
                meta.prereqs.iter().filter(|one| one.relation == Relation::Requires && one.phase != Phase::Develop);
            for home in needs.filter_map(|one| homes.get(&one.name.key())).filter(|home| **home != key) {
                known.dependents.entry((*home).to_owned()).or_default().insert(key.clone());
            }
            for tag in meta.tags.iter().map(|tag| tag.to_lowercase()).collect::<BTreeSet<_>>() {
                known.tagged.entry(tag).or_default().push(key.clone());
            }
        }
        known
    }

    /// How many distributions need one.
    pub(crate) fn dependents(&self, dist: &Name) -> usize {
        self.dependents.get(&dist.key()).map_or(0, BTreeSet::len)
    }

    /// The keys of the distributions that carry a tag.
    pub(crate) fn tagged(&self, tag: &str) -> &[String] {
        self.tagged.get(&tag.to_lowercase()).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meta(name: &str, provides: &[&str], requires: &[&str], tags: &[&str]) -> (Name, Value) {
        let named = |names: &[&str]| {
            names.iter().map(|name| ((*name).to_owned(), json!({"file": "x.sql", "version": "1.0.0"}))).collect()
        };
        let provides: serde_json::Map<String, Value> = named(provides);
        let requires: serde_json::Map<String, Value> =
            requires.iter().map(|name| ((*name).to_owned(), json!("0"))).collect();
        let meta = json!({
            "name": name, "version": "1.0.0", "provides": provides, "tags": tags,
            "prereqs": {"runtime": {"requires": requires}, "develop": {"requires": {"pgTAP": "0"}}},
        });
        (name.parse().unwrap(), meta)
    }

    #[test]
    fn a_distribution_is_needed_under_its_own_name_and_under_those_of_its_extensions() {
        let metas = [
            meta("pgTAP", &["pgtap"], &["PostgreSQL", "plpgsql"], &["Testing"]),
            meta("Suite", &["one", "two"], &["ONE"], &["testing", "TESTING"]),
            meta("first", &["first"], &["one", "two", "pgtap"], &[]),
            meta("second", &["second"], &["suite", "nobody"], &[]),
        ];
        let odd: (Name, Value) = ("odd".parse().unwrap(), json!([1]));
        let known = Known::of(metas.iter().chain([&odd]).map(|(name, meta)| (name, meta)));
        let dependents = |name: &str| known.dependents(&name.parse().unwrap());
        assert_eq!(dependents("suite"), 2, "nobody needs itself, and each counts once");
        assert_eq!((dependents("pgtap"), dependents("first"), dependents("nobody")), (1, 0, 0));
        assert_eq!(known.tagged("TESTING"), ["pgtap", "suite"]);
        assert!(known.tagged("none").is_empty());
    }
}
