//! The farm's key, from which comes whatever only a subscriber may know, and under which their addresses are stored.
//!
//! It is a file of the data directory, not part of the database: who reads the database, or a copy of it, can neither end a subscription, nor sign
//! as the farm does, nor learn the address of a webhook, which may be a secret itself. Nothing has to be kept per subscription, as everything is
//! computed from its id. Without the key all subscriptions are lost.

use std::fmt::{self, Write as _};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use protocol::SubscriptionId;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::{Error, Result};

/// The file in the data directory that holds the key.
const FILE: &str = "notify-key";
const BYTES: usize = 32;

/// The key.
pub(crate) struct Key {
    root: hmac::Key,
    sealing: LessSafeKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Reads the key of a data directory; at the first start it makes one, readable by its owner alone.
    pub(crate) fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(FILE);
        let failed = |act| {
            let path = path.clone();
            move |source| Error::Key { path, act, source }
        };
        match fs::read_to_string(&path) {
            Ok(text) => return Self::read(text.trim()).ok_or(Error::WeakKey { path }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed("read")(error)),
        }
        let text = hex(&random::<BYTES>());
        // Whole or not at all: a full disk must leave no empty key, which would be refused for ever.
        let new = data_dir.join(format!("{FILE}.new"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .map_err(failed("made"))?;
        writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(failed("written"))?;
        fs::rename(&new, &path).map_err(failed("made"))?;
        Self::read(&text).ok_or(Error::WeakKey { path })
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() != 2 * BYTES || !text.is_ascii() {
            return None;
        }
        let bytes: Option<Vec<u8>> =
            (0..BYTES).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect();
        Some(Self::from_bytes(&bytes?))
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let sealing = UnboundKey::new(&CHACHA20_POLY1305, hmac::sign(&root, b"seal").as_ref())
            .expect("a digest of 256 bits is a key of 256 bits");
        Self { root, sealing: LessSafeKey::new(sealing) }
    }

    /// A code over parts, each of which stands for itself whatever is in it.
    fn code(&self, purpose: &str, parts: &[&str]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.root);
        for part in [purpose].iter().chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign()
    }

    /// A digest that tells whether two things are the same, and nothing else of them.
    pub(crate) fn digest(&self, purpose: &str, parts: &[&str]) -> String {
        hex(&self.code(purpose, parts).as_ref()[..16])
    }

    /// What shows a subscription and ends it.
    pub(crate) fn token(&self, id: SubscriptionId) -> String {
        let code = self.code("token", &[&id.to_string()]);
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(code))
    }

    /// The subscription that a token is for. It takes the same time for every wrong one.
    pub(crate) fn subscription(&self, token: &str) -> Option<SubscriptionId> {
        let (id, code) = token.split_once('.')?;
        let id: SubscriptionId = id.parse().ok()?;
        let given = URL_SAFE_NO_PAD.decode(code).ok()?;
        let expected = self.code("token", &[&id.to_string()]);
        let is_same = expected.as_ref().len() == given.len()
            && expected.as_ref().iter().zip(&given).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0;
        is_same.then_some(id)
    }

    /// The secret of a webhook, as [Standard Webhooks](https://www.standardwebhooks.com/) write it.
    pub(crate) fn webhook_secret(&self, id: SubscriptionId) -> String {
        format!("whsec_{}", STANDARD.encode(self.code("webhook", &[&id.to_string()])))
    }

    /// The key of a webhook's signature.
    pub(crate) fn webhook_key(&self, id: SubscriptionId) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.code("webhook", &[&id.to_string()]).as_ref())
    }

    /// A text that only this key reads, and only for that purpose; fit for an address.
    pub(crate) fn seal(&self, purpose: &str, text: &str) -> String {
        let nonce = random::<NONCE_LEN>();
        let mut sealed = text.as_bytes().to_vec();
        let (unique, about) = (Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()));
        self.sealing
            .seal_in_place_append_tag(unique, about, &mut sealed)
            .expect("a short text is not too long to seal");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// What was sealed for a purpose; none where it was not, or by another key.
    pub(crate) fn unseal(&self, purpose: &str, sealed: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let (nonce, mut sealed) = (Nonce::try_assume_unique_for_key(nonce).ok()?, sealed.to_vec());
        let text = self.sealing.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut sealed).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use protocol::Timestamp;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Key::open(dir.path()).unwrap();
        let sealed = first.seal("address", "https://example.org/secret");
        let second = Key::open(dir.path()).unwrap();
        assert_eq!(second.unseal("address", &sealed).as_deref(), Some("https://example.org/secret"));
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let written = fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(!format!("{first:?}").contains(written.trim()));
    }

    #[test]
    fn a_key_whose_writing_was_cut_short_is_written_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(format!("{FILE}.new")), "ab").unwrap();
        let sealed = Key::open(dir.path()).unwrap().seal("address", "x");
        assert_eq!(Key::open(dir.path()).unwrap().unseal("address", &sealed).as_deref(), Some("x"));
        assert!(!dir.path().join(format!("{FILE}.new")).exists());
    }

    #[test]
    fn a_file_that_holds_no_key_is_not_taken_for_one() {
        for text in ["", "abc", &"é".repeat(32), &"g".repeat(64)] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(FILE), text).unwrap();
            assert!(matches!(Key::open(dir.path()), Err(Error::WeakKey { .. })), "{text}");
        }
    }

    #[test]
    fn what_is_sealed_says_nothing_is_never_the_same_and_cannot_be_changed_or_used_otherwise() {
        let key = Key::from_bytes(&[7; BYTES]);
        let sealed = key.seal("wish", "pgtap");
        assert_ne!(sealed, key.seal("wish", "pgtap"));
        assert_eq!(key.unseal("wish", &sealed).as_deref(), Some("pgtap"));
        assert_eq!(key.unseal("address", &sealed), None);
        assert_eq!(Key::from_bytes(&[8; BYTES]).unseal("wish", &sealed), None);
        let mut spoilt = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        spoilt[NONCE_LEN] ^= 1;
        for text in [URL_SAFE_NO_PAD.encode(spoilt), String::new(), "é".into(), "AAAA".into()] {
            assert_eq!(key.unseal("wish", &text), None, "{text}");
        }
    }

    #[test]
    fn a_token_opens_its_own_subscription_and_no_other() {
        let key = Key::from_bytes(&[7; BYTES]);
        let (one, two) =
            (SubscriptionId::new(Timestamp::from_millis(1)), SubscriptionId::new(Timestamp::from_millis(2)));
        let token = key.token(one);
        assert_eq!(key.subscription(&token), Some(one));
        let code = token.split_once('.').unwrap().1;
        for wrong in [format!("{two}.{code}"), one.to_string(), format!("{one}."), format!("{one}.{}", &code[1..])] {
            assert_eq!(key.subscription(&wrong), None, "{wrong}");
        }
        assert_ne!(key.webhook_secret(one), key.webhook_secret(two));
    }

    #[test]
    fn a_digest_does_not_mistake_where_a_part_ends() {
        let key = Key::from_bytes(&[7; BYTES]);
        assert_ne!(key.digest("x", &["ab", "c"]), key.digest("x", &["a", "bc"]));
        assert_eq!(key.digest("x", &["ab", "c"]), key.digest("x", &["ab", "c"]));
    }
}
