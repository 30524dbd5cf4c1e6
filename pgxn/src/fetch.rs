//! What a fetch gives, whatever the scheme: a body, no such thing, or the news that nothing changed.

use serde::{Deserialize, Serialize};

/// What a server said about the state of a document, to be sent back the next time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// Its `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its `Last-Modified`, as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// A document asked for with the validators of the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conditional<T> {
    /// It is as it was.
    Unchanged,
    /// It is new, or the server cannot tell.
    Changed {
        /// What it says.
        value: T,
        /// To be sent the next time.
        validators: Validators,
    },
}

/// The answer to one request for a document.
pub(crate) enum Fetched {
    Missing,
    Unchanged,
    Body { bytes: Vec<u8>, validators: Validators },
}

impl Fetched {
    /// The same for callers that take the bytes as they are.
    pub(crate) fn into_document(self) -> Option<Conditional<Vec<u8>>> {
        match self {
            Self::Missing => None,
            Self::Unchanged => Some(Conditional::Unchanged),
            Self::Body { bytes, validators } => Some(Conditional::Changed { value: bytes, validators }),
        }
    }
}
