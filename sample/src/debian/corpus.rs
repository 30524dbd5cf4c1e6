//! `sample/corpus.toml`: which releases the sample registry is made of, and the verdicts that are right for them.

use std::collections::BTreeMap;

use protocol::{Grade, Name, Phase, Version};
use serde::Deserialize;

use crate::Error;

/// The list, as it is in the program.
const TEXT: &str = include_str!("../../corpus.toml");

/// Which releases a registry is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// A dozen that show every kind of fate within seconds.
    Small,
    /// All of them.
    All,
}

/// One release of the list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The distribution.
    pub dist: Name,
    /// Its version when its verdicts were found; the archive may have moved on.
    pub version: Version,
    /// Debian's source package.
    pub source: String,
    /// Debian's suite.
    pub suite: String,
    /// `own`, `template`, `made`, or the path of a META.json in the tarball.
    pub meta: Option<String>,
    /// The directory of the tarball that is the distribution.
    pub subdirectory: Option<String>,
    /// The member of the tarball that is a ready archive.
    pub zip: Option<String>,
    /// What has to stand before the Makefile's first line.
    pub makefile_first: Option<String>,
    /// The licence, where META.json is made.
    pub license: Option<String>,
    /// Whether it is one of the quick dozen.
    #[serde(default)]
    pub small: bool,
    /// The verdicts that are right, by PostgreSQL major; several where either may stand.
    #[serde(default)]
    pub right: BTreeMap<String, Vec<Expected>>,
    /// The verdicts that may stand until the farm provides what it needs.
    #[serde(default)]
    pub before: Vec<Expected>,
    /// The verdicts that are right since the server has moved on from the version on which the others were found.
    #[serde(default)]
    pub moved: Vec<Expected>,
    /// What the farm has to provide for the right verdict.
    pub needs: Option<String>,
    /// Why the verdict is right.
    pub why: Option<String>,
}

impl Entry {
    /// What tells the entry from all others: package, suite and directory.
    pub fn key(&self) -> String {
        let subdirectory = self.subdirectory.as_deref().map(|dir| format!(":{dir}")).unwrap_or_default();
        format!("{}/{}{subdirectory}", self.source, self.suite)
    }
}

/// A grade, and for some the phase that decides it: `FAIL (build)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Expected {
    /// The grade.
    pub grade: Grade,
    /// The phase, where it matters.
    pub phase: Option<Phase>,
}

impl TryFrom<String> for Expected {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (grade, phase) = match text.split_once(" (") {
            None => (text.as_str(), None),
            Some((grade, phase)) => (grade, Some(phase.strip_suffix(')').ok_or("a phase stands in parentheses")?)),
        };
        Ok(Self { grade: grade.parse()?, phase: phase.map(str::parse).transpose()? })
    }
}

/// The releases of a selection, in the list's order.
pub fn corpus(selection: Selection) -> Result<Vec<Entry>, Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        release: Vec<Entry>,
    }
    let list: List = toml::from_str(TEXT).map_err(|error| Error::Corpus { why: error.to_string() })?;
    Ok(list.release.into_iter().filter(|entry| selection == Selection::All || entry.small).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_has_fifty_releases_of_forty_distributions_and_a_dozen_small_ones() {
        let all = corpus(Selection::All).unwrap();
        assert_eq!(all.len(), 50);
        assert_eq!(all.iter().map(|entry| entry.dist.key()).collect::<BTreeSet<_>>().len(), 40);
        assert_eq!(all.iter().map(Entry::key).collect::<BTreeSet<_>>().len(), 50);
        assert_eq!(corpus(Selection::Small).unwrap().len(), 12);
    }

    #[test]
    fn whatever_has_no_right_verdict_says_why() {
        for entry in corpus(Selection::All).unwrap() {
            assert!(entry.right.contains_key("17") || entry.why.is_some(), "{}", entry.key());
            assert!(entry.before.is_empty() || entry.needs.is_some(), "{}", entry.key());
            assert!(entry.moved.is_empty() || entry.why.is_some(), "{}", entry.key());
        }
    }

    #[test]
    fn the_small_ones_show_different_fates() {
        let small = corpus(Selection::Small).unwrap();
        let grades: BTreeSet<Grade> =
            small.iter().flat_map(|entry| &entry.right["17"]).map(|expected| expected.grade).collect();
        assert!(grades.is_superset(&BTreeSet::from([Grade::Pass, Grade::Untested, Grade::Fail, Grade::Blocked])));
    }
}
