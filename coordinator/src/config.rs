//! How a coordinator is set up, and the operator's token in the data directory.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pgxn::ClientOptions;
use protocol::{Overrides, PgMajor, Platform};
use store::confirm::Retries;
use url::Url;

use crate::{Error, Result, Schedule};

/// The file in the data directory that holds the operator's token.
const TOKEN_FILE: &str = "admin-token";
const MIN_TOKEN: usize = 32;

/// Everything that an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// The registry to watch, the address to which `/index.json` is appended.
    pub registry: Url,
    /// The registry's address for runners, where it differs from the coordinator's own view.
    pub assigned_registry: Option<Url>,
    /// How the registry is asked.
    pub client: ClientOptions,
    /// The majors to test on; empty for those that the PostgreSQL project supports, as the clock has it.
    pub majors: Vec<PgMajor>,
    /// The platforms to test on.
    pub platforms: Vec<Platform>,
    /// How often the registry is asked for new releases, less or more a tenth by chance.
    pub poll: Duration,
    /// How long a runner's lease lasts; it renews it every third of that.
    pub lease: Duration,
    /// How often a job is claimed before it ends as ERROR (runner-lost).
    pub max_attempts: u32,
    /// How a test that the farm itself failed at is tried again.
    pub retries: Retries,
    /// How often expired leases are looked for, and jobs whose time to be tried again has come.
    pub expire_every: Duration,
    /// When the whole registry is compared with the store.
    pub reconcile: Schedule,
    /// What is not tested at all; nothing else of it concerns a coordinator.
    pub overrides: Arc<Overrides>,
    /// Under which address people reach the farm, which invitations name.
    pub public_url: Option<Url>,
    /// How often a runner may call in a second, ten times as often for a moment; none for as often as it likes.
    pub calls_per_second: Option<NonZeroU32>,
    /// What an operator's command has to know.
    pub admin_token: AdminToken,
}

impl Config {
    /// The defaults for a registry and this machine's platform.
    pub fn new(registry: Url, admin_token: AdminToken) -> Self {
        Self {
            registry,
            assigned_registry: None,
            client: ClientOptions::default(),
            majors: Vec::new(),
            platforms: vec![Platform::native()],
            poll: Duration::from_mins(1),
            lease: Duration::from_mins(5),
            max_attempts: 3,
            retries: Retries::default(),
            expire_every: Duration::from_secs(5),
            reconcile: Schedule::nightly(),
            overrides: Arc::new(Overrides::embedded()),
            public_url: None,
            calls_per_second: NonZeroU32::new(200),
            admin_token,
        }
    }
}

/// The secret of the operator; `Debug` does not show it.
#[derive(Clone)]
pub struct AdminToken(String);

impl AdminToken {
    /// Reads the token of a data directory, for the commands of its operator: only a coordinator makes one.
    pub fn read(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(TOKEN_FILE);
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= MIN_TOKEN => Ok(Self(text.trim().to_owned())),
            Ok(_) => Err(Error::WeakToken { path }),
            Err(source) => Err(Error::Token { path, act: "read", source }),
        }
    }

    /// Reads the token of a data directory; at the first start it makes one, readable by its owner alone.
    pub fn open(data_dir: &Path) -> Result<Self> {
        match Self::read(data_dir) {
            Err(Error::Token { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            read => return read,
        }
        let path = data_dir.join(TOKEN_FILE);
        let failed = |act| {
            let path = path.clone();
            move |source| Error::Token { path, act, source }
        };
        let token = Self::random();
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed("made"))?;
        writeln!(file, "{}", token.0).and_then(|()| file.sync_all()).map_err(failed("written"))?;
        Ok(token)
    }

    /// A new token, stored nowhere.
    pub fn random() -> Self {
        Self(secret())
    }

    /// The token itself, for the header of an operator's command.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a request carries this token; takes the same time for every wrong one of the same length.
    pub(crate) fn matches(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        own.len() == given.len() && own.iter().zip(given).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

/// A bearer or lease token: 256 random bits in hexadecimal digits.
pub(crate) fn secret() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_operators_token_is_made_once_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = AdminToken::open(dir.path()).unwrap();
        let second = AdminToken::open(dir.path()).unwrap();
        assert!(second.matches(first.expose()) && !second.matches("") && !second.matches(&"0".repeat(64)));
        let mode = fs::metadata(dir.path().join(TOKEN_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn who_only_reads_the_operators_token_makes_none() {
        let dir = tempfile::tempdir().unwrap();
        let error = AdminToken::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains("admin-token"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_token_file_that_was_emptied_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(TOKEN_FILE), "\n").unwrap();
        let error = AdminToken::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("admin-token") && error.contains("delete the file"), "{error}");
    }

    #[test]
    fn a_token_is_not_printed_with_the_configuration() {
        let token = AdminToken::random();
        let config = Config::new("http://127.0.0.1:1/".parse().unwrap(), token.clone());
        assert!(!format!("{config:?}").contains(token.expose()));
    }
}
