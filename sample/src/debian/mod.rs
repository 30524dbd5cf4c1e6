//! The sample registry: a mirror tree of real extensions, from the upstream tarballs of Debian's source archive.
//!
//! It goes on where it stopped: what was located, downloaded and published is remembered below the given directory, and a start
//! that finds everything there asks nobody anything. A package that the archive does not have is skipped with a line; only a
//! registry without a single release is an error.

mod apt;
mod corpus;
mod ledger;
mod made;
mod maker;
mod mend;
mod meta;
mod sources;
mod tarball;
mod user;
mod version;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use protocol::{Name, Version};

pub use apt::Archive;
pub use corpus::{Entry, Expected, Selection, corpus};

use crate::{Error, Mirror};
use ledger::Ledger;
use maker::Maker;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which releases.
    pub selection: Selection,
    /// Where Debian's archive is; where this machine's apt finds it, unless said.
    pub archive: Option<Archive>,
}

/// Hears what is going on, and can stop it.
pub trait Progress: Sync {
    /// Something happened.
    fn say(&self, event: Event<'_>);

    /// Whether to stop; asked often.
    fn stopped(&self) -> bool {
        false
    }
}

/// Something that happened on the way to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The archive's indexes are downloaded.
    Indexing {
        /// Of these suites.
        suites: &'a [&'a str],
    },
    /// A release is in the registry.
    Made {
        /// Its distribution.
        dist: &'a Name,
        /// Its version.
        version: &'a Version,
        /// How many are there.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// A release could not be made; the others are.
    Skipped {
        /// Package, suite and directory.
        entry: &'a str,
        /// Why.
        why: &'a str,
    },
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The mirror tree, to be given to [`crate::serve::router`] or named as a `file:` address.
    pub tree: PathBuf,
    /// How many releases of the selection are in it.
    pub releases: usize,
    /// How many of them were made just now.
    pub made: usize,
    /// What could not be made: entry and reason.
    pub skipped: Vec<(String, String)>,
}

/// Where the tree of the sample registry below `dir` lies.
pub fn tree(dir: &Path) -> PathBuf {
    dir.join("registry")
}

/// A release of the corpus, and what a sample registry holds for it.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The release as it was when its verdicts were found.
    pub entry: Entry,
    /// Its name and version in the registry, which move on with the archive; none where it could not be made.
    pub release: Option<(Name, Version)>,
}

/// The whole corpus, and what the sample registry below `dir` holds of it.
pub fn holdings(dir: &Path) -> Result<Vec<Holding>, Error> {
    let ledger = Ledger::open(dir)?;
    let holding = |entry: Entry| {
        let release = ledger.made(&entry.key()).map(|made| (made.dist.clone(), made.version.clone()));
        Holding { entry, release }
    };
    Ok(corpus(Selection::All)?.into_iter().map(holding).collect())
}

/// Makes the sample registry below `dir`, as far as it is not there yet. It blocks; nothing else may write below `dir` meanwhile.
pub fn build(dir: &Path, order: &Order, progress: &dyn Progress) -> Result<Summary, Error> {
    let entries = corpus(order.selection)?;
    let mut mirror = Mirror::open(&tree(dir))?;
    let mut ledger = Ledger::open(dir)?;
    let is_there = |entry: &&Entry| {
        let made = ledger.made(&entry.key());
        made.is_some_and(|made| mirror.release(&made.dist, &made.version).is_some())
    };
    let (there, missing): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(is_there);
    let mut summary = Summary { tree: tree(dir), releases: there.len(), made: 0, skipped: Vec::new() };
    if !missing.is_empty() {
        let maker = Maker { dir, entries: &missing, total: entries.len(), progress };
        maker.locate(order, &mut ledger)?;
        maker.make(&mut ledger, &mut mirror, &mut summary)?;
    }
    match summary.skipped.first() {
        Some((entry, why)) if summary.releases == 0 => Err(Error::Nothing { why: format!("{entry}: {why}") }),
        _ => Ok(summary),
    }
}
