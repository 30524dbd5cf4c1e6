//! What distributions say of themselves: README and documents, out of their archives, rendered once and kept for a while.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use markup::{Format, Place};
use pgxn::archive::Contents;
use protocol::{Name, Version};
use serde::Serialize;

use crate::fault::Fault;
use crate::{Dashboard, address};

/// So many releases' documents are kept rendered.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("it is more than none");
/// More documents are not listed.
const MOST: usize = 200;

/// What a release's archive holds for readers.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    /// Its README.
    pub readme: Option<Leaf>,
    /// Its documents, by path; the README is not among them.
    pub documents: Vec<Title>,
    /// Every file, with its size.
    pub files: Vec<(String, u64)>,
}

/// A document.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Its file.
    pub path: String,
    /// Sanitised.
    pub html: String,
}

/// A document in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Title {
    /// Its path without the end of its name, as addresses have it.
    pub docpath: String,
    /// Its file.
    pub path: String,
}

/// The documents of releases that were looked at last, by the SHA-1 of their archives.
pub(crate) struct Shelf(Mutex<LruCache<String, Arc<Leaves>>>);

impl Default for Shelf {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

/// Why a release's documents cannot be shown now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The archive is on its way.
    Coming,
    /// The registry does not have it, or not as it should be, or does not answer.
    Gone,
}

/// The documents of a release.
pub(crate) async fn of(
    dashboard: &Dashboard,
    dist: &Name,
    version: &Version,
    sha1: &str,
) -> Result<Arc<Leaves>, Absent> {
    if let Some(leaves) = dashboard.shelf().get(sha1) {
        return Ok(leaves);
    }
    let (of, mut contents) = open(dashboard, dist, version).await?;
    let files_at = address::source(dist, version);
    let leaves = tokio::task::spawn_blocking(move || read(&mut contents, &files_at)).await;
    let leaves = Arc::new(leaves.unwrap_or_default());
    dashboard.shelf().put(of, Arc::clone(&leaves));
    Ok(leaves)
}

/// One file of a release, of at most `limit` bytes.
pub(crate) async fn file(
    dashboard: &Dashboard,
    (dist, version): (&Name, &Version),
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, Absent> {
    let (_, mut contents) = open(dashboard, dist, version).await?;
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || contents.read(&path, limit)).await;
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        _ => Err(Absent::Gone),
    }
}

async fn open(dashboard: &Dashboard, dist: &Name, version: &Version) -> Result<(String, Contents), Absent> {
    let documents = dashboard.documents();
    // Where a page does not wait for an archive that is not kept yet, it is fetched all the same.
    match tokio::time::timeout(documents.patience(), documents.contents(dist, version)).await {
        Err(_) => Err(Absent::Coming),
        Ok(Ok(Some(found))) => Ok(found),
        Ok(Ok(None)) => Err(Absent::Gone),
        Ok(Err(error)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, %dist, %version, "no documents");
            Err(Absent::Gone)
        }
    }
}

fn read(contents: &mut Contents, files_at: &str) -> Leaves {
    let files: Vec<(String, u64)> = contents.files().iter().map(|file| (file.path.clone(), file.bytes)).collect();
    let name = files.iter().map(|(path, _)| path).filter(|path| is_readme(path)).min_by_key(|path| path.len()).cloned();
    let readme = name.and_then(|path| {
        let bytes = contents.read(&path, markup::MAX_BYTES as u64).ok().flatten()?;
        let place = Place { files: files_at.to_owned(), path: path.clone() };
        let html = markup::render(&String::from_utf8_lossy(&bytes), Format::of(&path), &place);
        Some(Leaf { path, html })
    });
    let title = |(path, _): &(String, u64)| {
        let docpath = Format::document(path)?.to_owned();
        (!is_readme(path)).then(|| Title { docpath, path: path.clone() })
    };
    Leaves { readme, documents: files.iter().filter_map(title).take(MOST).collect(), files }
}

/// `README` or `README.*` at the top, in any case.
fn is_readme(path: &str) -> bool {
    let path = path.to_lowercase();
    !path.contains('/') && (path == "readme" || path.starts_with("readme."))
}

impl Shelf {
    fn get(&self, sha1: &str) -> Option<Arc<Leaves>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sha1).cloned()
    }

    fn put(&self, sha1: String, leaves: Arc<Leaves>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(sha1, leaves);
    }
}

impl Absent {
    /// What a page says in the place of documents.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Coming => "The archive is being fetched; its documents will be here in a moment.",
            Self::Gone => "The archive cannot be had from the registry now, and so its documents cannot be shown.",
        }
    }
}

impl From<Absent> for Fault {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Coming => Self::Coming { sentence: absent.sentence() },
            Absent::Gone => Self::missing(absent.sentence()),
        }
    }
}
