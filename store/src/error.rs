//! What can go wrong between the program and its data.

use std::path::PathBuf;

use protocol::{IllegalMove, JobId};

/// The result of anything that the store does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address names no database that the store can use.
    #[error("`{url}` is not the address of a database: {why}")]
    Address {
        /// The address, without its password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database could not be opened.
    #[error("the database `{url}` cannot be opened")]
    Open {
        /// The address, without its password.
        url: String,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// Another process has the SQLite database.
    #[error("`{}` is already in use by {holder}; stop it first, or choose another data directory", .path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
        /// The process that holds it, as far as it is known.
        holder: String,
    },
    /// A command joined a running farm of another version.
    #[error("the farm that runs on `{}` has another version of the database; use its own program", .path.display())]
    OtherVersion {
        /// The database file.
        path: PathBuf,
    },
    /// A file or directory of the data directory cannot be used.
    #[error("`{}` cannot be used", .path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the database `{url}` cannot be migrated")]
    Migrate {
        /// The address, without its password.
        url: String,
        /// sqlx's error.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("the database refused a statement")]
    Database(#[from] sqlx::Error),
    /// A row holds what the program never writes.
    #[error("column `{column}` of `{table}` row `{row}` is corrupt: {why}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        row: String,
        /// Why the value is not acceptable.
        why: String,
    },
    /// A job was asked to do what its state does not allow.
    #[error("job {job}")]
    Move {
        /// The job.
        job: JobId,
        /// The move.
        #[source]
        source: IllegalMove,
    },
    /// Somebody else moved a job between reading and writing it; the whole transaction may be tried again.
    #[error("job {job} is not {from} any more")]
    Raced {
        /// The job.
        job: JobId,
        /// The state that it was read in.
        from: protocol::JobState,
    },
    /// The address names no place for blobs.
    #[error("`{url}` is not a place for files: {why}")]
    BlobAddress {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// An uploaded file is larger than the limit, before or after compression.
    #[error("file `{name}` has more than {limit} bytes")]
    BlobTooLarge {
        /// The file's name.
        name: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// An uploaded file is not what it should be.
    #[error("file `{name}` is not acceptable: {why}")]
    BlobInvalid {
        /// The file's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The object store failed.
    #[error("the object `{key}` cannot be stored or read")]
    Object {
        /// The object.
        key: String,
        /// The object store's error.
        #[source]
        source: object_store::Error,
    },
}
