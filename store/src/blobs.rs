//! Blobs: the files of runs, as zstd objects `runs/<run id>/<name>.zst` in a directory or another object store.
//!
//! They arrive compressed and are served compressed; they are only decompressed here to check them, and for readers that cannot. An
//! object is written whole or not at all, and reaches the disk before its upload is answered.
//!
//! S3 is not built in yet: the `aws` feature of the object store brings a second HTTP client, and belongs to the issue that lets a farm grow.

use std::io::Read;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use protocol::{MAX_FILE_BYTES, RunId, is_file_name};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// A window larger than a whole file is of no use but to take memory: 2^23 bytes.
const MAX_WINDOW_LOG: u32 = 23;

/// Where blobs are.
#[derive(Clone, Debug)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
}

/// A stored file, as it is without compression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// The SHA-256 of its plain bytes, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The number of its plain bytes.
    pub bytes: u64,
}

impl Blob {
    fn of(plain: &[u8]) -> Self {
        Self { sha256: hex::encode(Sha256::digest(plain)), bytes: plain.len() as u64 }
    }
}

impl Blobs {
    /// Opens a directory (a path, or `file:///path`), which is made where it is missing.
    pub fn open(place: &str) -> Result<Self> {
        let refuse = |why: &str| Err(Error::BlobAddress { url: place.into(), why: why.into() });
        let path = match place.split_once("://") {
            None => place,
            Some(("file", path)) if path.starts_with('/') => path,
            Some(("s3", _)) => return refuse("S3 is not supported yet; name a directory"),
            Some(_) => return refuse("expected a directory"),
        };
        if path.is_empty() {
            return refuse("expected a directory");
        }
        Self::in_directory(FilePath::new(path))
    }

    fn in_directory(path: &FilePath) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let local = LocalFileSystem::new_with_prefix(path)
            .map_err(|source| Error::Object { key: path.display().to_string(), source })?;
        Ok(Self { objects: Arc::new(local.with_fsync(true)) })
    }

    /// Stores a file of a run from its zstd bytes, after they proved to decompress within [`MAX_FILE_BYTES`].
    ///
    /// The same name again replaces it, as a runner that got no answer sends again.
    pub async fn put(&self, run: RunId, name: &str, zstd: Bytes) -> Result<Blob> {
        let key = key(run, name)?;
        if zstd.len() > MAX_FILE_BYTES {
            return Err(Error::BlobTooLarge { name: name.into(), limit: MAX_FILE_BYTES });
        }
        let blob = self.apart(name, zstd.clone(), |plain| Blob::of(&plain)).await?;
        let failed = |source| Error::Object { key: key.to_string(), source };
        self.objects.put(&key, zstd.into()).await.map_err(failed)?;
        Ok(blob)
    }

    /// The plain bytes of a file; none where there is no such file.
    pub async fn plain(&self, run: RunId, name: &str) -> Result<Option<Bytes>> {
        let Some(zstd) = self.compressed(run, name).await? else { return Ok(None) };
        self.apart(name, zstd, Bytes::from).await.map(Some)
    }

    /// What a file is without compression; none where there is no such file.
    pub async fn look(&self, run: RunId, name: &str) -> Result<Option<Blob>> {
        let Some(zstd) = self.compressed(run, name).await? else { return Ok(None) };
        self.apart(name, zstd, |plain| Blob::of(&plain)).await.map(Some)
    }

    /// The zstd bytes of a file, to be served with `Content-Encoding: zstd`; none where there is no such file.
    pub async fn compressed(&self, run: RunId, name: &str) -> Result<Option<Bytes>> {
        let Ok(key) = key(run, name) else { return Ok(None) };
        let failed = |source| Error::Object { key: key.to_string(), source };
        match self.objects.get(&key).await {
            Ok(object) => object.bytes().await.map(Some).map_err(failed),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// Removes every file of a run: one that lost its lease will not report them.
    pub async fn remove(&self, run: RunId) -> Result<()> {
        let dir = Path::from(format!("runs/{run}"));
        let failed = |source| Error::Object { key: dir.to_string(), source };
        // A run has no directories below its own.
        for object in self.objects.list_with_delimiter(Some(&dir)).await.map_err(failed)?.objects {
            match self.objects.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(failed(source)),
            }
        }
        Ok(())
    }

    /// Whether a run has a file of that name, without reading it.
    pub async fn exists(&self, run: RunId, name: &str) -> Result<bool> {
        let Ok(key) = key(run, name) else { return Ok(false) };
        match self.objects.head(&key).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(Error::Object { key: key.to_string(), source }),
        }
    }

    /// Decompresses, and does something with the plain bytes, on a thread that may block: each takes some ten milliseconds for a full file.
    async fn apart<T: Send + 'static>(
        &self,
        name: &str,
        zstd: Bytes,
        act: impl FnOnce(Vec<u8>) -> T + Send + 'static,
    ) -> Result<T> {
        let owned = name.to_owned();
        let task = tokio::task::spawn_blocking(move || decompress(&owned, &zstd).map(act));
        task.await.map_err(|error| Error::BlobInvalid { name: name.into(), why: error.to_string() })?
    }
}

/// The key of a file, whose name is one that a report may give to it.
fn key(run: RunId, name: &str) -> Result<Path> {
    if is_file_name(name) {
        return Ok(Path::from(format!("runs/{run}/{name}.zst")));
    }
    let shown: String = name.chars().take(40).collect();
    Err(Error::BlobInvalid { name: shown, why: "its name may hold letters, digits, `.`, `_` and `-` only".into() })
}

fn decompress(name: &str, zstd: &[u8]) -> Result<Vec<u8>> {
    let invalid =
        |error: std::io::Error| Error::BlobInvalid { name: name.into(), why: format!("it is not zstd: {error}") };
    let mut decoder = zstd::Decoder::new(zstd).map_err(invalid)?;
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(invalid)?;
    let mut plain = Vec::new();
    decoder.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut plain).map_err(invalid)?;
    if plain.len() > MAX_FILE_BYTES {
        return Err(Error::BlobTooLarge { name: name.into(), limit: MAX_FILE_BYTES });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests;
