//! What can go wrong between us and a registry; every message names the address and says what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use protocol::Reason;
use url::Url;

use crate::meta::MetaError;
use crate::template::TemplateError;

/// The result of whatever talks to a registry.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A registry that cannot be used, or a document or archive of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be that of a registry.
    #[error("`{address}` is not the address of a registry: {why}")]
    Address {
        /// The address as given, without a password.
        address: String,
        /// What is wrong with it, and what to write.
        why: &'static str,
    },
    /// The client could not be made.
    #[error(
        "the HTTPS client cannot be set up; install the system's CA certificates, or name a bundle in SSL_CERT_FILE"
    )]
    Tls {
        /// What the TLS library says.
        #[source]
        source: rustls::Error,
    },
    /// The client could not be made for another reason.
    #[error("the HTTP client cannot be set up")]
    Client {
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
    /// Nothing answers there.
    #[error("`{url}` cannot be reached; check the address and the network, or use another mirror")]
    Unreachable {
        /// What was asked for.
        url: Url,
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
    /// It accepts connections and then stays silent, or sends too slowly.
    #[error("`{url}` did not answer in full within {} s; try again later, or use another mirror", .after.as_secs_f32())]
    Timeout {
        /// What was asked for.
        url: Url,
        /// The limit that ended the wait.
        after: Duration,
    },
    /// The connection broke in the middle of an answer.
    #[error("`{url}` was cut off in the middle; try again later, or use another mirror")]
    Truncated {
        /// What was asked for.
        url: Url,
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
    /// The server answers with an error.
    #[error("`{url}` answered with HTTP status {status}; {}", advice(*.status))]
    Status {
        /// What was asked for.
        url: Url,
        /// The status.
        status: u16,
    },
    /// There is no index, so that this is no registry, or one that is not whole.
    #[error("`{url}` does not exist, so that this is not the address of a PGXN registry; check it")]
    NoIndex {
        /// Where the index should be.
        url: Url,
    },
    /// Something is not there: an archive or META.json, perhaps not yet.
    #[error("`{url}` does not exist; if the release is new, try again later, else tell the registry's administrator")]
    Missing {
        /// What was asked for.
        url: Url,
    },
    /// Redirected too often, in a circle, or to where we do not go.
    #[error("`{url}` redirects {why}; use the address that it leads to, or another mirror")]
    Redirect {
        /// What was asked for.
        url: Url,
        /// How.
        why: String,
    },
    /// The caller's address policy forbids to connect there.
    #[error(
        "`{url}` is at an address that this program may not connect to, as it is not on the internet; use another registry"
    )]
    Forbidden {
        /// What was asked for.
        url: Url,
    },
    /// A document or archive is larger than what is read.
    #[error("`{url}` is larger than {limit} bytes, the most that is read; raise the limit if it is right")]
    TooLarge {
        /// What was asked for.
        url: Url,
        /// The limit.
        limit: u64,
    },
    /// A document is not JSON, but perhaps a proxy's page.
    #[error(
        "`{url}` is {found} instead of JSON; check the address, or whether a proxy answers in place of the registry"
    )]
    NotJson {
        /// What was asked for.
        url: Url,
        /// What came instead.
        found: &'static str,
        /// Where the JSON breaks off.
        #[source]
        source: serde_json::Error,
    },
    /// A document is JSON, but not of the shape that it has in a registry.
    #[error(
        "`{url}` is not a document of a PGXN registry: {why}; check the address, or tell the registry's administrator"
    )]
    Shape {
        /// What was asked for.
        url: Url,
        /// What is wrong.
        why: String,
    },
    /// A release's META.json cannot be used.
    #[error("`{url}` does not describe a release; its author has to correct it")]
    Meta {
        /// What was asked for.
        url: Url,
        /// What is wrong.
        #[source]
        source: Box<MetaError>,
    },
    /// A template of `index.json` cannot be used.
    #[error("`{url}` has no usable template `{name}`; tell the registry's administrator")]
    Template {
        /// The index.
        url: Url,
        /// The template's name.
        name: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<TemplateError>,
    },
    /// The archive is not the one that META.json describes, also when fetched again.
    #[error(
        "the SHA-1 of `{url}` is {actual}, but its META.json states {expected}; nothing of it may be run, tell the registry's administrator"
    )]
    Digest {
        /// The archive.
        url: Url,
        /// Of what came.
        actual: Box<str>,
        /// What META.json states.
        expected: Box<str>,
    },
    /// Nothing is to be fetched, and this is not kept.
    #[error("`{url}` is not kept on this machine")]
    Offline {
        /// What was asked for.
        url: Url,
    },
    /// A local file cannot be read or written.
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

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => "check that this machine may use the registry",
        429 | 500.. => "try again later, or use another mirror",
        _ => "check that the address is that of a PGXN registry",
    }
}

impl Error {
    /// Whether the same request may well succeed later, without anybody changing the release.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Truncated { .. }
            | Self::NoIndex { .. }
            | Self::Missing { .. }
            | Self::NotJson { .. }
            | Self::Digest { .. }
            | Self::Offline { .. }
            | Self::File { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Address { .. }
            | Self::Tls { .. }
            | Self::Client { .. }
            | Self::Redirect { .. }
            | Self::Forbidden { .. }
            | Self::TooLarge { .. }
            | Self::Shape { .. }
            | Self::Meta { .. }
            | Self::Template { .. } => false,
        }
    }

    /// The reason that a run gets which failed on this; `archive` says whether an archive was asked for, or a document.
    pub fn reason(&self, archive: bool) -> Reason {
        match self {
            Self::Missing { .. } if archive => Reason::ArchiveMissing,
            Self::TooLarge { .. } if archive => Reason::ArchiveTooLarge,
            Self::Digest { .. } => Reason::DigestMismatch,
            Self::Meta { .. } => Reason::MetadataInvalid,
            Self::File { source, .. } if is_disk_full(source) => Reason::RunnerDiskFull,
            Self::File { .. } | Self::Tls { .. } | Self::Client { .. } => Reason::Internal,
            _ => Reason::RegistryUnreachable,
        }
    }
}

/// Whether a write failed because there is no room, be it the file system's or a quota's.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
