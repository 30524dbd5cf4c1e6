//! The words of notifications: by what a subscriber hears, how they proved that they may, and how far a subscription and a delivery are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Makes an enum of words, the same in code, database, API and pages.
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $kind:literal, { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// The word used in code, database, API and pages.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err(format!(concat!("`{}` is not a ", $kind), other.chars().take(40).collect::<String>())),
                }
            }
        }
    };
}

pub(crate) use words;

words! {
    /// By what a subscriber hears of what turned.
    Channel, "channel", {
        /// A signed request to an address of theirs.
        Webhook = "webhook",
        /// A digest by mail.
        Mail = "mail",
        /// An issue in their repository.
        Issue = "issue",
    }
}

words! {
    /// How a subscriber proves that META.json means them.
    Proof, "proof", {
        /// A file in the repository, or on the site, that META.json names.
        File = "file",
        /// A link that was sent to an address that META.json names.
        Mail = "mail",
    }
}

words! {
    /// How far a subscription is.
    SubscriptionState, "state of a subscription", {
        /// It hears of what turns.
        Active = "active",
        /// It hears of nothing any more.
        Ended = "ended",
    }
}

words! {
    /// How far a delivery is.
    DeliveryState, "state of a delivery", {
        /// It is to be sent, for the first time or again.
        Waiting = "waiting",
        /// It was taken.
        Delivered = "delivered",
        /// It was tried for the last time.
        Failed = "failed",
        /// It was not sent, as its subscription ended before.
        Dropped = "dropped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_same_wherever_it_stands() {
        for channel in [Channel::Webhook, Channel::Mail, Channel::Issue] {
            assert_eq!(channel.as_str().parse(), Ok(channel));
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.as_str());
        }
        assert_eq!("pigeon".parse::<Channel>(), Err("`pigeon` is not a channel".to_owned()));
    }
}
