//! `images/overrides.toml`: what releases need beyond the plain image, and why.
//!
//! The file is part of the program, and a person may give a runner another one; nothing of it ever comes from a coordinator. What several
//! entries say of one release is taken together, later ones before earlier ones where both name a setting or a variable.

mod check;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::range::Range;
use crate::target::PgMajor;
use crate::version::Version;

/// A file of overrides that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OverridesError {
    /// The text is not TOML of the expected shape.
    #[error("the overrides do not parse")]
    Parse(#[source] toml::de::Error),
    /// There are more entries than anybody would read.
    #[error("the overrides have {have} entries, at most {most} are taken")]
    TooMany {
        /// How many there are.
        have: usize,
        /// How many may be.
        most: usize,
    },
    /// An entry says something impossible.
    #[error("the overrides are wrong about {dist}: {why}")]
    Entry {
        /// The distribution.
        dist: Name,
        /// What is wrong.
        why: String,
    },
}

/// What releases need beyond the plain image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// The entries, in the order of the file.
    #[serde(default, rename = "override")]
    entries: Vec<Override>,
}

/// One entry: what some releases of a distribution need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The distribution.
    pub dist: Name,
    /// Its versions; every one where nothing is said.
    #[serde(default, skip_serializing_if = "Range::is_any")]
    pub versions: Range,
    /// The PostgreSQL majors; every one where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postgresql: Vec<PgMajor>,
    /// Why, as a sentence, which every run that uses the entry shows.
    pub why: String,
    /// That it is not run at all.
    #[serde(default, skip_serializing_if = "is_false")]
    pub skip: bool,
    /// Debian packages; each may name alternatives, as in `libpcre3-dev | libpcre2-dev`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// Distributions of the registry to install first, with their ranges, which META does not declare.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requires: BTreeMap<Name, Range>,
    /// Libraries for `shared_preload_libraries`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preload: Vec<String>,
    /// Settings of the server, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Variables for every call of make.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub make: BTreeMap<String, String>,
    /// Variables of the environment of every command.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Files to fetch before the run, which its build would download itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub downloads: Vec<Download>,
    /// Lines of shell that run in the sandbox, as its user and in its sources, before it is configured and built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_build: Vec<String>,
    /// Lines of shell that run in the sandbox, as its user and with the server up, before anything is created.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<String>,
    /// For what its tests talk to the farm has only a stand-in: where they fail, that is no evidence against the author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<String>,
    /// Limits other than the usual ones.
    #[serde(default, skip_serializing_if = "LimitOverrides::is_empty")]
    pub limits: LimitOverrides,
}

/// A file that the farm fetches for a build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Where it is, by https or http.
    pub url: String,
    /// What it has to be, in hexadecimal: a file that is anything else is not used.
    pub sha256: String,
}

/// Limits other than the usual ones; only larger ones have an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitOverrides {
    /// Memory of everything in the sandbox, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// Wall time of a phase, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_s: Option<u64>,
    /// Time without output, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_s: Option<u64>,
}

/// What one release needs on one major: all entries about it, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provision {
    /// Why it is not run at all.
    pub skip: Option<String>,
    /// Debian packages, as in [`Override::packages`].
    pub packages: Vec<String>,
    /// Distributions to install first, with their ranges.
    pub requires: BTreeMap<Name, Range>,
    /// Libraries for `shared_preload_libraries`.
    pub preload: Vec<String>,
    /// Settings of the server, by name.
    pub settings: BTreeMap<String, String>,
    /// Variables for make.
    pub make: BTreeMap<String, String>,
    /// Variables of the environment.
    pub environment: BTreeMap<String, String>,
    /// Files to fetch before the run.
    pub downloads: Vec<Download>,
    /// Lines of shell before it is built.
    pub before_build: Vec<String>,
    /// Lines of shell before anything is created.
    pub prepare: Vec<String>,
    /// For what the farm has only a stand-in.
    pub stand_in: Option<String>,
    /// Limits.
    pub limits: LimitOverrides,
    /// Why, a sentence for each entry.
    pub why: Vec<String>,
}

impl Overrides {
    /// The overrides that are part of the program, the text of `images/overrides.toml`.
    ///
    /// # Panics
    /// Never in a program that passed its tests: one of them parses that text.
    pub fn embedded() -> Self {
        Self::parse(include_str!("../../images/overrides.toml")).expect("a test parses the embedded overrides")
    }

    /// Reads overrides, and refuses what no entry may say.
    pub fn parse(text: &str) -> Result<Self, OverridesError> {
        let overrides: Self = toml::from_str(text).map_err(OverridesError::Parse)?;
        if overrides.entries.len() > check::MAX_ENTRIES {
            return Err(OverridesError::TooMany { have: overrides.entries.len(), most: check::MAX_ENTRIES });
        }
        for entry in &overrides.entries {
            check::entry(entry).map_err(|why| OverridesError::Entry { dist: entry.dist.clone(), why })?;
        }
        Ok(overrides)
    }

    /// The same with one entry more, the last, which is refused as one of a file would be.
    pub fn and(mut self, entry: Override) -> Result<Self, OverridesError> {
        check::entry(&entry).map_err(|why| OverridesError::Entry { dist: entry.dist.clone(), why })?;
        self.entries.push(entry);
        Ok(self)
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[Override] {
        &self.entries
    }

    /// What a release needs on a major.
    pub fn provision(&self, dist: &Name, version: &Version, major: PgMajor) -> Provision {
        let mut provision = Provision::default();
        for entry in self.entries.iter().filter(|entry| entry.is_about(dist, version, major)) {
            provision.add(entry);
        }
        provision
    }
}

impl Override {
    /// An entry about every release of a distribution that asks for nothing yet.
    pub fn of(dist: Name, why: &str) -> Self {
        Self {
            dist,
            versions: Range::any(),
            postgresql: Vec::new(),
            why: why.to_owned(),
            skip: false,
            packages: Vec::new(),
            requires: BTreeMap::new(),
            preload: Vec::new(),
            settings: BTreeMap::new(),
            make: BTreeMap::new(),
            environment: BTreeMap::new(),
            downloads: Vec::new(),
            before_build: Vec::new(),
            prepare: Vec::new(),
            stand_in: None,
            limits: LimitOverrides::default(),
        }
    }

    fn is_about(&self, dist: &Name, version: &Version, major: PgMajor) -> bool {
        let on_major = self.postgresql.is_empty() || self.postgresql.contains(&major);
        on_major && self.dist == *dist && self.versions.contains(version)
    }
}

impl Download {
    /// The name of the file: the last part of its address.
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }
}

impl LimitOverrides {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Provision {
    fn add(&mut self, entry: &Override) {
        if entry.skip {
            self.skip = Some(entry.why.clone());
        }
        let lists = [(&mut self.packages, &entry.packages), (&mut self.preload, &entry.preload)];
        for (all, more) in lists {
            for item in more {
                if !all.contains(item) {
                    all.push(item.clone());
                }
            }
        }
        // The same line may be there twice, with another meaning.
        self.prepare.extend(entry.prepare.iter().cloned());
        self.before_build.extend(entry.before_build.iter().cloned());
        self.downloads
            .extend(entry.downloads.iter().filter(|file| !self.downloads.contains(file)).cloned().collect::<Vec<_>>());
        self.stand_in = entry.stand_in.clone().or(self.stand_in.take());
        self.requires.extend(entry.requires.iter().map(|(name, range)| (name.clone(), range.clone())));
        let maps = [
            (&mut self.settings, &entry.settings),
            (&mut self.make, &entry.make),
            (&mut self.environment, &entry.environment),
        ];
        for (all, more) in maps {
            all.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        let LimitOverrides { memory_mib, phase_s, silence_s } = entry.limits;
        self.limits.memory_mib = memory_mib.or(self.limits.memory_mib);
        self.limits.phase_s = phase_s.or(self.limits.phase_s);
        self.limits.silence_s = silence_s.or(self.limits.silence_s);
        self.why.push(entry.why.clone());
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests;
