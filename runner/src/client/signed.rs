//! What a runner signs: its reports, and the key that takes the place of the one that it has.

use std::sync::atomic::Ordering;

use protocol::{Assignment, KeyWish, Report, SIGNATURE_HEADER, Subject};
use reqwest::{Method, StatusCode};

use super::{CallError, Coordinator};
use crate::error::in_words;
use crate::{Error, Keys, Next};

impl Coordinator {
    /// The same, which signs by the keys of a data directory, and tells the coordinator of them before the first claim.
    #[must_use]
    pub fn signing(self, keys: Keys) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// Reports the run, which ends the lease.
    pub async fn report(&self, assignment: &Assignment, report: &Report) -> Result<(), CallError> {
        let mut call = self.on_run(Method::POST, &assignment.lease, "report").json(report);
        if let Some(keys) = &self.keys {
            let seal = keys
                .seal(report, &Subject::of(&assignment.release, assignment.target))
                .map_err(|error| unusable(&error))?;
            call = call.header(SIGNATURE_HEADER, seal.to_string());
        }
        self.send(call).await.map(drop)
    }

    /// Tells the coordinator once by which key this runner signs. A change of it that was cut off goes on.
    pub(super) async fn register(&self) -> Result<(), CallError> {
        let Some(keys) = self.keys.as_ref().filter(|_| !self.is_registered.load(Ordering::Relaxed)) else {
            return Ok(());
        };
        if let Some(next) = keys.next().map_err(|error| unusable(&error))? {
            self.replace_key(keys, &next).await?;
        } else {
            let key = keys.public().map_err(|error| unusable(&error))?;
            self.tell_key(&KeyWish { key, proof: None }).await?;
        }
        self.is_registered.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Has a new key take the place of the one that signs now. Said again where an answer is lost, it is the same key.
    pub async fn change_key(&self, keys: &Keys) -> Result<Next, CallError> {
        let next = keys.prepare().map_err(|error| unusable(&error))?;
        self.replace_key(keys, &next).await?;
        Ok(next)
    }

    async fn replace_key(&self, keys: &Keys, next: &Next) -> Result<(), CallError> {
        match self.tell_key(&KeyWish { key: next.key, proof: Some(next.proof) }).await {
            Ok(()) => keys.promote().map_err(|error| unusable(&error)),
            // It will be refused again: the key that it has goes on.
            Err(error @ CallError::Refused { .. }) => keys.discard().map_err(|error| unusable(&error)).and(Err(error)),
            Err(error) => Err(error),
        }
    }

    async fn tell_key(&self, wish: &KeyWish) -> Result<(), CallError> {
        let call = self.call(Method::PUT, "api/v1/runners/self/key").timeout(super::CALL).json(wish);
        match self.send(call).await {
            // There is no lease here.
            Err(CallError::LeaseLost { detail }) => {
                let status = StatusCode::CONFLICT.as_u16();
                Err(CallError::Refused { coordinator: self.base.clone(), detail, status })
            }
            // A coordinator of before there were keys.
            Err(CallError::Refused { status: 404 | 405, .. }) => Ok(()),
            told => told.map(drop),
        }
    }
}

fn unusable(error: &Error) -> CallError {
    CallError::Key { why: in_words(error) }
}
