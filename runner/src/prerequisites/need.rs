//! What one distribution asks for before it can be built, tested or used.

use std::collections::BTreeMap;

use pgxn::{Meta, Named, Phase, Relation};
use protocol::{Name, Provision, Range};

/// Extensions that are in every server without anybody's doing.
const EVERYWHERE: [&str; 1] = ["plpgsql"];

/// One thing that a distribution asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// As its author writes it.
    pub(crate) name: Name,
    /// What the name names.
    pub(crate) named: Named,
    /// Which versions.
    pub(crate) range: Range,
    /// Whether it is needed to use the distribution, and not only to build or test it: it is created before the distribution's extensions.
    pub(crate) to_use: bool,
}

impl Need {
    /// Whatever META and the overrides require.
    pub(crate) fn all(meta: &Meta, provision: &Provision, tests: bool) -> Vec<Self> {
        let by_override = |(name, range): (&Name, &Range)| Self {
            name: name.clone(),
            named: Named::Distribution,
            range: range.clone(),
            to_use: true,
        };
        Self::of_meta(meta, tests).into_iter().chain(provision.requires.iter().map(by_override)).collect()
    }

    /// Whatever META requires, once for each name, but PostgreSQL itself, and what is in every server: `tests` says whether tests will run.
    fn of_meta(meta: &Meta, tests: bool) -> Vec<Self> {
        let mut needs: BTreeMap<(Name, Named), Self> = BTreeMap::new();
        let is_wanted = |phase| match phase {
            Phase::Configure | Phase::Build | Phase::Runtime => true,
            Phase::Test => tests,
            Phase::Develop => false,
        };
        let required = meta.prereqs.iter().filter(|one| one.relation == Relation::Requires && is_wanted(one.phase));
        for one in required.filter(|one| !one.is_postgres() && !EVERYWHERE.contains(&one.name.key().as_str())) {
            let need = needs.entry((one.name.clone(), one.named)).or_insert_with(|| Self {
                name: one.name.clone(),
                named: one.named,
                range: Range::any(),
                to_use: false,
            });
            need.range = need.range.and(&one.range);
            need.to_use |= one.phase == Phase::Runtime;
        }
        needs.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(prereqs: &str, tests: bool) -> Vec<String> {
        let text = format!(r#"{{"name": "a", "version": "1.0.0", "provides": {{}}, "prereqs": {prereqs}}}"#);
        let needs = Need::of_meta(&Meta::parse(text.as_bytes()).unwrap(), tests);
        needs.iter().map(|need| format!("{} {} {}", need.name, need.range, need.to_use)).collect()
    }

    #[test]
    fn the_phases_of_one_name_are_joined_and_what_is_everywhere_is_left_out() {
        let prereqs = r#"{
            "build": {"requires": {"unit": ">= 1.0.0", "PostgreSQL": "9.1.0"}, "recommends": {"tea": 0}},
            "runtime": {"requires": {"Unit": "< 2.0.0", "plpgsql": 0}},
            "test": {"requires": {"pgTAP": "0.90.0"}}, "develop": {"requires": {"editor": 0}}}"#;
        assert_eq!(needs(prereqs, true), ["pgTAP >= 0.90.0 false", "unit >= 1.0.0, < 2.0.0 true"]);
        assert_eq!(needs(prereqs, false), ["unit >= 1.0.0, < 2.0.0 true"]);
        assert_eq!(needs(r#"{"runtime": {"requires": {"PostgreSQL": 0, "plpgsql": 0}}}"#, true), [] as [&str; 0]);
    }
}
