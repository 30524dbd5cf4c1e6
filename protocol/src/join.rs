//! How a machine becomes a runner, and how a runner changes its token.
//!
//! A volunteer has an invitation, which is used at once, or asks, and an operator decides. Either way the runner may choose its token and say it
//! again where an answer is lost: the same token is answered in the same way. None of these types has a `Debug`, as they hold secrets.

use serde::{Deserialize, Serialize};

use crate::ids::{JoinRequestId, RunnerId};
use crate::key::PublicKey;
use crate::name::Name;
use crate::notice::words;
use crate::time::Timestamp;
use std::fmt;
use std::str::FromStr;

words! {
    /// How far the wish of a volunteer is.
    JoinState, "state of a join request", {
        /// An operator has to decide.
        Pending = "pending",
        /// Its token is that of a runner.
        Approved = "approved",
        /// An operator said no.
        Refused = "refused",
    }
}

/// `POST /api/v1/runners/join`: who wants to become a runner, by an invitation or by asking.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct JoinRequest {
    /// A name for the runner, shown on its runs. The invitation's own goes before it, where that has one.
    pub name: Name,
    /// The secret of an invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
    /// Without an invitation: words for the operator who decides, which may be empty; 500 characters are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What is to be the runner's token: 64 random hexadecimal digits, said again where an answer is lost. Without it the coordinator makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The key with which it will sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PublicKey>,
}

/// A runner that was let in by its invitation.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct Joined {
    /// The runner.
    pub id: RunnerId,
    /// Its name.
    pub name: Name,
    /// Its bearer token, which is told this once.
    pub token: String,
}

/// A wish that waits for an operator.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct Asked {
    /// What the operator approves, and under `/api/v1/runners/join/` what to ask for.
    pub id: JoinRequestId,
    /// The bearer token to ask with, told this once. Once the wish is approved it is the runner's.
    pub token: String,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// How the wish of a volunteer stands.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Membership {
    /// The name of the runner.
    pub name: Name,
    /// What the operator said.
    pub state: JoinState,
    /// Until when it waits for that.
    pub expires_at: Timestamp,
}

/// `POST /api/v1/runners/rotate`: a token for the time after the one that asked.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewToken {
    /// The new token. When it is first used the old one ends, and in any case an hour after this answer.
    pub token: String,
}
