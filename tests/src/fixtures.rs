//! The distributions of `tests/fixtures`, each with the verdict that it must earn, on their way into a registry.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use protocol::{Flag, Grade, Name, Phase, Reason, SourceKind, Timestamp, Version};
use sample::{Mirror, Tree, Upload, User};
use serde::Deserialize;

/// Every fixture is published at this moment, 2026-01-02, unless a test says otherwise.
pub const PUBLISHED_AT: Timestamp = Timestamp::from_millis(1_767_312_000_000);

/// What a run of a fixture must find.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Its grade.
    pub grade: Grade,
    /// The phase that decides it.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// The flags that it must have.
    #[serde(default)]
    pub flags: Vec<Flag>,
    /// How the warnings of its lanes begin; it must have these and no others.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// `verdict.toml`: the verdict, and where it is another one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdicts {
    grade: Grade,
    phase: Phase,
    reason: Reason,
    #[serde(default)]
    flags: Vec<Flag>,
    #[serde(default)]
    warnings: Vec<String>,
    /// By PostgreSQL major.
    #[serde(default)]
    postgres: BTreeMap<String, Verdict>,
    /// By where the image has its PostgreSQL from.
    #[serde(default)]
    source: BTreeMap<String, Verdict>,
}

impl Verdicts {
    fn usual(&self) -> Verdict {
        let (flags, warnings) = (self.flags.clone(), self.warnings.clone());
        Verdict { grade: self.grade, phase: self.phase, reason: self.reason, flags, warnings }
    }
}

/// A distribution named by its fate.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Its fate, which is its distribution's name too.
    pub fate: String,
    /// Its source directory, with META.json at the top.
    pub dir: PathBuf,
    verdicts: Verdicts,
}

impl Fixture {
    /// Every fixture, by name.
    pub fn all() -> Result<Vec<Self>> {
        let root = root();
        let mut fates = Vec::new();
        for entry in std::fs::read_dir(&root).with_context(|| format!("read {}", root.display()))? {
            fates.push(entry?.file_name().to_string_lossy().into_owned());
        }
        // What attacks has no fate of its own; see `hostile`.
        fates.retain(|fate| fate != "attacks");
        fates.sort();
        fates.iter().map(|fate| Self::named(fate)).collect()
    }

    /// The fixture with that fate.
    pub fn named(fate: &str) -> Result<Self> {
        let dir = root().join(fate);
        let path = dir.join("verdict.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let verdicts = toml::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        Ok(Self { fate: fate.to_owned(), dir: dir.join("dist"), verdicts })
    }

    /// What a run on that PostgreSQL must find.
    pub fn verdict(&self, major: u16, source: SourceKind) -> Verdict {
        let by_major = self.verdicts.postgres.get(&major.to_string());
        by_major.or_else(|| self.verdicts.source.get(source.as_str())).cloned().unwrap_or_else(|| self.verdicts.usual())
    }

    /// The distribution, as its author would upload it.
    pub fn upload(&self) -> Result<Upload> {
        self.upload_at(PUBLISHED_AT)
    }

    /// The distribution, uploaded at that moment.
    pub fn upload_at(&self, date: Timestamp) -> Result<Upload> {
        Ok(Upload::of_tree(&Tree::of_directory(&self.dir)?, User::named("fixtures"), date)?)
    }

    /// The same files as another release: only the version in META.json differs.
    pub fn upload_as(&self, version: &str, date: Timestamp) -> Result<Upload> {
        let mut tree = Tree::of_directory(&self.dir)?;
        let text = tree.text("META.json").context("a fixture has a META.json")?;
        let mut meta: serde_json::Value = serde_json::from_str(&text)?;
        meta["version"] = version.into();
        tree.put_text("META.json", &meta.to_string())?;
        Ok(Upload::of_tree(&tree, User::named("fixtures"), date)?)
    }
}

/// Publishes fixtures by their fates.
pub fn publish(mirror: &mut Mirror, fates: &[&str]) -> Result<Vec<(Name, Version)>> {
    let uploads = fates.iter().map(|fate| Fixture::named(fate)?.upload()).collect::<Result<Vec<_>>>()?;
    let published = mirror.publish_all(uploads)?;
    Ok(published.into_iter().map(|release| (release.dist, release.version)).collect())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fixture_is_named_by_its_fate_and_its_verdict_agrees_with_itself() {
        let all = Fixture::all().unwrap();
        assert!(all.len() >= 40);
        for fixture in all {
            let upload = fixture.upload().unwrap();
            assert_eq!(upload.dist().as_str(), fixture.fate);
            let Verdicts { postgres, source, .. } = &fixture.verdicts;
            for verdict in [&fixture.verdicts.usual()].into_iter().chain(postgres.values()).chain(source.values()) {
                assert_eq!(verdict.reason.grade(), verdict.grade, "{}", fixture.fate);
            }
        }
    }

    #[test]
    fn fixtures_show_every_grade_but_the_farms_own_failure() {
        let all = Fixture::all().unwrap();
        let grades: BTreeSet<Grade> = all.iter().map(|fixture| fixture.verdicts.grade).collect();
        let missing: Vec<Grade> = Grade::ALL.into_iter().filter(|grade| !grades.contains(grade)).collect();
        assert_eq!(missing, [Grade::Error]);
    }

    #[test]
    fn a_verdict_may_differ_by_major() {
        let fixture = Fixture::named("misses-a-server-header").unwrap();
        assert_eq!(fixture.verdict(17, SourceKind::Debian).grade, Grade::Fail);
        assert_eq!(fixture.verdict(16, SourceKind::Portable).grade, Grade::Pass);
    }

    #[test]
    fn a_registry_of_fixtures_names_them_all_in_its_feed() {
        let dir = tempfile::tempdir().unwrap();
        let mut mirror = Mirror::open(dir.path()).unwrap();
        let published = publish(&mut mirror, &["passes", "has-no-tests", "prints-hostile-text"]).unwrap();
        assert_eq!(published.len(), 3);
        let feed = std::fs::read_to_string(dir.path().join("stats/dist.json")).unwrap();
        for (dist, _) in published {
            assert!(feed.contains(&format!("\"dist\": \"{dist}\"")), "{dist}");
        }
        let next = Fixture::named("passes").unwrap().upload_as("1.0.1", PUBLISHED_AT).unwrap();
        mirror.publish(next).unwrap();
        assert_eq!(mirror.releases().count(), 4);
    }
}
