//! What can go wrong on our side; what a subscriber does wrong is a [`Refusal`](crate::Refusal).

use std::path::PathBuf;

/// The result of anything that can fail on our side.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nothing could be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The key cannot be read or made.
    #[error("the key of subscriptions `{}` cannot be {act}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What was tried.
        act: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file of the key holds something else.
    #[error("the key of subscriptions `{}` is not 64 hexadecimal digits; without the old key no subscription works, and a new one is made where there is no file", .path.display())]
    WeakKey {
        /// The file.
        path: PathBuf,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client of webhooks cannot be made")]
    Client(#[source] reqwest::Error),
    /// A setting of mail makes no sense.
    #[error("mail cannot be set up: {why}")]
    Mail {
        /// What is wrong.
        why: String,
    },
    /// A setting of GitHub makes no sense.
    #[error("GitHub's API cannot be set up: {why}")]
    GitHub {
        /// What is wrong.
        why: String,
    },
    /// A loop ended though nobody asked it to.
    #[error("a loop of notifications ended early: {why}")]
    EndedEarly {
        /// How.
        why: String,
    },
}
