//! Opens an archive that nobody has vouched for: everything is checked before the first byte is written, and nothing is ever run.
//!
//! The order is the defence. First the archive's directory is read within bounds; then every name, type and link is checked and a plan of the
//! tree made; then directories and files are written, each file newly made and never through a link; links come last. So a hostile name writes
//! nothing at all, and a bomb, which only shows when it is inflated, stops at the limit and is removed.

use std::io;
use std::path::{Path, PathBuf};

use protocol::Reason;

use crate::error::is_disk_full;

mod contents;
mod link;
mod name;
pub(crate) mod open;
pub(crate) mod plan;
mod tree;
mod write;

pub use contents::{Contents, File, Rest};
pub use tree::{EntryKind, Tree, TreeEntry};

/// How much an archive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files, directories and links in all, with the directories that names imply.
    pub max_members: usize,
    /// Bytes in all, as unpacked.
    pub max_bytes: u64,
    /// Bytes of one file, as unpacked.
    pub max_file_bytes: u64,
    /// How many bytes may come out for one that goes in, over the whole; small archives may exceed it.
    pub max_ratio: u64,
}

impl Default for Limits {
    /// Room for the largest distributions that there are, several times over.
    fn default() -> Self {
        Self { max_members: 50_000, max_bytes: 1024 * 1024 * 1024, max_file_bytes: 256 * 1024 * 1024, max_ratio: 200 }
    }
}

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Not a zip, or one that is damaged, encrypted or compressed in another way than by deflate.
    #[error("the archive is not a readable zip: {why}")]
    NotAnArchive {
        /// What is wrong.
        why: String,
    },
    /// A name that is no plain path below the archive's root.
    #[error("the archive holds `{name}`, which {why}")]
    UnsafePath {
        /// The member, escaped.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A link that leaves the archive's root.
    #[error("the archive holds the link `{name}` to `{target}`, which {why}")]
    UnsafeLink {
        /// The link, escaped.
        name: String,
        /// Where it points, escaped.
        target: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Neither file nor directory nor link.
    #[error("the archive holds `{name}`, which is a {kind}")]
    SpecialFile {
        /// The member, escaped.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// Two members with one name, or a file where another member needs a directory.
    #[error("the archive holds `{name}` {how}")]
    DuplicateName {
        /// The member, escaped.
        name: String,
        /// Twice how.
        how: &'static str,
    },
    /// Not one top directory that holds everything.
    #[error("the archive holds `{second}` beside `{first}`, instead of one top directory with everything in it")]
    SeveralRoots {
        /// What stands at the top first.
        first: String,
        /// What stands at the top as well.
        second: String,
    },
    /// Too many members.
    #[error("the archive holds more than {limit} files and directories")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// Too many bytes.
    #[error("{what} unpacks to more than {limit} bytes")]
    TooLarge {
        /// The archive or a member.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// Our side: a file cannot be read or written here.
    #[error("`{}` cannot be {act}", .path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What was tried: `read`, `written`, `listed`.
        act: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl UnpackError {
    /// The reason that a run gets which ends here.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotAnArchive { .. } => Reason::NotAnArchive,
            Self::UnsafePath { .. } => Reason::UnsafePath,
            Self::UnsafeLink { .. } => Reason::UnsafeLink,
            Self::SpecialFile { .. } => Reason::SpecialFile,
            Self::DuplicateName { .. } => Reason::DuplicateName,
            Self::SeveralRoots { .. } => Reason::SeveralRoots,
            Self::TooManyFiles { .. } => Reason::TooManyFiles,
            Self::TooLarge { .. } => Reason::TooLarge,
            Self::File { source, .. } if is_disk_full(source) => Reason::RunnerDiskFull,
            Self::File { .. } => Reason::Internal,
        }
    }
}

/// Unpacks a zip, be it from a registry or a person's own, into `dir`, which is made if need be.
///
/// Everything comes to lie under the archive's one top directory, `dir/ROOT`, which must not exist yet; when unpacking fails, it does not exist
/// either. Modes are 0755 for directories, for files marked executable and for files that start with `#!`, else 0644. Times are kept, as `make`
/// compares them, but are never later than the archive's own. It blocks: call it from a thread that may.
pub fn unpack(zip: &Path, dir: &Path, limits: &Limits) -> Result<Tree, UnpackError> {
    let mut opened = open::open(zip, limits)?;
    let plan = plan::plan(&mut opened, limits)?;
    write::write(&mut opened, &plan, dir, limits)
}

/// A name as it may be shown: control characters escaped, and not endless.
pub(crate) fn shown(name: &str) -> String {
    name.escape_debug().take(200).collect()
}

fn not_an_archive(why: impl Into<String>) -> UnpackError {
    UnpackError::NotAnArchive { why: why.into() }
}

#[cfg(test)]
mod tests;
