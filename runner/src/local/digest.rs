//! One digest of all that a run takes of a source, by which two people see that they mean the same.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use pgxn::archive::EntryKind;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::run::{Source, digests, tree_of};

/// The SHA-256 of a zip archive, or of a directory's files: of paths, contents, links, and whether a file may be run, whatever their times. None of
/// what a registry has.
pub fn digest(source: &Source) -> Result<Option<String>> {
    match source {
        Source::Zip(path) => Ok(Some(digests(path)?.sha256)),
        Source::Directory(dir) => of_directory(dir).map(Some),
        Source::Release(..) | Source::Nowhere(_) => Ok(None),
    }
}

fn of_directory(dir: &Path) -> Result<String> {
    let tree = tree_of(dir).map_err(|error| Error::file("list", dir)(io::Error::other(error)))?;
    let mut sha = Sha256::new();
    for entry in &tree.entries {
        let path = entry.path.as_os_str().as_bytes();
        // With its length before it, no text can be taken for the end of one and the beginning of another.
        let mut part = |kind: &[u8], bytes: u64| {
            sha.update(kind);
            sha.update((path.len() as u64).to_be_bytes());
            sha.update(path);
            sha.update(bytes.to_be_bytes());
        };
        match &entry.kind {
            EntryKind::Directory => {}
            EntryKind::Link { target } => {
                part(b"l", target.len() as u64);
                sha.update(target);
            }
            EntryKind::File { bytes, executable } => {
                part(if *executable { b"x" } else { b"f" }, *bytes);
                let full = dir.join(&entry.path);
                let mut file = File::open(&full).map_err(Error::file("open", &full))?;
                io::copy(&mut file, &mut sha).map_err(Error::file("read", &full))?;
            }
        }
    }
    Ok(hex::encode(sha.finalize()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn of(make: impl FnOnce(&Path)) -> String {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sql")).unwrap();
        fs::write(dir.path().join("sql/a.sql"), "SELECT 1").unwrap();
        fs::write(dir.path().join("b"), "").unwrap();
        make(dir.path());
        digest(&Source::Directory(dir.path().to_owned())).unwrap().unwrap()
    }

    #[test]
    fn the_same_files_have_one_digest_and_any_others_another() {
        let same = of(|_| {});
        assert_eq!((same.len(), of(|_| {})), (64, same.clone()));
        let others = [
            of(|dir| fs::write(dir.join("sql/a.sql"), "SELECT 2").unwrap()),
            of(|dir| fs::rename(dir.join("b"), dir.join("c")).unwrap()),
            of(|dir| fs::remove_file(dir.join("b")).unwrap()),
            of(|dir| fs::set_permissions(dir.join("b"), Permissions::from_mode(0o755)).unwrap()),
            of(|dir| symlink("b", dir.join("c")).unwrap()),
            of(|dir| symlink("a", dir.join("c")).unwrap()),
        ];
        let all: std::collections::BTreeSet<&String> = others.iter().chain([&same]).collect();
        assert_eq!(all.len(), 7);
    }

    #[test]
    fn an_archive_has_the_digest_of_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.zip"), "abc").unwrap();
        let digest = digest(&Source::Zip(dir.path().join("a.zip"))).unwrap().unwrap();
        assert!(digest.starts_with("ba7816bf8f01cfea"));
    }
}
