//! Secrets as the database knows them: as digests.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a bearer or lease token, in hexadecimal digits.
///
/// Tokens are random and long, so that a plain digest is enough, and looking one up by equality tells an attacker nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash(String);

impl TokenHash {
    /// The digest of a token as its holder sends it.
    pub fn of(token: &str) -> Self {
        Self(hex::encode(Sha256::digest(token.as_bytes())))
    }

    /// A digest out of the database.
    pub(crate) const fn stored(digest: String) -> Self {
        Self(digest)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}…)", self.0.get(..8).unwrap_or_default())
    }
}
