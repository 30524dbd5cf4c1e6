//! What a machine is on a farm: its name there and its token, in one file of the runner's data directory that only its owner reads.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use protocol::{JoinRequestId, Name};
use serde::{Deserialize, Serialize};
use url::Url;

const FILE: &str = "membership.json";

/// A membership. It has no `Debug`, as it holds a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    /// The farm.
    pub(crate) coordinator: Url,
    /// The runner's name there.
    pub(crate) name: Name,
    /// Its token.
    pub(crate) token: String,
    /// What an operator has to approve before the token is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<JoinRequestId>,
}

/// The file of a data directory.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

impl Membership {
    /// Reads that of a data directory; none where it belongs to no farm.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>> {
        let path = path(dir);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("read {}", path.display()))?,
        };
        match serde_json::from_slice(&bytes) {
            Ok(membership) => Ok(Some(membership)),
            // What serde says may repeat the token.
            Err(error) => bail!(
                "{} is spoilt at line {}, column {}; delete it and join again",
                path.display(),
                error.line(),
                error.column()
            ),
        }
    }

    /// Keeps it, whole or not at all, for its owner alone.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let path = path(dir);
        runner::keep_json(&path, self).with_context(|| format!("write {}", path.display()))
    }

    /// Forgets that of a data directory.
    pub(crate) fn forget(dir: &Path) -> Result<()> {
        let path = path(dir);
        std::fs::remove_file(&path).with_context(|| format!("delete {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn membership() -> Membership {
        Membership {
            coordinator: "https://farm.example/".parse().unwrap(),
            name: "attic".parse().unwrap(),
            token: "secret".into(),
            request: None,
        }
    }

    #[test]
    fn a_membership_is_read_as_it_was_kept_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("new");
        assert!(Membership::read(&dir).unwrap().is_none());
        membership().write(&dir).unwrap();
        assert!(Membership::read(&dir).unwrap() == Some(membership()));
        assert_eq!(std::fs::metadata(path(&dir)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "nothing is left beside it");
        Membership::forget(&dir).unwrap();
        assert!(Membership::read(&dir).unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_spoilt_is_named_without_what_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(path(dir.path()), "{\"token\": \"secret\", \"name\": \"secret secret\"}").unwrap();
        let Err(error) = Membership::read(dir.path()) else { panic!("it was read") };
        let said = error.to_string();
        assert!(said.contains("membership.json is spoilt") && !said.contains("secret"), "{said}");
    }
}
