//! A report with its signature: as a runner sends it, and as the file by which anybody can verify it without the farm.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::key::{KeyProof, PublicKey};
use crate::report::Report;
use crate::statement::{Statement, Subject};

/// The header of a report's call that holds its [`Seal`].
pub const SIGNATURE_HEADER: &str = "x-report-signature";

/// Why a signature is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unsigned {
    /// The bytes are others than were signed, or another key signed them.
    #[error(
        "the signature is not that of the key {0} over this report: something in it was changed after it was signed, or it was signed about \
         another run or by another key"
    )]
    Wrong(String),
}

/// By which key a report was signed, and the signature: two words with a space between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The key.
    pub key: PublicKey,
    /// What it made of the statement.
    pub signature: KeyProof,
}

impl Seal {
    /// Verifies it over what a report says of what was claimed.
    pub fn verify(&self, report: &Report, subject: &Subject) -> Result<(), Unsigned> {
        self.verify_statement(&Statement::of(report, subject))
    }

    fn verify_statement(&self, statement: &Statement) -> Result<(), Unsigned> {
        if self.key.verifies(statement.as_str().as_bytes(), &self.signature) {
            return Ok(());
        }
        Err(Unsigned::Wrong(self.key.fingerprint().to_string()))
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.signature)
    }
}

impl FromStr for Seal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, signature) =
            text.split_once(' ').ok_or("it takes a public key and a signature, with a space between")?;
        let said = |error: crate::key::InvalidKey| error.to_string();
        Ok(Self { key: key.parse().map_err(said)?, signature: signature.parse().map_err(said)? })
    }
}

/// A signed report as a file: all that it takes to verify it. What it says stands in the statement alone, word for word as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedReport {
    /// The canonical bytes.
    pub statement: Statement,
    /// The public key of who signed them.
    pub key: PublicKey,
    /// Their signature.
    pub signature: KeyProof,
}

impl SignedReport {
    /// A report with its seal.
    pub fn new(report: &Report, subject: &Subject, seal: Seal) -> Self {
        Self { statement: Statement::of(report, subject), key: seal.key, signature: seal.signature }
    }

    /// Whether the key signed the statement.
    pub fn verify(&self) -> Result<(), Unsigned> {
        Seal { key: self.key, signature: self.signature }.verify_statement(&self.statement)
    }
}
