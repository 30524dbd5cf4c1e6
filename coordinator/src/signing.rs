//! Whether a report is signed by its runner: by a key that is registered for it, over what was claimed and what the report says of it.

use protocol::{Fingerprint, Report, SIGNATURE_HEADER, Seal, Timestamp, Unsigned};
use store::runners::Runner;
use store::signatures::{self, RunnerKey};

use crate::{Coordinator, Result};

/// Why a signature is not taken; each says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is none.
    #[error(
        "the header `{SIGNATURE_HEADER}` is missing: every report is signed by its runner; update pgxn-testers on that machine, which then \
         signs by itself"
    )]
    Missing,
    /// It is of a key that the runner does not have.
    #[error("the report is signed by the key {key}, which is none of the runner {runner}")]
    Stranger {
        /// The key.
        key: Fingerprint,
        /// The runner's name.
        runner: String,
    },
    /// It is of a key that ended.
    #[error("the report is signed by the key {key}, which the runner {runner} replaced at {until}")]
    Ended {
        /// The key.
        key: Fingerprint,
        /// The runner's name.
        runner: String,
        /// When the next one came.
        until: Timestamp,
    },
    /// It is not of these bytes.
    #[error(transparent)]
    Wrong(#[from] Unsigned),
}

/// Verifies the signature of a report, whose lease the runner holds.
pub(crate) async fn verify(
    coordinator: &Coordinator,
    runner: &Runner,
    report: &Report,
    seal: Option<&Seal>,
) -> Result<Result<(), Refused>> {
    let Some(seal) = seal else { return Ok(Err(Refused::Missing)) };
    let mut conn = coordinator.store.read().await?;
    let keys = signatures::keys(&mut conn, runner.id).await?;
    let subject = signatures::subject(&mut conn, report.run_id).await?;
    drop(conn);
    let (key, name) = (seal.key.fingerprint(), || runner.name.clone());
    match keys.iter().find(|known| known.key == seal.key) {
        None => return Ok(Err(Refused::Stranger { key, runner: name() })),
        Some(known @ RunnerKey { until: Some(until), .. }) if !known.signs(coordinator.now()) => {
            return Ok(Err(Refused::Ended { key, runner: name(), until: *until }));
        }
        Some(_) => {}
    }
    // A run is not taken away while its lease is held.
    Ok(match subject {
        Some(subject) => seal.verify(report, &subject).map_err(Refused::Wrong),
        None => Err(Refused::Wrong(Unsigned::Wrong(key.to_string()))),
    })
}

/// Whether a runner has a key, without which nothing that it reports would be taken.
pub(crate) async fn has_key(coordinator: &Coordinator, runner: &Runner) -> Result<bool> {
    Ok(!signatures::keys(&mut coordinator.store.read().await?, runner.id).await?.is_empty())
}
