//! What distributions say of themselves: README, documents, changes and licence, out of their archives, rendered once and kept for a while.

use std::collections::BTreeMap;
use std::sync::Arc;

use markup::{Document, Format, Place, Role};
use pgxn::archive::Contents;
use protocol::{Name, Version};
use serde::Serialize;
use store::releases::StoredRelease;

use crate::fault::Fault;
use crate::kept::Kept;
use crate::{Dashboard, address};

/// So many bytes are kept of what archives hold, and so many of documents that are rendered.
const KEPT: usize = 6 << 20;
/// More documents are not listed.
const MOST: usize = 200;
/// The level of the highest heading of a README, which has a heading on its distribution's page, and of a document on a page of its own.
const README_LEVEL: u8 = 3;
const LEVEL: u8 = 2;

/// What a release's archive holds for readers.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    /// Its README.
    pub readme: Option<Leaf>,
    /// Its documents, by role and path; the README is among them.
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
    pub document: Document,
}

/// A document in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Title {
    /// What it is to readers.
    #[serde(skip)]
    pub role: Role,
    /// Its path without the end of its name, as addresses have it.
    pub docpath: String,
    /// Its file.
    pub path: String,
}

/// What was read lately, by the SHA-1 of archives and the paths in them.
pub(crate) struct Shelf {
    releases: Kept<String, Leaves>,
    documents: Kept<(String, String), Leaf>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { releases: Kept::new(KEPT), documents: Kept::new(KEPT) }
    }
}

impl Shelf {
    /// Whether a release has a document, where that is known without looking into its archive.
    pub(crate) fn has(&self, sha1: &str, docpath: &str) -> Option<bool> {
        self.releases.get(&sha1.to_owned()).map(|leaves| find(&leaves.files, docpath).is_some())
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
    if let Some(leaves) = dashboard.shelf().releases.get(&sha1.to_owned()) {
        return Ok(leaves);
    }
    let (of, mut contents) = open(dashboard, dist, version).await?;
    let at = (address::source(dist, version), address::release(dist, version));
    let leaves = tokio::task::spawn_blocking(move || read(&mut contents, at)).await;
    let leaves = Arc::new(leaves.unwrap_or_default());
    dashboard.shelf().releases.put(of, Arc::clone(&leaves), leaves.bytes());
    Ok(leaves)
}

/// A document of a release, rendered; none where there is no such document.
pub(crate) async fn document(
    dashboard: &Dashboard,
    stored: &StoredRelease,
    docpath: &str,
) -> Result<Option<Arc<Leaf>>, Absent> {
    let (dist, version, sha1) = (&stored.release.dist, &stored.release.version, &stored.release.sha1);
    let leaves = of(dashboard, dist, version, sha1).await?;
    let Some(path) = find(&leaves.files, docpath) else { return Ok(None) };
    let shelf = &dashboard.shelf().documents;
    if let Some(leaf) = shelf.get(&(sha1.clone(), path.to_owned())) {
        return Ok(Some(leaf));
    }
    let (of, mut contents) = open(dashboard, dist, version).await?;
    let at = (address::source(dist, version), address::release(dist, version));
    let key = (of, path.to_owned());
    let path = path.to_owned();
    let rendered = tokio::task::spawn_blocking(move || render(&mut contents, &path, at, LEVEL)).await;
    let leaf = Arc::new(rendered.ok().flatten().ok_or(Absent::Gone)?);
    shelf.put(key, Arc::clone(&leaf), leaf.document.html.len() + 1024);
    Ok(Some(leaf))
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

fn read(contents: &mut Contents, at: (String, String)) -> Leaves {
    let files: Vec<(String, u64)> = contents.files().iter().map(|file| (file.path.clone(), file.bytes)).collect();
    let documents = titles(&files);
    let name = documents.iter().find(|title| title.role == Role::Readme).map(|title| title.path.clone());
    let readme = name.and_then(|path| render(contents, &path, at, README_LEVEL));
    Leaves { readme, documents, files }
}

/// A document of an archive, rendered for a page.
fn render(contents: &mut Contents, path: &str, (files, pages): (String, String), level: u8) -> Option<Leaf> {
    let mut read = |path: &str| contents.read(path, markup::MAX_BYTES as u64).ok().flatten();
    let (mut path, mut bytes) = (path.to_owned(), read(path)?);
    // Archives are made without links: what was one is a file with a path in it.
    let meant =
        std::str::from_utf8(&bytes).ok().map(str::trim).filter(|text| text.contains('/') && !text.contains(' '));
    if let Some(meant) = meant.filter(|meant| Format::document(meant).is_some()).map(str::to_owned)
        && let Some(other) = read(&meant)
    {
        (path, bytes) = (meant, other);
    }
    let all = Arc::new(contents.files().iter().map(|file| file.path.clone()).collect());
    let place = Place { files, pages, path: path.clone(), all };
    let document = markup::render(&String::from_utf8_lossy(&bytes), Format::of(&path), &place, level);
    Some(Leaf { path, document })
}

/// The documents among files: one by address, rather in a format than as text.
fn titles(files: &[(String, u64)]) -> Vec<Title> {
    let mut best: BTreeMap<(Role, &str), &str> = BTreeMap::new();
    for (path, _) in files {
        let (Some(docpath), Some(role)) = (Format::document(path), Role::of(path)) else { continue };
        let known = best.entry((role, docpath)).or_insert(path);
        if rank(path) < rank(known) {
            *known = path;
        }
    }
    let title = |((role, docpath), path): ((Role, &str), &str)| Title {
        role,
        docpath: docpath.to_owned(),
        path: path.to_owned(),
    };
    best.into_iter().map(title).take(MOST).collect()
}

/// The file of a document, by its address.
fn find<'a>(files: &'a [(String, u64)], docpath: &str) -> Option<&'a str> {
    let start = files.partition_point(|(path, _)| path.as_str() < docpath);
    let all = files[start..].iter().map(|(path, _)| path.as_str()).take_while(|path| path.starts_with(docpath));
    all.filter(|path| Format::document(path) == Some(docpath)).min_by_key(|path| rank(path))
}

fn rank(path: &str) -> (bool, usize) {
    (Format::of(path) == Format::Text, path.len())
}

impl Leaves {
    /// How much of memory it takes, nearly.
    fn bytes(&self) -> usize {
        let files: usize = self.files.iter().map(|(path, _)| path.len() + 48).sum();
        let readme = self.readme.as_ref().map_or(0, |leaf| leaf.document.html.len());
        files + readme + self.documents.len() * 128 + 1024
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

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<(String, u64)> {
        let mut files: Vec<_> = paths.iter().map(|path| ((*path).to_owned(), 1)).collect();
        files.sort();
        files
    }

    #[test]
    fn documents_are_listed_by_what_they_are_to_readers_and_once_by_address() {
        let files = files(&[
            "COPYING",
            "Changes",
            "Makefile",
            "README",
            "README.md",
            "doc/a.md",
            "doc/a.txt",
            "doc/b.rst",
            "sql/x.sql",
        ]);
        let listed: Vec<_> = titles(&files).into_iter().map(|title| (title.role, title.path)).collect();
        let expected = [
            (Role::Readme, "README.md"),
            (Role::Changes, "Changes"),
            (Role::License, "COPYING"),
            (Role::Document, "doc/a.md"),
            (Role::Document, "doc/b.rst"),
        ];
        assert_eq!(listed, expected.map(|(role, path)| (role, path.to_owned())));
        for (docpath, path) in
            [("README", Some("README.md")), ("doc/a", Some("doc/a.md")), ("Makefile", None), ("doc", None)]
        {
            assert_eq!(find(&files, docpath), path, "{docpath}");
        }
    }
}
