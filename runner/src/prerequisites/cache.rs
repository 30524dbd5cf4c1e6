//! What prerequisites installed is kept, so that the next run on the same image only copies it in.
//!
//! An entry is a tar file of what one prerequisite wrote into the server's directories. Its key is a chain: over the release, its digest, the
//! image, and the key of whatever was installed in the same sandbox before it. So an entry is used only where everything that could have
//! had a hand in it is used, too: a hostile prerequisite can poison what depends on it, as it could anyway, and nothing else. The entry is
//! made before anything of the distribution under test is in the sandbox, of what `sift` lets through, and what it holds is unpacked in a
//! sandbox only.
//!
//! Entries are written under another name and renamed, so that runners which share a directory meet whole ones only. Each begins with the
//! digest of the rest: one that is damaged is removed and made anew. The ones used last are kept.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::{Release, Timestamp};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::kept::{make_room, touch};
use crate::prerequisites::sift::{MAX_BYTES as MAX_ENTRY_BYTES, SiftError, sift};

/// Changes with the way in which prerequisites are built or kept.
const FORMAT: &str = "pgxn-testers prerequisite 2";
/// The entries may have so many bytes in all.
const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Fast, and a quarter of the size.
const COMPRESSION: i32 = 3;
/// SHA-256, in bytes.
const DIGEST_BYTES: usize = 32;

/// What an entry is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// The key of a release that is installed after `before`, with variables of its own given to `make`.
    pub(crate) fn new(release: &Release, image_digest: &str, make: &str, before: Option<&Self>) -> Self {
        let before = before.map_or("", |key| &key.0);
        let parts = [FORMAT, &release.dist.key(), release.version.as_str(), &release.sha1, image_digest, make, before];
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hex::encode(hasher.finalize()))
    }
}

/// The entries of one directory; clones share it, and so do other processes.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
    max_bytes: u64,
}

impl Cache {
    /// The entries in a directory, which need not be there.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, max_bytes: MAX_BYTES }
    }

    /// Where they are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// An entry, if it is there and whole. It blocks: call it from a thread that may.
    pub(crate) fn find(&self, key: &Key, now: Timestamp) -> Option<Entry> {
        let path = self.path(key);
        let file = File::open(&path).ok()?;
        match checked(&file).and_then(|()| Entry::of(file)) {
            Ok(entry) => {
                // Whoever makes room takes away what was used longest ago; where that cannot be said, it goes early.
                let _ = touch(&entry.file, now);
                Some(entry)
            }
            Err(error) => {
                tracing::warn!(entry = %path.display(), %error, "removed a damaged entry; it will be made anew");
                let _ = std::fs::remove_file(&path);
                None
            }
        }
    }

    /// Makes an entry of a tar file as it comes out of a container, of what may be below those directories. It is kept under a key where that
    /// is possible; where not, only this run has it. It blocks.
    pub(crate) fn keep(
        &self,
        key: &Key,
        (archive, dirs): (impl Read, &[String]),
        now: Timestamp,
    ) -> Result<Entry, SiftError> {
        let encoder = self.draft().map_err(SiftError::Kept)?;
        let (encoder, names) = sift(archive, encoder, dirs)?;
        let draft = finished(encoder, now).map_err(SiftError::Kept)?;
        let file = match draft.persist(self.path(key)) {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!(error = %error.error, "did not keep what a prerequisite installed");
                error.file.into_file()
            }
        };
        if let Err(error) = make_room(&self.dir, 0, self.max_bytes) {
            tracing::debug!(%error, dir = %self.dir.display(), "could not make room for what prerequisites installed");
        }
        Ok(Entry { file, names })
    }

    /// Begins an entry, which leaves nothing behind unless it is kept.
    fn draft(&self) -> io::Result<Draft> {
        std::fs::create_dir_all(&self.dir)?;
        let mut file = NamedTempFile::with_prefix_in(".draft-", &self.dir)?;
        file.write_all(&[0; DIGEST_BYTES])?;
        zstd::Encoder::new(Hashing { inner: file, hasher: Sha256::new() }, COMPRESSION)
    }

    /// Whether there is an entry, of which it is not known yet whether it is whole.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.path(key).exists()
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.dir.join(format!("{}.tar.zst", key.0))
    }
}

type Draft = zstd::Encoder<'static, Hashing<NamedTempFile>>;

fn finished(draft: Draft, now: Timestamp) -> io::Result<NamedTempFile> {
    let Hashing { inner: mut file, hasher } = draft.finish()?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&hasher.finalize())?;
    touch(file.as_file(), now)?;
    Ok(file)
}

/// What one prerequisite installed.
#[derive(Debug)]
pub(crate) struct Entry {
    file: File,
    /// The names of its files and links, without the slash at their beginning.
    names: BTreeSet<PathBuf>,
}

impl Entry {
    fn of(file: File) -> io::Result<Self> {
        let mut entry = Self { file, names: BTreeSet::new() };
        let mut archive = tar::Archive::new(entry.archive()?);
        for found in archive.entries()? {
            entry.names.insert(found?.path()?.into_owned());
        }
        Ok(entry)
    }

    /// As a tar file, from its beginning; one at a time, as they share the place where they read. It never lies on a disk as a whole.
    pub(crate) fn archive(&self) -> io::Result<impl Read + Send + 'static> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(DIGEST_BYTES as u64))?;
        // Headers and padding of a sifted file may come to more than those of the one that came.
        Ok(zstd::Decoder::new(BufReader::new(file))?.take(2 * MAX_ENTRY_BYTES))
    }

    /// Whether it has a file or link of that name.
    pub(crate) fn has(&self, name: &Path) -> bool {
        self.names.contains(name)
    }

    /// The names of its files and links.
    pub(crate) fn names(&self) -> &BTreeSet<PathBuf> {
        &self.names
    }
}

/// Digests what is written.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Compares an entry's digest; nothing of it is used before.
fn checked(mut file: &File) -> io::Result<()> {
    let mut expected = [0; DIGEST_BYTES];
    file.read_exact(&mut expected)?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher)?;
    if hasher.finalize()[..] != expected {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its digest is another one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
