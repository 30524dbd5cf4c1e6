//! What is kept of the registry: a file per document in one directory, within a bound.
//!
//! A file is a line of JSON, the [`Head`], and the document after it, so that both are replaced by one rename. Its time of modification is when the
//! registry last said that it is as it is. When there is too much, what was not used for longest goes; the order is kept in memory, and begins
//! with those times.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lru::LruCache;
use pgxn::Validators;
use protocol::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, Result};

/// Documents up to this size are read into memory; larger ones are streamed.
const IN_MEMORY: u64 = 1024 * 1024;
/// A head is no longer than this.
const MAX_HEAD: u64 = 64 * 1024;
/// Files and directories that were being written when the program ended begin with this.
const UNFINISHED: &str = ".part-";

/// What is known of a kept document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Its address, which tells it from another of the same file name.
    pub(crate) address: String,
    /// What the registry is asked with the next time.
    pub(crate) validators: Validators,
    /// An archive's digest, which its META.json states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha1: Option<String>,
    /// Its size.
    pub(crate) bytes: u64,
    /// The SHA-256 of the document, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// A document as it is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) head: Head,
    /// When the registry last said that it is as it is.
    pub(crate) checked_at: Timestamp,
    pub(crate) content: Content,
}

/// Its bytes.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    /// An open file, at the document's first byte: it can be read on though the cache drops it.
    File(File),
}

/// A bounded directory of documents. Clones share it.
#[derive(Clone)]
pub(crate) struct Cache(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    limit: u64,
    order: Mutex<Order>,
}

struct Order {
    /// The sizes of files by their names, in the order of use.
    files: LruCache<String, u64>,
    bytes: u64,
}

impl Cache {
    /// Opens a directory, which is made if need be, with what an earlier process has left in it.
    pub(crate) fn open(dir: &Path, limit: u64) -> Result<Self> {
        fs::create_dir_all(dir).map_err(Error::disk(dir, "made"))?;
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).map_err(Error::disk(dir, "listed"))? {
            let entry = entry.map_err(Error::disk(dir, "listed"))?;
            let metadata = entry.metadata().map_err(Error::disk(entry.path(), "read"))?;
            match entry.file_name().into_string() {
                Ok(name) if metadata.is_file() && !name.starts_with(UNFINISHED) => {
                    found.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), name, metadata.len()));
                }
                _ if metadata.is_file() => {
                    fs::remove_file(entry.path()).map_err(Error::disk(entry.path(), "removed"))?;
                }
                // The archive that a killed process was fetching.
                Ok(name) if name.starts_with(UNFINISHED) => {
                    fs::remove_dir_all(entry.path()).map_err(Error::disk(entry.path(), "removed"))?;
                }
                _ => {}
            }
        }
        found.sort_unstable();
        let mut order = Order { files: LruCache::unbounded(), bytes: 0 };
        for (_, name, bytes) in found {
            order.files.put(name, bytes);
            order.bytes += bytes;
        }
        let cache = Self(Arc::new(Inner { dir: dir.to_owned(), limit, order: Mutex::new(order) }));
        cache.0.evict();
        Ok(cache)
    }

    /// What is kept under an address; none where nothing is, or nothing that can be read whole.
    pub(crate) async fn get(&self, address: &str) -> Option<Kept> {
        let asked = address.to_owned();
        let found = self.blocking(move |inner| inner.get(&asked)).await;
        found.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, address, "what is kept cannot be read");
            None
        })
    }

    /// Keeps a document. Where that fails, as on a full disk, it is given all the same.
    pub(crate) async fn put(&self, address: &str, validators: Validators, body: Bytes, now: Timestamp) -> Kept {
        let sha256 = hex::encode(Sha256::digest(&body));
        let head = Head { address: address.to_owned(), validators, sha1: None, bytes: body.len() as u64, sha256 };
        let (kept, content) = (head.clone(), body.clone());
        self.keep(move |inner| inner.write(&head, &mut &body[..], now)).await;
        Kept { head: kept, checked_at: now, content: Content::Bytes(content) }
    }

    /// Keeps an archive that was fetched to a file, and gives it from there.
    pub(crate) async fn put_archive(&self, address: &str, archive: pgxn::Archive, now: Timestamp) -> Result<Kept> {
        let file = File::open(&archive.path).map_err(Error::disk(&archive.path, "read"))?;
        let (sha1, sha256) = (Some(archive.sha1), archive.sha256);
        let validators = Validators::default();
        let head = Head { address: address.to_owned(), validators, sha1, bytes: archive.bytes, sha256 };
        let kept = head.clone();
        let path = archive.path;
        self.keep(move |inner| {
            let mut file = File::open(&path).map_err(Error::disk(&path, "read"))?;
            inner.write(&head, &mut file, now)
        })
        .await;
        Ok(Kept { head: kept, checked_at: now, content: Content::File(file) })
    }

    async fn keep(&self, write: impl FnOnce(&Inner) -> Result<()> + Send + 'static) {
        if let Err(error) = self.blocking(write).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a document of the registry cannot be kept");
        }
    }

    /// The registry said once more that a document is as it is.
    pub(crate) async fn touch(&self, address: &str, now: Timestamp) {
        let path = self.0.path(&name(address));
        self.keep(move |_| {
            let file = File::options().append(true).open(&path).map_err(Error::disk(&path, "opened"))?;
            file.set_modified(system_time(now)).map_err(Error::disk(&path, "written"))
        })
        .await;
    }

    /// Forgets a document.
    pub(crate) async fn remove(&self, address: &str) {
        let name = name(address);
        let forgotten = self.blocking(move |inner| inner.remove(&name)).await;
        if let Err(error) = forgotten {
            tracing::warn!(error = &error as &dyn std::error::Error, "a document cannot be forgotten");
        }
    }

    /// A directory for an archive that is being fetched; it goes with what it holds, and at the next start if this process is killed.
    pub(crate) fn scratch(&self) -> Result<TempDir> {
        tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.0.dir).map_err(Error::disk(&self.0.dir, "written"))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = Arc::clone(&self.0);
        let dir = inner.dir.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(Error::disk(dir, "used")(std::io::Error::other(error))))
    }
}

impl Inner {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, address: &str) -> Result<Option<Kept>> {
        let name = name(address);
        if self.order().files.get(&name).is_none() {
            return Ok(None);
        }
        let path = self.path(&name);
        let kept = read(&path, address).map_err(Error::disk(&path, "read"))?;
        if kept.is_none() {
            tracing::warn!(address, "what was kept is not whole, and is forgotten");
            self.remove(&name)?;
        }
        Ok(kept)
    }

    fn write(&self, head: &Head, body: &mut dyn Read, now: Timestamp) -> Result<()> {
        let name = name(&head.address);
        let path = self.path(&name);
        let failed = |error| Error::disk(&path, "written")(error);
        let mut file = NamedTempFile::with_prefix_in(UNFINISHED, &self.dir).map_err(failed)?;
        let line = serde_json::to_vec(head).map_err(|error| failed(error.into()))?;
        file.write_all(&line).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        let body = std::io::copy(body, file.as_file_mut()).map_err(failed)?;
        file.as_file().set_modified(system_time(now)).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        let bytes = line.len() as u64 + 1 + body;
        let mut order = self.order();
        let before = order.files.put(name, bytes).unwrap_or(0);
        order.bytes = order.bytes + bytes - before;
        drop(order);
        self.evict();
        Ok(())
    }

    /// Drops what was not used for longest until all that is left fits. The last one stays, however large it is.
    fn evict(&self) {
        loop {
            let mut order = self.order();
            if order.bytes <= self.limit || order.files.len() <= 1 {
                return;
            }
            let Some((name, bytes)) = order.files.pop_lru() else { return };
            order.bytes -= bytes;
            drop(order);
            if let Err(error) = fs::remove_file(self.path(&name)) {
                tracing::warn!(error = &error as &dyn std::error::Error, name, "a document cannot be forgotten");
            }
        }
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut order = self.order();
        let Some(bytes) = order.files.pop(name) else { return Ok(()) };
        order.bytes -= bytes;
        drop(order);
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::disk(path, "removed")(error)),
            _ => Ok(()),
        }
    }
}

/// The name of the file that holds an address's document.
fn name(address: &str) -> String {
    hex::encode(Sha256::digest(address))
}

fn read(path: &Path, address: &str) -> std::io::Result<Option<Kept>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let length = (&mut reader).take(MAX_HEAD).read_until(b'\n', &mut line)? as u64;
    let Ok(head) = serde_json::from_slice::<Head>(&line) else { return Ok(None) };
    if head.address != address || metadata.len() != length + head.bytes {
        return Ok(None);
    }
    let checked_at = timestamp(metadata.modified()?);
    if head.bytes > IN_MEMORY {
        let mut file = reader.into_inner();
        file.seek(SeekFrom::Start(length))?;
        return Ok(Some(Kept { head, checked_at, content: Content::File(file) }));
    }
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    if hex::encode(Sha256::digest(&body)) != head.sha256 {
        return Ok(None);
    }
    Ok(Some(Kept { head, checked_at, content: Content::Bytes(body.into()) }))
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0))
}

fn timestamp(at: SystemTime) -> Timestamp {
    let millis = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
