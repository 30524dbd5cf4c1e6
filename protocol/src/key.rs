//! The keys with which runners sign: their public halves, how people compare them, and what one says of the next.
//!
//! Signatures are ed25519 (RFC 8032), verified strictly: of all that others let pass, keys of small order and signatures that can be changed into
//! another valid one are refused. `docs/signatures.md` says all of it for who writes another implementation.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first line of what an old key signs about a new one.
const ROTATION: &str = "pgxn-testers key 1\n";

/// A text that is not what it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not {what}")]
pub struct InvalidKey {
    text: String,
    what: &'static str,
}

impl InvalidKey {
    fn of(text: &str, what: &'static str) -> Self {
        Self { text: text.chars().take(80).collect(), what }
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidKey;

            fn try_from(text: String) -> Result<Self, InvalidKey> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(it: $name) -> Self {
                it.to_string()
            }
        }
    };
}

/// The public half of a runner's key pair, as 64 hexadecimal digits. One in hand can verify: no point outside the curve, none of small order.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct PublicKey([u8; 32]);

as_text!(PublicKey);

impl PublicKey {
    /// What people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = Sha256::digest(self.0);
        Fingerprint(std::array::from_fn(|at| digest[at]))
    }

    /// Whether a proof is this key's over these bytes.
    pub fn verifies(&self, bytes: &[u8], proof: &KeyProof) -> bool {
        let key = VerifyingKey::from_bytes(&self.0);
        key.is_ok_and(|key| key.verify_strict(bytes, &Signature::from_bytes(&proof.0)).is_ok())
    }
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        Self(key.to_bytes())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let wrong = || InvalidKey::of(text, "a public key: it takes the 64 hexadecimal digits of an ed25519 one");
        let key = VerifyingKey::from_bytes(&bytes(text).ok_or_else(wrong)?).map_err(|_| wrong())?;
        if key.is_weak() { Err(wrong()) } else { Ok(key.into()) }
    }
}

/// What people compare of a public key: the first 128 bits of its SHA-256, as eight groups of four hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "c3ab-8ff1-3720-e8ad-9047-dd39-466b-3c89")]
pub struct Fingerprint([u8; 16]);

as_text!(Fingerprint);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> = self.0.chunks(2).map(hex::encode).collect();
        f.pad(&groups.join("-"))
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidKey;

    /// With its hyphens or without.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let wrong = "a fingerprint: it takes eight groups of four hexadecimal digits";
        bytes(&text.replace('-', "")).map(Self).ok_or_else(|| InvalidKey::of(text, wrong))
    }
}

/// What only the holder of a key can make of some bytes: an ed25519 signature, as 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct KeyProof([u8; 64]);

as_text!(KeyProof);

impl From<Signature> for KeyProof {
    fn from(signature: Signature) -> Self {
        Self(signature.to_bytes())
    }
}

impl fmt::Display for KeyProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl FromStr for KeyProof {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        bytes(text).map(Self).ok_or_else(|| InvalidKey::of(text, "a signature: it takes 128 hexadecimal digits"))
    }
}

/// Lower-case digits alone, so that each thing has one text.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    hex::decode(text).ok().filter(|_| is_lower)?.try_into().ok()
}

/// `PUT /api/v1/runners/self/key`: the key with which a runner signs from now on.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeyWish {
    /// Its public half.
    pub key: PublicKey,
    /// Where it takes the place of another one: what that one makes of [`rotation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<KeyProof>,
}

/// What an old key signs so that a new one takes its place.
pub fn rotation(from: &PublicKey, to: &PublicKey) -> Vec<u8> {
    format!("{ROTATION}from 64:{from}\nto 64:{to}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn pair(seed: u8) -> (SigningKey, PublicKey) {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let public = secret.verifying_key().into();
        (secret, public)
    }

    #[test]
    fn what_is_read_is_written_as_it_was_and_nothing_else_is_read() {
        let (secret, public) = pair(1);
        let proof = KeyProof::from(secret.sign(b"x"));
        assert_eq!(public.to_string().parse(), Ok(public));
        assert_eq!(proof.to_string().parse(), Ok(proof));
        let fingerprint = public.fingerprint();
        assert_eq!(fingerprint.to_string().len(), 39);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert_eq!(fingerprint.to_string().replace('-', "").parse(), Ok(fingerprint));
        for text in ["", "00", &public.to_string().to_uppercase(), &format!("{public}0"), &"zz".repeat(32)] {
            assert!(text.parse::<PublicKey>().is_err() && text.parse::<KeyProof>().is_err(), "{text}");
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_for_which_anybody_could_sign_is_none() {
        // The neutral element, and a point of order eight.
        let weak = [
            format!("01{}", "0".repeat(62)),
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".into(),
        ];
        for text in weak {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_proof_is_of_one_key_and_of_its_bytes() {
        let ((secret, public), (_, other)) = (pair(1), pair(2));
        let bytes = rotation(&public, &other);
        let proof = KeyProof::from(secret.sign(&bytes));
        assert!(public.verifies(&bytes, &proof));
        assert!(!other.verifies(&bytes, &proof));
        assert!(!public.verifies(&rotation(&other, &public), &proof));
    }

    #[test]
    fn the_test_vector_of_rfc_8032_verifies() {
        let key: PublicKey = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c".parse().unwrap();
        let proof = concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(key.verifies(&[0x72], &proof.parse().unwrap()));
        assert!(!key.verifies(&[0x73], &proof.parse().unwrap()));
    }
}
