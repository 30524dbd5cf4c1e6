//! Whether a report is signed by its runner: by a key that is registered for it, over what was claimed and what the report says of it.

use protocol::{Fingerprint, Report, RunId, RunnerId, SIGNATURE_HEADER, Seal, Timestamp, Unsigned};
use store::TokenHash;
use store::runners::Runner;
use store::runs::{LeaseKey, Lost};
use store::signatures::{self, Claimed, RunnerKey};

use crate::Coordinator;
use crate::together::Ask;

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

/// A lease whose report is to be verified.
pub(crate) struct Asked {
    pub(crate) run_id: RunId,
    pub(crate) runner_id: RunnerId,
    pub(crate) token: TokenHash,
}

impl Ask for Asked {
    type Answer = Result<Claimed, Lost>;

    async fn work(coordinator: &Coordinator, asked: &[Self]) -> crate::Result<Vec<Self::Answer>> {
        let leases: Vec<LeaseKey<'_>> = asked.iter().map(Self::lease).collect();
        Ok(signatures::claimed(&mut coordinator.store.read().await?, &leases).await?)
    }
}

impl Asked {
    const fn lease(&self) -> LeaseKey<'_> {
        LeaseKey { run_id: self.run_id, runner_id: self.runner_id, token: &self.token }
    }
}

/// Verifies the signature of a report whose lease the runner holds; where it does not, there is nothing to verify.
pub(crate) async fn verify(
    coordinator: &Coordinator,
    (runner, token): (&Runner, &TokenHash),
    report: &Report,
    seal: Option<&Seal>,
) -> crate::Result<Result<(), Refused>> {
    let asked = Asked { run_id: report.run_id, runner_id: runner.id, token: token.clone() };
    let Ok((subject, keys)) = coordinator.leases.ask(coordinator, asked).await? else { return Ok(Ok(())) };
    let Some(seal) = seal else { return Ok(Err(Refused::Missing)) };
    let (key, name) = (seal.key.fingerprint(), || runner.name.clone());
    match keys.iter().find(|known| known.key == seal.key) {
        None => return Ok(Err(Refused::Stranger { key, runner: name() })),
        Some(known @ RunnerKey { until: Some(until), .. }) if !known.signs(coordinator.now()) => {
            return Ok(Err(Refused::Ended { key, runner: name(), until: *until }));
        }
        Some(_) => {}
    }
    Ok(seal.verify(report, &subject).map_err(Refused::Wrong))
}
