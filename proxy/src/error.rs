//! Why a document cannot be given.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The result of whatever the proxy does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A document that cannot be given. Clones share what the registry's client said, as all who waited for it are told.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The registry does not answer, or not as a registry.
    #[error(transparent)]
    Registry(Arc<pgxn::Error>),
    /// The registry answers, but what it says cannot be the document.
    #[error("the registry's `{path}` is not what stands at such an address: {why}")]
    Garbage {
        /// The document.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The registry takes too long.
    #[error("the registry has not sent `{path}` within {seconds} s; it may be there in a minute")]
    Slow {
        /// The document.
        path: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The registry has no such kind of document.
    #[error("the registry offers no `{kind}` documents")]
    NotOffered {
        /// The name of its template.
        kind: &'static str,
    },
    /// It failed a moment ago, and is not asked for again so soon.
    #[error("{what}")]
    Again {
        /// What it failed with.
        what: String,
    },
    /// What is kept cannot be read or written.
    #[error("`{}` cannot be {act}", .path.display())]
    Disk {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        act: &'static str,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
}

impl From<pgxn::Error> for Error {
    fn from(error: pgxn::Error) -> Self {
        Self::Registry(Arc::new(error))
    }
}

impl Error {
    pub(crate) fn disk(path: impl Into<PathBuf>, act: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { path, act, source: Arc::new(source) }
    }

    /// Whether the registry as a whole does not answer, so that asking it for something else is as vain.
    pub(crate) fn is_silence(&self) -> bool {
        match self {
            Self::Registry(error) => matches!(
                **error,
                pgxn::Error::Unreachable { .. } | pgxn::Error::Timeout { .. } | pgxn::Error::NoIndex { .. }
            ),
            Self::Slow { .. } => true,
            Self::Garbage { .. } | Self::NotOffered { .. } | Self::Again { .. } | Self::Disk { .. } => false,
        }
    }
}
