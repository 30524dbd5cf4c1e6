//! Flags of `verify`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use protocol::{Fingerprint, PublicKey};

/// What is known of the key that should have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The key.
    Public(PublicKey),
    /// What people compare of it.
    Fingerprint(Fingerprint),
    /// A file that holds either.
    File(PathBuf),
}

impl FromStr for Key {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::word(text).unwrap_or_else(|| Self::File(text.into())))
    }
}

impl Key {
    /// What a word says of a key; none where it is neither.
    pub(crate) fn word(text: &str) -> Option<Self> {
        let key = text.parse().map(Self::Public).ok();
        key.or_else(|| text.parse().map(Self::Fingerprint).ok())
    }
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The report: the file that the page of its run offers as `report.json`
    #[arg(value_name = "REPORT")]
    pub(crate) report: PathBuf,

    /// The key that should have signed it: its 64 hexadecimal digits, its fingerprint, or a file that holds either
    ///
    /// Take it from somebody whom you believe, not from where the report is from. Without it, the report is held against the key that it names itself.
    #[arg(long, value_name = "FILE|HEX|FINGERPRINT")]
    pub(crate) key: Option<Key>,

    /// A file of the run, to hold against its digest in the report; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Vec<PathBuf>,
}

/// What stands below the options.
pub(crate) const VERIFY_HELP: &str = "\
The report is signed by the runner that made the run, with a key that never leaves that machine. Nothing is asked of any farm.

Examples:
  curl -O https://farm.example/run/01M8EZ84RQF4QE29M5XM0CY1NS/report.json
  pgxn-testers verify report.json
  pgxn-testers verify report.json --key c3ab-8ff1-3720-e8ad-9047-dd39-466b-3c89 --log build.log

Exit status: 0 all of it is as it was signed; 1 something is not; 3 a file cannot be read, or is no report.";
