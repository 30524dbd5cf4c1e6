//! Registries on disk, such as a mirror kept by rsync and named by a `file:` address.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use tokio::fs;
use tokio::io::AsyncReadExt;
use url::Url;

use crate::error::{Error, Result};
use crate::fetch::{Fetched, Validators};

/// More entries of one directory are not read.
const MAX_ENTRIES: usize = 1_000_000;

/// The directory of a registry.
pub(crate) struct Files {
    root: PathBuf,
}

impl Files {
    pub(crate) fn new(base: &Url) -> Result<Self> {
        let why = "a file: address has to name a directory of this machine, as in file:///srv/pgxn";
        let root = base.to_file_path().map_err(|()| Error::Address { address: base.to_string(), why })?;
        Ok(Self { root })
    }

    /// Where a document is; none for an address that leaves the registry's directory.
    fn path(&self, url: &Url) -> Option<PathBuf> {
        let path = url.to_file_path().ok()?;
        let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        (plain && path.starts_with(&self.root)).then_some(path)
    }

    /// One document.
    pub(crate) async fn document(&self, url: &Url, seen: &Validators, limit: u64) -> Result<Fetched> {
        let Some((path, file, metadata)) = self.open(url).await? else { return Ok(Fetched::Missing) };
        let validators = validators(&metadata);
        if validators.etag.is_some() && validators.etag == seen.etag {
            return Ok(Fetched::Unchanged);
        }
        let mut bytes = Vec::new();
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes).await;
        read.map_err(|source| Error::File { path, act: "read", source })?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { url: url.clone(), limit });
        }
        Ok(Fetched::Body { bytes, validators })
    }

    /// Opens a regular file; none where there is no such thing. A pipe or device is no document: reading it might never end.
    pub(crate) async fn open(&self, url: &Url) -> Result<Option<(PathBuf, fs::File, std::fs::Metadata)>> {
        let Some(path) = self.path(url) else { return Ok(None) };
        let failed = |source| Error::File { path: path.clone(), act: "read", source };
        match fs::metadata(&path).await {
            Ok(metadata) if metadata.is_file() => {
                let file = fs::File::open(&path).await.map_err(failed)?;
                Ok(Some((path, file, metadata)))
            }
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// The names of the `.json` files of a directory, without that suffix, in order.
    pub(crate) async fn names(&self, directory: &str) -> Result<Vec<String>> {
        let path = self.root.join(directory.trim_matches('/'));
        let failed = |source| Error::File { path: path.clone(), act: "listed", source };
        let mut entries = match fs::read_dir(&path).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            let name = entry.file_name();
            let name = Path::new(&name);
            if name.extension().is_some_and(|extension| extension == "json") && names.len() < MAX_ENTRIES {
                names.extend(name.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Size and time of change stand for an `ETag`.
fn validators(metadata: &std::fs::Metadata) -> Validators {
    let Ok(modified) = metadata.modified() else { return Validators::default() };
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Validators {
        etag: Some(format!("\"{}-{}\"", metadata.len(), since.as_nanos())),
        last_modified: Some(httpdate::fmt_http_date(modified)),
    }
}
