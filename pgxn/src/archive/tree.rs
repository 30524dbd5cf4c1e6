//! A directory of sources: what an archive unpacked to, or a person's own.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Limits, UnpackError};
use crate::meta::{Meta, MetaError};

/// A META.json is at most this large.
const MAX_META_BYTES: u64 = 1024 * 1024;

/// A directory and everything in it, without following links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The directory that holds META.json.
    pub root: PathBuf,
    /// What is in it, by path from the root on, in order.
    pub entries: Vec<TreeEntry>,
}

/// One thing in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Its path from the root on.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
}

/// What a thing in a tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file.
    File {
        /// Its size.
        bytes: u64,
        /// Whether it may be run.
        executable: bool,
    },
    /// A symbolic link.
    Link {
        /// Where it points, as written.
        target: String,
    },
}

impl Tree {
    pub(super) fn new(root: PathBuf, entries: Vec<TreeEntry>) -> Self {
        Self { root, entries }
    }

    /// Lists a directory that is not from an archive, such as a maintainer's checkout, within the same limits. Devices, sockets and pipes are
    /// left out, and so are links whose target is not UTF-8, `.git` and whatever `skip` says of a path from the root on.
    pub fn of_directory(root: &Path, limits: &Limits, skip: impl Fn(&Path) -> bool) -> Result<Self, UnpackError> {
        let mut entries = Vec::new();
        let mut bytes = 0_u64;
        let mut ahead = vec![PathBuf::new()];
        while let Some(directory) = ahead.pop() {
            let full = root.join(&directory);
            let failed = |source| UnpackError::File { path: full.clone(), act: "listed", source };
            for entry in fs::read_dir(&full).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let path = directory.join(entry.file_name());
                if path == Path::new(".git") || skip(&path) {
                    continue;
                }
                let Some(kind) = kind(&entry.path()).map_err(failed)? else { continue };
                match &kind {
                    EntryKind::Directory => ahead.push(path.clone()),
                    EntryKind::File { bytes: more, .. } => bytes = bytes.saturating_add(*more),
                    EntryKind::Link { .. } => {}
                }
                entries.push(TreeEntry { path, kind });
                if entries.len() > limits.max_members {
                    return Err(UnpackError::TooManyFiles { limit: limits.max_members });
                }
                if bytes > limits.max_bytes {
                    let what = format!("`{}`", root.display());
                    return Err(UnpackError::TooLarge { what, limit: limits.max_bytes });
                }
            }
        }
        entries.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(Self { root: root.to_owned(), entries })
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| if let EntryKind::File { bytes, .. } = entry.kind { bytes } else { 0 }).sum()
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::File { .. })).count()
    }

    /// Whether there is a file of that path from the root on.
    pub fn has_file(&self, path: impl AsRef<Path>) -> bool {
        self.entries.iter().any(|entry| entry.path == path.as_ref() && matches!(entry.kind, EntryKind::File { .. }))
    }

    /// Reads META.json in the root. It has to be a file there: a link is not followed.
    pub fn meta(&self) -> Result<Meta, MetaError> {
        let path = self.root.join("META.json");
        let unusable = |why: String| MetaError::Unusable { why };
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            return Err(unusable("is not in the top directory".to_owned()));
        }
        let mut text = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_META_BYTES + 1).read_to_end(&mut text));
        read.map_err(|error| unusable(format!("cannot be read: {error}")))?;
        if text.len() as u64 > MAX_META_BYTES {
            return Err(unusable(format!("is larger than {MAX_META_BYTES} bytes")));
        }
        Meta::parse(&text)
    }
}

fn kind(path: &Path) -> io::Result<Option<EntryKind>> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(if metadata.is_dir() {
        Some(EntryKind::Directory)
    } else if metadata.is_file() {
        let executable = metadata.permissions().mode() & 0o111 != 0;
        Some(EntryKind::File { bytes: metadata.len(), executable })
    } else if metadata.is_symlink() {
        fs::read_link(path)?.into_os_string().into_string().ok().map(|target| EntryKind::Link { target })
    } else {
        None
    })
}
