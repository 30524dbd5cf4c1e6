//! What prerequisites installed is kept, so that the next run on the same image only copies it in.
//!
//! An entry is a tar file of what one prerequisite wrote into the server's directories. Its key is a chain: over the release, its digest, the
//! image, and the key of whatever was installed in the same sandbox before it. So an entry is used only where everything that could have
//! had a hand in it is used, too: a hostile prerequisite can poison what depends on it, as it could anyway, and nothing else. The entry is
//! made before anything of the distribution under test is in the sandbox, and what it holds is unpacked in a sandbox only.
//!
//! Entries are written under another name and renamed, so that runners which share a directory meet whole ones only. Each begins with the
//! digest of the rest: one that is damaged is removed and made anew. The ones used last are kept.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use protocol::{Release, Timestamp};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::kept::{make_room, touch};

/// Changes with the way in which prerequisites are built or kept.
const FORMAT: &str = "pgxn-testers prerequisite 1";
/// The entries may have so many bytes in all.
const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// What one prerequisite installs may have so many bytes; more is not kept.
const MAX_ENTRY_BYTES: u64 = 512 * 1024 * 1024;
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

    /// An entry as a tar file, if it is there and whole. It blocks: call it from a thread that may.
    pub(crate) fn find(&self, key: &Key, now: Timestamp) -> Option<File> {
        let path = self.path(key);
        let entry = File::open(&path).ok()?;
        match self.unpacked(&entry) {
            Ok(archive) => {
                // Whoever makes room takes away what was used longest ago; where that cannot be said, it goes early.
                let _ = touch(&entry, now);
                Some(archive)
            }
            Err(error) => {
                tracing::warn!(entry = %path.display(), %error, "removed a damaged entry; it will be made anew");
                let _ = std::fs::remove_file(&path);
                None
            }
        }
    }

    /// Begins an entry.
    pub(crate) fn draft(&self) -> io::Result<Draft> {
        std::fs::create_dir_all(&self.dir)?;
        let mut file = NamedTempFile::with_prefix_in(".draft-", &self.dir)?;
        file.write_all(&[0; DIGEST_BYTES])?;
        let sink = Hashing { inner: file, hasher: Sha256::new() };
        Ok(Draft { encoder: zstd::Encoder::new(sink, COMPRESSION)?, bytes: 0 })
    }

    /// Keeps a draft that is complete, under a key, and makes room for it.
    pub(crate) fn keep(&self, key: &Key, draft: Draft, now: Timestamp) -> io::Result<()> {
        let Hashing { inner: mut file, hasher } = draft.encoder.finish()?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&hasher.finalize())?;
        touch(file.as_file(), now)?;
        file.persist(self.path(key)).map_err(|error| error.error)?;
        make_room(&self.dir, 0, self.max_bytes)
    }

    /// Whether there is an entry, of which it is not known yet whether it is whole.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.path(key).exists()
    }

    /// The tar file of an entry, in a file without a name beside it; nothing of it is used before the digest was compared.
    fn unpacked(&self, mut entry: &File) -> io::Result<File> {
        let mut expected = [0; DIGEST_BYTES];
        entry.read_exact(&mut expected)?;
        let mut hasher = Sha256::new();
        io::copy(&mut entry, &mut hasher)?;
        if hasher.finalize()[..] != expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its digest is another one"));
        }
        entry.seek(SeekFrom::Start(DIGEST_BYTES as u64))?;
        let mut archive = tempfile::tempfile_in(&self.dir)?;
        let mut decoder = zstd::Decoder::new(BufReader::new(entry))?.take(MAX_ENTRY_BYTES + 1);
        if io::copy(&mut decoder, &mut archive)? > MAX_ENTRY_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        archive.rewind()?;
        Ok(archive)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.dir.join(format!("{}.tar.zst", key.0))
    }
}

/// An entry in the making, which leaves nothing behind unless it is kept.
pub(crate) struct Draft {
    encoder: zstd::Encoder<'static, Hashing<NamedTempFile>>,
    bytes: u64,
}

impl Draft {
    /// Adds a piece of the tar file; the error is also that it gets too large.
    pub(crate) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.bytes += piece.len() as u64;
        if self.bytes > MAX_ENTRY_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.encoder.write_all(piece)
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

#[cfg(test)]
mod tests;
