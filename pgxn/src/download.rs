//! Fetches an archive to a file, digesting it on the way, and lets nothing pass that is not what META.json states.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use protocol::{Name, Release, Version};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use tempfile::{NamedTempFile, TempPath};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use crate::error::{Error, Result};
use crate::files::Files;
use crate::http::Http;
use crate::memory::Memory;
use crate::meta::MetaError;
use crate::origin::Transport;
use crate::registry::Registry;
use crate::retry::{Attempts, Failure};

/// An archive on disk whose SHA-1 is the one that META.json states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-1, 40 lower-case hexadecimal digits.
    pub sha1: String,
    /// Its SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// What was written, before it has its name.
struct Written {
    file: TempPath,
    sha1: String,
    sha256: String,
    bytes: u64,
}

impl Registry {
    /// Fetches the archive of a release into `dir`, under the registry's name for it, and holds it against the release's META.json.
    ///
    /// A file that is there already is neither replaced nor removed; what this wrote and could not use is.
    pub async fn download(&self, dist: &Name, version: &Version, dir: &Path) -> Result<Archive> {
        let url = self.meta_url(dist, version)?;
        let meta = self.meta(dist, version).await?.ok_or_else(|| Error::Missing { url: url.clone() })?;
        let sha1 = meta.sha1.ok_or(Error::Meta { url, source: Box::new(MetaError::Missing { field: "sha1" }) })?;
        self.fetch_archive(dist, version, &sha1, dir).await
    }

    /// The same for a release whose SHA-1 is known: an archive that was replaced since is refused.
    pub async fn download_release(&self, release: &Release, dir: &Path) -> Result<Archive> {
        self.fetch_archive(&release.dist, &release.version, &release.sha1, dir).await
    }

    /// The same for whoever knows the SHA-1 that META.json states.
    ///
    /// Fetches once more when the digest differs: users have met mismatches that did not come again.
    pub async fn fetch_archive(&self, dist: &Name, version: &Version, expected: &str, dir: &Path) -> Result<Archive> {
        let url = self.download_url(dist, version)?;
        let mut written = self.fetch_once(&url, false, dir).await?;
        if !written.sha1.eq_ignore_ascii_case(expected) {
            tracing::debug!(%url, actual = written.sha1, expected, "fetching the archive again");
            written = self.fetch_once(&url, true, dir).await?;
        }
        if !written.sha1.eq_ignore_ascii_case(expected) {
            return Err(Error::Digest { url, actual: written.sha1.into(), expected: expected.into() });
        }
        let path = dir.join(format!("{}-{}.zip", dist.key(), version.as_str().to_lowercase()));
        let Written { file, sha1, sha256, bytes } = written;
        file.persist_noclobber(&path).map_err(|error| Error::File {
            path: path.clone(),
            act: "written",
            source: error.error,
        })?;
        Ok(Archive { path, sha1, sha256, bytes })
    }

    async fn fetch_once(&self, url: &Url, fresh: bool, dir: &Path) -> Result<Written> {
        let limit = self.inner.origin.options().max_archive_bytes;
        match self.inner.origin.transport() {
            Transport::Files(files) => copy(files, url, limit, dir).await,
            Transport::Http(http) => {
                if http.options.memory.as_ref().is_some_and(Memory::is_offline) {
                    return Err(Error::Offline { url: url.clone() });
                }
                let mut attempts = Attempts::new(&http.options);
                loop {
                    match stream(http, url, fresh, dir).await {
                        Ok(written) => return Ok(written),
                        Err(failure) => attempts.after(failure).await?,
                    }
                }
            }
        }
    }
}

async fn stream(http: &Http, url: &Url, fresh: bool, dir: &Path) -> Result<Written, Failure> {
    let (request, mut response) = http.archive(url, fresh).await?;
    let mut sink = Sink::create(url, http.options.max_archive_bytes, dir)?;
    while let Some(chunk) = response.chunk().await.map_err(|error| request.failed(error))? {
        sink.write(&chunk).await?;
    }
    Ok(sink.finish().await?)
}

async fn copy(files: &Files, url: &Url, limit: u64, dir: &Path) -> Result<Written> {
    let (path, mut file, _) = files.open(url).await?.ok_or_else(|| Error::Missing { url: url.clone() })?;
    let mut sink = Sink::create(url, limit, dir)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).await;
        let count = read.map_err(|source| Error::File { path: path.clone(), act: "read", source })?;
        if count == 0 {
            return sink.finish().await;
        }
        sink.write(&Bytes::copy_from_slice(&buffer[..count])).await?;
    }
}

/// A file being written, which goes away unless it is finished and named.
struct Sink<'a> {
    url: &'a Url,
    limit: u64,
    path: TempPath,
    file: File,
    sha1: Sha1,
    sha256: Sha256,
    bytes: u64,
}

impl<'a> Sink<'a> {
    fn create(url: &'a Url, limit: u64, dir: &Path) -> Result<Self> {
        let created = NamedTempFile::with_prefix_in(".fetch-", dir);
        let created = created.map_err(|source| Error::File { path: dir.to_owned(), act: "written", source })?;
        let (file, path) = created.into_parts();
        let file = File::from_std(file);
        Ok(Self { url, limit, path, file, sha1: Sha1::new(), sha256: Sha256::new(), bytes: 0 })
    }

    async fn write(&mut self, chunk: &Bytes) -> Result<()> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.limit {
            return Err(Error::TooLarge { url: self.url.clone(), limit: self.limit });
        }
        self.sha1.update(chunk);
        self.sha256.update(chunk);
        let written = self.file.write_all(chunk).await;
        written.map_err(|source| Error::File { path: self.path.to_path_buf(), act: "written", source })
    }

    async fn finish(mut self) -> Result<Written> {
        // A tokio file reports a failed write at the next call only.
        let flushed = self.file.flush().await;
        flushed.map_err(|source| Error::File { path: self.path.to_path_buf(), act: "written", source })?;
        Ok(Written {
            file: self.path,
            sha1: hex::encode(self.sha1.finalize()),
            sha256: hex::encode(self.sha256.finalize()),
            bytes: self.bytes,
        })
    }
}
