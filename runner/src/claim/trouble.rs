//! What can be in the way of a step of the loop.

use std::path::PathBuf;

use crate::claim::Refused;
use crate::client::CallError;

/// Why a step of the loop could not be done; the next one may.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] crate::Error),
    /// The runner's own disk.
    #[error("nothing can be written in `{}`: {source}", dir.display())]
    Disk {
        /// The directory of what is unpacked.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The coordinator.
    #[error(transparent)]
    Coordinator(#[from] CallError),
    /// What the coordinator asks for.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Trouble {
    /// Whether it is the coordinator, and not something of this machine.
    pub(crate) const fn is_coordinator(&self) -> bool {
        matches!(self, Self::Coordinator(_))
    }

    /// What is done about it, as the end of a sentence.
    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::Coordinator(CallError::Protocol { .. }) => "; trying again every ten minutes",
            Self::Refused(_) => "; the job was given back, and others are asked for",
            _ => "; trying again",
        }
    }
}
