//! How a machine becomes a runner of a farm, changes its token, and leaves.

use protocol::{Asked, JoinRequest, JoinRequestId, Joined, Membership, NewToken};
use reqwest::{Method, RequestBuilder, Response, StatusCode};

use super::{CALL, CallError, Coordinator};

/// What a farm answers to who wants to join.
pub enum Admission {
    /// It is a runner.
    Joined(Joined),
    /// An operator has to decide.
    Asked(Asked),
}

impl Coordinator {
    /// Joins by an invitation, or asks. Said again with the same token, it is answered in the same way.
    pub async fn join(&self, request: &JoinRequest) -> Result<Admission, CallError> {
        let response = self.ask(self.plain_call(Method::POST, "api/v1/runners/join").json(request)).await?;
        match response.status() {
            StatusCode::ACCEPTED => self.json(response).await.map(Admission::Asked),
            _ => self.json(response).await.map(Admission::Joined),
        }
    }

    /// How the wish to join stands.
    pub async fn membership(&self, id: JoinRequestId) -> Result<Membership, CallError> {
        self.json(self.ask(self.call(Method::GET, &format!("api/v1/runners/join/{id}"))).await?).await
    }

    /// Gets a new token and uses it, from when on the old one is refused. `keep` stores it before that: should it fail, the old one goes on for
    /// an hour.
    pub async fn rotate<E>(&self, keep: impl FnOnce(&str) -> Result<(), E>) -> Result<Result<(), E>, CallError> {
        let new: NewToken = self.json(self.ask(self.call(Method::POST, "api/v1/runners/rotate")).await?).await?;
        if let Err(error) = keep(&new.token) {
            return Ok(Err(error));
        }
        *self.token() = new.token;
        self.ask(self.call(Method::GET, "api/v1/runners/self")).await?;
        Ok(Ok(()))
    }

    /// Leaves the farm, which takes the token no more.
    pub async fn leave(&self) -> Result<(), CallError> {
        self.ask(self.call(Method::DELETE, "api/v1/runners/self")).await.map(drop)
    }

    /// Makes a call that is about no lease.
    async fn ask(&self, call: RequestBuilder) -> Result<Response, CallError> {
        self.send(call.timeout(CALL)).await.map_err(|error| match error {
            CallError::LeaseLost { detail } => {
                CallError::Refused { coordinator: self.base.clone(), detail, status: StatusCode::CONFLICT.as_u16() }
            }
            error => error,
        })
    }
}

/// A token as coordinators make them: 256 random bits in hexadecimal digits.
pub fn fresh_token() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}
