//! Identifiers: ULIDs, so that they sort by the time at which they were made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::time::Timestamp;

/// A text that is not an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a {kind} id: it takes 26 characters of Crockford's base 32")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
}

macro_rules! id {
    ($name:ident, $kind:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(Ulid);

        impl $name {
            /// A new id made at `now`, with 80 random bits.
            pub fn new(now: Timestamp) -> Self {
                Self(Ulid::from_parts(u64::try_from(now.as_millis()).unwrap_or(0), rand::random()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0.to_string())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let invalid = || InvalidId { kind: $kind, text: text.chars().take(40).collect() };
                Ulid::from_string(text).map(Self).map_err(|_| invalid())
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id!(
    ReleaseId,
    "release",
    "Names one archive of one version of a distribution: the same version with another sha1 is another release."
);
id!(JobId, "job", "Names the wish to test one release on one target.");
id!(RunId, "run", "Names one attempt at a job, from claim to report.");
id!(RunnerId, "runner", "Names a runner that may claim jobs.");
id!(SubscriptionId, "subscription", "Names the wish of a maintainer to hear of what turns.");
id!(InvitationId, "invitation", "Names the right of one volunteer to become a runner.");
id!(UploadTokenId, "upload token", "Names the right to send in reports of what is not released.");
id!(PreReleaseId, "pre-release", "Names what a maintainer's CI told of one tree that is not released.");
id!(JoinRequestId, "join request", "Names the wish of a volunteer to become a runner, which an operator decides of.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let early = RunId::new(Timestamp::from_millis(1));
        let late = RunId::new(Timestamp::from_millis(2));
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn a_text_that_is_no_id_is_refused_with_its_kind() {
        let error = "../etc/passwd".parse::<RunId>().unwrap_err();
        assert!(error.to_string().contains("is not a run id"), "{error}");
    }
}
