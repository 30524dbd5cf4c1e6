//! Where a distribution comes from.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use pgxn::Registry;
use protocol::Release;

/// Where a distribution comes from.
#[derive(Clone)]
pub enum Source {
    /// A release of a registry.
    Release(Registry, Box<Release>),
    /// A zip file on this machine, of which no digest is stated.
    Zip(PathBuf),
    /// A directory on this machine. What git ignores is left out, so that objects of an earlier build do not get in.
    Directory(PathBuf),
    /// A registry that could not be opened, and why.
    Nowhere(Arc<pgxn::Error>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release(registry, release) => write!(f, "{release} of {}", registry.url()),
            Self::Zip(path) | Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Nowhere(error) => write!(f, "nowhere: {error}"),
        }
    }
}
