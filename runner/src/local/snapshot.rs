//! What a directory holds that a run would take, without reading it: enough to see that it is another.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::run::tree_of;

/// When a file was last written, its size, and its mode.
type Stamp = (i64, i64, u64, u32);

/// The files that a run of a directory would take, as they were at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, Stamp>);

impl Snapshot {
    /// Of a directory as it is now.
    pub fn of(dir: &Path) -> Result<Self> {
        let tree = tree_of(dir).map_err(|error| Error::file("list", dir)(std::io::Error::other(error)))?;
        let stamp = |path: PathBuf| {
            let found = fs::symlink_metadata(dir.join(&path)).ok().filter(|found| !found.is_dir())?;
            Some((path, (found.mtime(), found.mtime_nsec(), found.size(), found.mode())))
        };
        Ok(Self(tree.entries.into_iter().map(|entry| entry.path).filter_map(stamp).collect()))
    }

    /// The files that are new, gone or others, compared with an earlier moment.
    pub fn differing(&self, before: &Self) -> Vec<PathBuf> {
        let is_other = |path: &&PathBuf| self.0.get(*path) != before.0.get(*path);
        let gone = before.0.keys().filter(|path| !self.0.contains_key(*path));
        let mut differing: Vec<PathBuf> = self.0.keys().filter(is_other).chain(gone).cloned().collect();
        differing.sort();
        differing
    }
}
