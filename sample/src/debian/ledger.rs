//! What is known of earlier builds: where tarballs are, which are here, and what was made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use protocol::{Name, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::apt::Apt;
use super::sources::Source;
use crate::Error;

/// A release that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Made {
    /// Its distribution, as its META.json names it.
    pub(super) dist: Name,
    /// Its version.
    pub(super) version: Version,
    /// Where it differs from what its upstream would have uploaded.
    pub(super) changes: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    /// By `package/suite`.
    sources: BTreeMap<String, Source>,
    /// What the indexes did not have, by `package/suite`.
    absent: BTreeSet<String>,
    /// By entry.
    made: BTreeMap<String, Made>,
}

/// The file `sample.json`, replaced whole after each change.
pub(super) struct Ledger {
    path: PathBuf,
    content: Content,
    /// What apt complained about this time; it is not kept.
    pub(super) complaint: Option<String>,
}

impl Ledger {
    /// Reads the ledger below `dir`; one that cannot be read is begun anew, for all in it can be found out again.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(dir).map_err(Error::io("create directory", dir))?;
        let path = dir.join("sample.json");
        let content = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Self { path, content: content.unwrap_or_default(), complaint: None })
    }

    pub(super) fn made(&self, entry: &str) -> Option<&Made> {
        self.content.made.get(entry)
    }

    pub(super) fn source(&self, package: &str, suite: &str) -> Option<&Source> {
        self.content.sources.get(&format!("{package}/{suite}"))
    }

    /// Whether the archive was asked already, whatever the answer was.
    pub(super) fn was_asked(&self, package: &str, suite: &str) -> bool {
        self.source(package, suite).is_some() || self.content.absent.contains(&format!("{package}/{suite}"))
    }

    pub(super) fn locate(&mut self, suite: &str, source: Source) {
        self.content.sources.insert(format!("{}/{suite}", source.package), source);
    }

    /// The whole archive has answered: what is not located now is not there.
    pub(super) fn miss(&mut self, package: &str, suite: &str) {
        if self.source(package, suite).is_none() {
            self.content.absent.insert(format!("{package}/{suite}"));
        }
    }

    /// The tarball is not where it was: the next build asks the archive again.
    pub(super) fn forget(&mut self, package: &str, suite: &str) {
        self.content.sources.remove(&format!("{package}/{suite}"));
    }

    pub(super) fn add(&mut self, entry: String, made: Made) -> Result<(), Error> {
        self.content.made.insert(entry, made);
        self.save()
    }

    pub(super) fn save(&self) -> Result<(), Error> {
        let dir = self.path.parent().expect("the ledger lies in a directory");
        let bytes = serde_json::to_vec_pretty(&self.content).expect("the ledger has text keys");
        let mut beside = tempfile::NamedTempFile::new_in(dir).map_err(Error::io("write in", dir))?;
        beside.write_all(&bytes).map_err(Error::io("write", &self.path))?;
        beside.persist(&self.path).map_err(|failed| failed.error).map_err(Error::io("replace", &self.path))?;
        Ok(())
    }
}

/// The tarball's path, after it was downloaded if it was not here or was not whole.
pub(super) fn fetch(dir: &Path, source: &Source, apt: &Apt<'_>) -> Result<PathBuf, Error> {
    let dir = dir.join("tarballs");
    std::fs::create_dir_all(&dir).map_err(Error::io("create directory", &dir))?;
    let path = dir.join(&source.file);
    if !is_whole(&path, &source.sha256) {
        apt.download(source, &path)?;
    }
    Ok(path)
}

fn is_whole(path: &Path, sha256: &str) -> bool {
    let Ok(mut file) = std::fs::File::open(path) else { return false };
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher).is_ok() && hex::encode(hasher.finalize()) == sha256
}
