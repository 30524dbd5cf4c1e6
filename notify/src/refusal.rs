//! Why a wish to subscribe is not granted: a code for addresses and programs, a sentence for people.

use axum::http::StatusCode;

/// Makes the enum of refusals.
macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident $code:literal $status:ident $sentence:literal;)+) => {
        /// Why a wish is not granted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Refusal {
            $($(#[$doc])* #[error($sentence)] $variant),+
        }

        impl Refusal {
            /// Every refusal.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its word in addresses and the API.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What is told to people.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),+ }
            }

            /// The status of its answer.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }
        }
    };
}

refusals! {
    /// No such distribution.
    DistUnknown "dist-unknown" NOT_FOUND "The farm knows no distribution of that name.";
    /// The channel is not turned on.
    ChannelOff "channel-off" NOT_FOUND "This farm does not send notifications that way.";
    /// No address at all.
    AddressUnreadable "address-unreadable" UNPROCESSABLE_ENTITY "That is not an address to which a webhook can be sent: write https:// and what follows, without a user and without #.";
    /// Not encrypted.
    AddressInsecure "address-insecure" UNPROCESSABLE_ENTITY "A webhook's address starts with https://.";
    /// Inside.
    AddressPrivate "address-private" UNPROCESSABLE_ENTITY "That address is not on the internet.";
    /// Not a mail address.
    MailUnreadable "mail-unreadable" UNPROCESSABLE_ENTITY "That is not a mail address.";
    /// Not one of META's.
    MailNotInMeta "mail-not-in-meta" UNPROCESSABLE_ENTITY "META.json of the latest release does not name that mail address, neither as a maintainer's nor for bugs.";
    /// No repository, or none that the farm can read files of.
    NoPlace "no-place" UNPROCESSABLE_ENTITY "META.json of the latest release names no repository at GitHub, GitLab or Codeberg and no home page over https, so that there is no place for a proof; confirm by mail instead.";
    /// No repository at GitHub.
    NoGitHub "no-github" UNPROCESSABLE_ENTITY "META.json of the latest release names no repository at GitHub, so that no issue can be opened.";
    /// The file is not there.
    ProofMissing "proof-missing" CONFLICT "The farm looked, and did not find the line in any of these files yet. What was put there a moment ago may take minutes to be seen.";
    /// The place does not answer.
    ProofUnreachable "proof-unreachable" CONFLICT "The farm could not read any of these files, as the server does not answer as it should. Try again later.";
    /// Neither ours nor current.
    WishExpired "wish-expired" GONE "This link is not valid, or not any more. Begin again.";
    /// Too many subscriptions.
    Full "full" CONFLICT "The distribution has as many subscriptions as it may. End one that is not needed any more.";
    /// Too often.
    TooOften "too-often" TOO_MANY_REQUESTS "That was asked for too often. Try again in a minute.";
    /// Too many mails.
    TooManyMails "too-many-mails" TOO_MANY_REQUESTS "A link was sent to that address for this distribution already, or as many as may be sent. Look for it, or try again tomorrow.";
    /// The mail server does not take it.
    MailFailed "mail-failed" SERVICE_UNAVAILABLE "The mail could not be sent. Try again later.";
    /// No such subscription.
    NoSubscription "no-subscription" NOT_FOUND "There is no subscription at this address.";
    /// From another site.
    CrossSite "cross-site" FORBIDDEN "This was sent by a page of another site.";
    /// The fault is ours.
    Internal "internal" INTERNAL_SERVER_ERROR "Something went wrong. The fault is ours.";
}

impl Refusal {
    /// The refusal of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|refusal| refusal.code() == code)
    }
}

impl From<crate::Error> for Refusal {
    fn from(error: crate::Error) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        tracing::error!(%error, cause, "a wish to subscribe failed");
        Self::Internal
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        crate::Error::from(error).into()
    }
}
