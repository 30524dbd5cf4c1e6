//! The runner's key pair: made on this machine, in one file of the data directory that only its owner reads, and never sent or logged.
//!
//! The file is read whenever something is signed, and what was read is wiped from memory after it: so a key that was changed beside a runner that works
//! is the one that signs its next report. A new key waits in a file of its own until the farm knows it; where that was cut off, the next start goes on with it.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer, SigningKey};
use protocol::{KeyProof, PublicKey, Report, Seal, Statement, Subject, rotation};
use zeroize::{Zeroize, Zeroizing};

use crate::Error;
use crate::error::Result;

const KEY: &str = "signing-key";
const NEXT: &str = "signing-key.next";
/// What is before the digits of a secret key, so that nobody takes them for a public one.
const MARK: &str = "pgxn-testers-secret-key:";
/// More than a key is not read.
const MOST: u64 = 4_096;

/// The key pair of a data directory. It holds nothing secret itself.
#[derive(Clone)]
pub struct Keys {
    dir: PathBuf,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("dir", &self.dir).finish()
    }
}

/// A key that waits to take the place of the one before.
#[derive(Clone, Copy, Debug)]
pub struct Next {
    /// Its public half.
    pub key: PublicKey,
    /// What the one before says of it.
    pub proof: KeyProof,
}

impl Keys {
    /// The pair of a data directory, which is made where there is none.
    pub fn open(dir: &Path) -> Result<Self> {
        let keys = Self { dir: dir.to_owned() };
        if read(&keys.path(KEY))?.is_none() {
            std::fs::create_dir_all(dir).map_err(Error::file("make", dir))?;
            keys.make(KEY)?;
        }
        Ok(keys)
    }

    /// The public half of the key that signs now.
    pub fn public(&self) -> Result<PublicKey> {
        Ok(self.secret()?.verifying_key().into())
    }

    /// Signs what a report says of what was claimed.
    pub(crate) fn seal(&self, report: &Report, subject: &Subject) -> Result<Seal> {
        let secret = self.secret()?;
        let signature = secret.sign(Statement::of(report, subject).as_str().as_bytes()).into();
        Ok(Seal { key: secret.verifying_key().into(), signature })
    }

    /// The key that waits to be the next one; none where none does.
    pub fn next(&self) -> Result<Option<Next>> {
        let Some(next) = read(&self.path(NEXT))? else { return Ok(None) };
        let (secret, key) = (self.secret()?, next.verifying_key().into());
        let proof = secret.sign(&rotation(&secret.verifying_key().into(), &key)).into();
        Ok(Some(Next { key, proof }))
    }

    /// Makes a key that waits to be the next one, unless one does.
    pub fn prepare(&self) -> Result<Next> {
        if let Some(next) = self.next()? {
            return Ok(next);
        }
        self.make(NEXT)?;
        let missing = std::io::Error::from(ErrorKind::NotFound);
        self.next()?.ok_or_else(|| Error::file("read", self.path(NEXT))(missing))
    }

    /// The key that waits signs from now on; the one before is gone.
    pub fn promote(&self) -> Result<()> {
        std::fs::rename(self.path(NEXT), self.path(KEY)).map_err(Error::file("replace", self.path(KEY)))?;
        self.sync()
    }

    /// The key that waits is not wanted: the farm refused it.
    pub fn discard(&self) -> Result<()> {
        std::fs::remove_file(self.path(NEXT)).map_err(Error::file("delete", self.path(NEXT)))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn secret(&self) -> Result<SigningKey> {
        let missing = || Error::file("read", self.path(KEY))(std::io::Error::from(ErrorKind::NotFound));
        read(&self.path(KEY))?.ok_or_else(missing)
    }

    /// Makes a key file, whole or not at all, and never in the place of another one.
    fn make(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        let mut seed = Zeroizing::new(rand::random::<[u8; 32]>());
        let text = Zeroizing::new(format!("{MARK}{}\n", *Zeroizing::new(hex::encode(*seed))));
        seed.zeroize();
        let write = || {
            // Made with the mode 0600.
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(&path) {
                // Another process of the same directory was first: its key is as good.
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
                persisted => persisted.map(drop).map_err(|error| error.error),
            }
        };
        write().map_err(Error::file("write", &path))?;
        self.sync()
    }

    fn sync(&self) -> Result<()> {
        let synced = std::fs::File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(Error::file("write into", &self.dir))
    }
}

/// The key in a file; none where there is no file. What is wrong with it is told without what it holds.
fn read(path: &Path) -> Result<Option<SigningKey>> {
    let unusable = |why: &str| Error::Key { path: path.to_owned(), why: why.to_owned() };
    let known = match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        known => known.map_err(Error::file("read", path))?,
    };
    if known.permissions().mode() & 0o077 != 0 {
        return Err(unusable(
            "others than its owner may read it; `chmod 600` it, or change the key if they may have done so",
        ));
    }
    if known.len() > MOST {
        return Err(unusable(SPOILT));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(Error::file("read", path))?);
    let mut seed = Zeroizing::new([0; 32]);
    let digits = text.trim().strip_prefix(MARK).ok_or_else(|| unusable(SPOILT))?;
    hex::decode_to_slice(digits, &mut *seed).map_err(|_| unusable(SPOILT))?;
    Ok(Some(SigningKey::from_bytes(&seed)))
}

const SPOILT: &str = "it holds no key; put it back from a copy, or have an operator revoke this runner (`admin runners revoke NAME --keep-results`), \
                      delete the file and join again";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("new");
        let first = Keys::open(&dir).unwrap();
        let public = first.public().unwrap();
        assert_eq!(Keys::open(&dir).unwrap().public().unwrap(), public);
        let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, [KEY], "nothing is left beside it");
        assert_eq!(std::fs::metadata(dir.join(KEY)).unwrap().permissions().mode() & 0o777, 0o600);
        let kept = std::fs::read_to_string(dir.join(KEY)).unwrap();
        let digits = kept.trim().strip_prefix(MARK).unwrap();
        assert!(digits.len() == 64 && !format!("{first:?}").contains(digits));
        assert!(digits.parse::<PublicKey>().is_ok_and(|key| key != public) || digits.parse::<PublicKey>().is_err());
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_spoilt_is_refused_without_what_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open(dir.path()).unwrap();
        let path = dir.path().join(KEY);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let said = keys.public().unwrap_err().to_string();
        assert!(said.contains("signing-key") && said.contains("chmod 600"), "{said}");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        for spoilt in ["", "secret", &text[MARK.len()..], &text[..text.len() - 3], &text.replace('\n', "00\n")] {
            std::fs::write(&path, spoilt).unwrap();
            let said = Keys::open(dir.path()).unwrap_err().to_string();
            assert!(said.contains("it holds no key") && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn the_next_key_waits_until_it_is_wanted_and_the_one_before_vouches_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open(dir.path()).unwrap();
        let before = keys.public().unwrap();
        assert!(keys.next().unwrap().is_none());
        let next = keys.prepare().unwrap();
        assert_eq!(keys.prepare().unwrap().key, next.key, "one that waits is not made again");
        assert!(before.verifies(&rotation(&before, &next.key), &next.proof));
        assert_eq!(keys.public().unwrap(), before);
        keys.promote().unwrap();
        assert_eq!(keys.public().unwrap(), next.key);
        assert!(keys.next().unwrap().is_none());
        keys.prepare().unwrap();
        keys.discard().unwrap();
        assert_eq!(keys.public().unwrap(), next.key);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
