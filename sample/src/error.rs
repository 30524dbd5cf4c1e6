//! What can go wrong while a registry is made; every message names the thing.

use std::path::{Path, PathBuf};

/// Why a sample registry could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be read or written.
    #[error("could not {verb} `{}`", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A document of a mirror tree is not what the writer makes.
    #[error("`{}` is not a document of a mirror: {why}", path.display())]
    Document {
        /// Where it lies.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An upload that PGXN Manager would refuse too.
    #[error("`{upload}` cannot be published: {why}")]
    Refused {
        /// The distribution, or what is known of it.
        upload: String,
        /// Why.
        why: String,
    },
    /// An archive could not be read or written.
    #[error("archive of `{of}`: {why}")]
    Archive {
        /// Whose archive.
        of: String,
        /// What is wrong with it.
        why: String,
    },
    /// The list of sample releases is wrong.
    #[error("sample/corpus.toml: {why}")]
    Corpus {
        /// What is wrong with it.
        why: String,
    },
    /// No Debian archive is known to this machine.
    #[error("this machine's apt knows no Debian archive to take sources from; name one, or run on Debian")]
    NoArchive,
    /// A program of apt failed.
    #[error("`{program}` failed: {said}")]
    Apt {
        /// The program.
        program: String,
        /// The last of what it said.
        said: String,
    },
    /// Not a single release could be made.
    #[error("no release could be made: {why}")]
    Nothing {
        /// The first reason.
        why: String,
    },
    /// The caller asked to stop; what is done so far is kept.
    #[error("stopped before everything was made; started again, it goes on")]
    Stopped,
}

impl Error {
    /// Turns a failure of the file system into one that names the file.
    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { verb, path: path.to_owned(), source }
    }

    /// An upload that is refused.
    pub(crate) fn refused(upload: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Refused { upload: upload.into(), why: why.into() }
    }

    /// An archive that is wrong.
    pub(crate) fn archive(of: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Archive { of: of.into(), why: why.to_string() }
    }
}
