//! What is said of invitations, and of who asks to become a runner.

use protocol::{Fingerprint, InvitationId, JoinRequestId, Name, PublicKey, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

/// An invitation to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewInvitation {
    /// The name that the runner will have; without it the volunteer chooses.
    #[serde(default)]
    pub name: Option<Name>,
    /// How long it can be used, in milliseconds; by default for seven days, at most for ninety.
    #[serde(default)]
    pub expires_in_ms: Option<u64>,
}

/// An invitation that was made.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct MadeInvitation {
    /// Its id, to withdraw it by.
    pub id: InvitationId,
    /// Its secret; it is told this once.
    pub secret: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Under which address people reach the farm.
    #[schema(value_type = Option<String>)]
    pub farm: Option<Url>,
}

/// An invitation that can still be used.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The name that the runner will have; none where the volunteer chooses.
    pub name: Option<Name>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl From<store::invitations::Invitation> for Invitation {
    fn from(invitation: store::invitations::Invitation) -> Self {
        let store::invitations::Invitation { id, name, created_at, expires_at, .. } = invitation;
        Self { id, name, created_at, expires_at }
    }
}

/// Who asks to become a runner.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PendingRequest {
    /// Its id; the volunteer knows it, too.
    pub id: JoinRequestId,
    /// The name that the runner is to have.
    pub name: Name,
    /// The volunteer's words.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
    /// The key with which it will sign, for people to compare.
    #[serde(default)]
    pub key: Option<Fingerprint>,
}

impl From<store::join_requests::JoinRequest> for PendingRequest {
    fn from(request: store::join_requests::JoinRequest) -> Self {
        let store::join_requests::JoinRequest { id, name, note, created_at, expires_at, key, .. } = request;
        Self { id, name, note, created_at, expires_at, key: key.map(|key| key.fingerprint()) }
    }
}

/// The runner that a token is of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Own {
    /// Its name.
    pub name: String,
    /// The key with which it signs.
    #[serde(default)]
    pub key: Option<PublicKey>,
}
