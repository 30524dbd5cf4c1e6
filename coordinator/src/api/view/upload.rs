//! What is said of upload tokens.

use protocol::{Name, Timestamp, UploadTokenId};
use serde::{Deserialize, Serialize};
use store::upload_tokens::Scope;
use utoipa::ToSchema;

/// An upload token to make, for either.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewUploadToken {
    /// The one distribution that it is for.
    #[serde(default)]
    pub dist: Option<Name>,
    /// The user of the registry that it is for: for distributions whose latest release is theirs.
    #[serde(default)]
    pub user: Option<Name>,
}

impl NewUploadToken {
    /// What the token is to be good for; none where that is not one thing.
    pub(crate) fn scope(self) -> Option<Scope> {
        match (self.dist, self.user) {
            (Some(dist), None) => Some(Scope::Dist(dist)),
            (None, Some(user)) => Some(Scope::User(user)),
            _ => None,
        }
    }
}

/// An upload token that was made.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct GrantedUploadToken {
    /// Its id, to revoke it by.
    pub id: UploadTokenId,
    /// The token; it is told this once.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// An upload token that can still be used.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadToken {
    /// Its id.
    pub id: UploadTokenId,
    /// The distribution that it is for.
    pub dist: Option<Name>,
    /// The user that it is for.
    pub user: Option<Name>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When something was last taken by it.
    pub used_at: Option<Timestamp>,
}

impl From<store::upload_tokens::UploadToken> for UploadToken {
    fn from(token: store::upload_tokens::UploadToken) -> Self {
        let store::upload_tokens::UploadToken { id, scope, created_at, expires_at, used_at, .. } = token;
        let (dist, user) = match scope {
            Scope::Dist(dist) => (Some(dist), None),
            Scope::User(user) => (None, Some(user)),
        };
        Self { id, dist, user, created_at, expires_at, used_at }
    }
}

/// What becomes of what came by a token.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadRevocation {
    /// Whether that stays.
    #[serde(default)]
    pub keep_reports: bool,
}

/// A token that was taken back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RevokedUploadToken {
    /// How many results that came by it were removed.
    pub removed: u64,
}
