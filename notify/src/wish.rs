//! What somebody wants to be told, by what and where: sealed into an address until it is proved, so that nothing is stored of it.

use std::time::Duration;

use protocol::{Channel, Name, Proof, SubscriptionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::key::Key;

const PURPOSE: &str = "wish";

/// A wish to subscribe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The distribution.
    pub dist: Name,
    /// By what.
    pub channel: Channel,
    /// Where: the address of a webhook or of a person, or `owner/name` of a repository.
    pub address: String,
    /// How it is to be proved.
    pub proof: Proof,
    /// Until when.
    pub until: Timestamp,
    /// What no other wish has.
    pub nonce: SubscriptionId,
}

impl Wish {
    /// How long a wish may wait to be proved.
    pub(crate) const fn patience(proof: Proof) -> Duration {
        match proof {
            Proof::File => Duration::from_hours(7 * 24),
            Proof::Mail => Duration::from_hours(48),
        }
    }

    /// How long what turned is gathered before it is told: tests of a release come in one after another.
    pub(crate) const fn hold(&self) -> Duration {
        match self.channel {
            Channel::Webhook => Duration::ZERO,
            Channel::Issue => Duration::from_mins(10),
            Channel::Mail => Duration::from_hours(1),
        }
    }

    /// The wish in an address.
    pub(crate) fn seal(&self, key: &Key) -> String {
        key.seal(PURPOSE, &serde_json::to_string(self).unwrap_or_default())
    }

    /// The wish of an address, while it may be granted.
    pub(crate) fn unseal(key: &Key, sealed: &str, now: Timestamp) -> Option<Self> {
        let wish: Self = serde_json::from_str(&key.unseal(PURPOSE, sealed)?).ok()?;
        (wish.until > now).then_some(wish)
    }

    /// What a proof file has to name. It tells nothing of where the wish leads, and proves no other wish, as everybody can read it: whoever else
    /// wants the same has to put a code of their own.
    pub(crate) fn code(&self, key: &Key) -> String {
        key.digest("proof", &[&self.dist.key(), self.channel.as_str(), &self.address, &self.nonce.to_string()])
    }

    /// What tells whether two subscriptions lead to the same place.
    pub(crate) fn target_key(&self, key: &Key) -> String {
        key.digest("target", &[self.channel.as_str(), &self.address])
    }

    /// What of the address may be shown: of a webhook no more than its host.
    pub fn shown(&self) -> String {
        match self.channel {
            Channel::Webhook => {
                let url = url::Url::parse(&self.address).ok();
                let origin = url.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
                format!("{origin}/…")
            }
            Channel::Issue => self.address.clone(),
            Channel::Mail => match self.address.split_once('@') {
                Some((local, domain)) => format!("{}…@{domain}", local.chars().take(1).collect::<String>()),
                None => "…".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(channel: Channel, address: &str) -> Wish {
        let until = Timestamp::from_millis(1_000);
        let nonce = SubscriptionId::new(until);
        Wish { dist: "pgtap".parse().unwrap(), channel, address: address.into(), proof: Proof::File, until, nonce }
    }

    #[test]
    fn a_sealed_wish_is_read_until_its_time_is_over_and_shows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::open(dir.path()).unwrap();
        let wish = wish(Channel::Webhook, "https://example.org/secret");
        let sealed = wish.seal(&key);
        assert!(sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{sealed}");
        assert_eq!(Wish::unseal(&key, &sealed, Timestamp::from_millis(999)), Some(wish.clone()));
        assert_eq!(Wish::unseal(&key, &sealed, Timestamp::from_millis(1_000)), None);
        assert_eq!(wish.code(&key), wish.code(&key));
        assert_ne!(wish.code(&key), Wish { dist: "pg".parse().unwrap(), ..wish.clone() }.code(&key));
    }

    #[test]
    fn no_more_of_an_address_is_shown_than_tells_its_owner_which_it_is() {
        assert_eq!(
            wish(Channel::Webhook, "https://hooks.example.org:8443/T0/secret").shown(),
            "https://hooks.example.org:8443/…"
        );
        assert_eq!(wish(Channel::Mail, "david@example.com").shown(), "d…@example.com");
        assert_eq!(wish(Channel::Issue, "theory/pgtap").shown(), "theory/pgtap");
    }
}
