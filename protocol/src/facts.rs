//! What a report says of the archive, the image, the runner and the farm's own costs.

use serde::{Deserialize, Serialize};

use crate::matrix::SourceKind;
use crate::target::Platform;

/// The archive as the runner got it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ArchiveFacts {
    /// SHA-1, in lower-case hexadecimal digits.
    pub sha1: String,
    /// SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// The image that a run used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImageFacts {
    /// Its name and tag.
    pub tag: String,
    /// Its content digest, `sha256:…`.
    pub digest: String,
    /// The digest of the recipe it was built from.
    pub recipe: String,
    /// Where its PostgreSQL comes from.
    pub source: SourceKind,
    /// The Debian suite it is based on.
    pub suite: String,
    /// The server's exact version, such as `17.11`.
    pub postgresql: String,
    /// The full line of `SELECT version()` or `pg_config --version`.
    pub postgresql_full: String,
    /// Its platform.
    pub platform: Platform,
    /// Whether the platform is emulated on the runner.
    #[serde(default)]
    pub emulated: bool,
}

/// The runner that made a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunnerFacts {
    /// The version of its program.
    pub version: String,
    /// Its kernel, such as `Linux 6.12.0`.
    pub kernel: String,
    /// Its container engine and version, such as `Docker 20.10.24`.
    pub engine: String,
    /// Processors that a run may use.
    pub cpus: f64,
    /// Memory that a run may use, in bytes.
    pub memory_bytes: u64,
}

/// What a run cost beyond the distribution's own commands, in milliseconds each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Overhead {
    /// Creating and starting the container.
    pub start_ms: u64,
    /// Copying the server's tree and the cluster, and starting the server.
    pub server_ms: u64,
    /// Copying the source in.
    pub copy_in_ms: u64,
    /// What the engine adds around commands.
    pub exec_ms: u64,
    /// Copying results out.
    pub copy_out_ms: u64,
    /// Removing the container.
    pub cleanup_ms: u64,
}
