//! What can go wrong in the coordinator itself; what a runner or reader does wrong is a `Refusal` of the API.

use std::path::PathBuf;

use protocol::PgMajor;

/// The result of anything that the coordinator does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the coordinator could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database or the blobs failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The registry did not answer as it should.
    #[error(transparent)]
    Registry(#[from] pgxn::Error),
    /// A configured major is not in the matrix, so that there is no image for it.
    #[error("PostgreSQL {major} is not in the image matrix; choose from {known}")]
    UnknownMajor {
        /// The major that was asked for.
        major: PgMajor,
        /// The majors of the matrix.
        known: String,
    },
    /// A platform that the matrix does not have.
    #[error("no platform to test on was given that the image matrix has")]
    NoPlatform,
    /// Lines of an export cannot be written or compressed.
    #[error("lines of an export cannot be packed")]
    Export {
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A text that is not a cron schedule.
    #[error("`{text}` is not a cron schedule: {why}; expected something like `17 4 * * *`")]
    Schedule {
        /// The text.
        text: String,
        /// What cron says.
        why: String,
    },
    /// The operator's token cannot be read or made.
    #[error("the operator's token `{}` cannot be {act}", .path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What was tried.
        act: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The operator's token is empty or too short to be a secret.
    #[error("the operator's token `{}` holds no token of at least 32 characters; delete the file to have a new one made", .path.display())]
    WeakToken {
        /// The file.
        path: PathBuf,
    },
    /// One of the coordinator's loops panicked.
    #[error("a loop of the coordinator met a fault of its own: {why}")]
    Panicked {
        /// What tokio says of it.
        why: String,
    },
    /// One of the coordinator's loops ended though nobody asked it to.
    #[error("the coordinator's {task} loop ended early")]
    EndedEarly {
        /// The loop.
        task: &'static str,
    },
}

/// An error with everything that caused it, as one sentence for the log, the pages and the store.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    if ["disk is full", "No space left on device"].iter().any(|full| text.contains(full)) {
        text.push_str(": free some space where the data directory lies");
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1_000).collect()
}
