//! Why a run does not go on.

use protocol::{Phase, Reason, Verdict};

use crate::error::Error;
pub(crate) use crate::error::in_words;

/// A step of a run: what it gives to the next, or why there is none.
pub(crate) type Step<T> = Result<T, Stop>;

/// Why a run does not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is decided.
    Decided(Verdict),
    /// The farm failed in that phase.
    Failed(Phase, Error),
    /// Somebody wants to look around here.
    Paused,
}

/// For `map_err`: the farm failed in that phase.
pub(crate) fn in_phase<E: Into<Error>>(phase: Phase) -> impl FnOnce(E) -> Stop {
    move |error| Stop::Failed(phase, error.into())
}

/// Something of a registry is not here, and nothing is fetched.
pub(crate) fn lacking(phase: Phase, error: &pgxn::Error) -> Stop {
    let remedy = "the same test without --offline brings it here".to_owned();
    Stop::Failed(phase, Error::Offline { what: error.to_string(), remedy, reason: Reason::RegistryUnreachable })
}

/// What a failure of the farm is called.
pub(crate) fn reason(error: &Error) -> Reason {
    match error {
        Error::EngineUnreachable { .. }
        | Error::EngineWithoutLimits { .. }
        | Error::Engine { .. }
        | Error::Trial { .. }
        | Error::CopyIn { .. } => Reason::EngineFailed,
        Error::Image { .. } | Error::NoImage | Error::ImageLabel { .. } | Error::Budget { .. } => Reason::ImageMissing,
        Error::Packages { .. } => Reason::MissingLibrary,
        Error::Offline { reason, .. } => *reason,
        Error::File { source, .. } if is_full(source) => Reason::RunnerDiskFull,
        Error::File { .. } | Error::Key { .. } | Error::Bench { .. } | Error::Control { .. } | Error::Share { .. } => {
            Reason::Internal
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}
