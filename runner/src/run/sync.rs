//! What of a source has changed since it was copied into a container, by its content, and a tar file of that alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{Archive, Builder, Entry};

/// The files of a source as they were copied in: a digest of all that matters of each, by its path in the tar file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent(BTreeMap<PathBuf, [u8; 32]>);

/// What is different, by paths in the tar file, below its top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// What is new or another.
    pub(super) changed: Vec<PathBuf>,
    /// What is gone.
    pub(super) removed: Vec<PathBuf>,
}

impl Sent {
    /// Of a packed source; nothing where it cannot be read, so that everything counts as changed.
    pub(super) fn of(packed: Option<&File>) -> Self {
        packed.and_then(|file| Self::read(file).ok()).unwrap_or_default()
    }

    fn read(packed: &File) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        each(packed, |entry, path| {
            let header = entry.header();
            let mut sha = Sha256::new();
            sha.update([header.entry_type().as_byte()]);
            sha.update(header.mode()?.to_be_bytes());
            sha.update(entry.link_name_bytes().unwrap_or_default());
            io::copy(entry, &mut sha)?;
            files.insert(path, sha.finalize().into());
            Ok(())
        })?;
        Ok(Self(files))
    }

    /// What has changed until `now`.
    pub(super) fn until(&self, now: &Self) -> Changes {
        let is_other = |path: &&PathBuf| self.0.get(*path) != now.0.get(*path);
        let changed = now.0.keys().filter(is_other).cloned().collect();
        let removed = self.0.keys().filter(|path| !now.0.contains_key(*path)).cloned().collect();
        Changes { changed, removed }
    }
}

impl Changes {
    /// A tar file of what has changed.
    pub(super) fn pack(&self, packed: &File, dir: &Path) -> io::Result<File> {
        let mut builder = Builder::new(tempfile::tempfile_in(dir)?);
        each(packed, |entry, path| {
            if self.changed.binary_search(&path).is_err() {
                return Ok(());
            }
            let mut header = entry.header().clone();
            match entry.link_name()?.map(std::borrow::Cow::into_owned) {
                Some(to) => builder.append_link(&mut header, &path, to),
                None => builder.append_data(&mut header, &path, entry),
            }
        })?;
        let mut file = builder.into_inner()?;
        file.rewind()?;
        Ok(file)
    }

    /// Whether this file has changed, or is gone.
    pub(super) fn concern(&self, file: &Path) -> bool {
        self.changed.iter().chain(&self.removed).any(|path| path == file)
    }

    /// Whether a file has changed, or is gone, that `./configure` is made of or reads.
    pub(super) fn concern_configure(&self) -> bool {
        let is_input = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let ends = [".in", ".ac", ".m4", ".am"];
            name.starts_with("configure") || name == "autogen.sh" || ends.iter().any(|end| name.ends_with(end))
        };
        self.changed.iter().chain(&self.removed).any(is_input)
    }
}

/// Goes through a tar file from its beginning, and leaves it there again.
fn each(file: &File, mut act: impl FnMut(&mut Entry<'_, &File>, PathBuf) -> io::Result<()>) -> io::Result<()> {
    let mut whole = file;
    whole.rewind()?;
    let mut archive = Archive::new(file);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        act(&mut entry, path)?;
        io::copy(&mut entry, &mut io::sink())?;
    }
    whole.rewind()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use pgxn::archive::{Limits, Tree};

    use super::*;
    use crate::sandbox::pack;

    fn packed(dir: &Path) -> File {
        let tree = Tree::of_directory(dir, &Limits::default(), |_| false).unwrap();
        pack(&tree, "src", &std::env::temp_dir()).unwrap()
    }

    #[test]
    fn only_what_differs_in_content_is_sent_again_whatever_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        for name in ["a.c", "b.c", "gone.c"] {
            put(name, "one");
        }
        std::os::unix::fs::symlink("a.c", dir.path().join("link")).unwrap();
        let before = Sent::of(Some(&packed(dir.path())));
        put("a.c", "one");
        put("b.c", "two");
        put("new.c", "");
        std::fs::remove_file(dir.path().join("gone.c")).unwrap();
        let after = packed(dir.path());
        let changes = before.until(&Sent::of(Some(&after)));
        assert_eq!(changes.changed, [PathBuf::from("src/b.c"), "src/new.c".into()]);
        assert_eq!(changes.removed, [PathBuf::from("src/gone.c")]);
        let part = changes.pack(&after, dir.path()).unwrap();
        let mut names = Vec::new();
        each(&part, |entry, path| {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            names.push((path.display().to_string(), text));
            Ok(())
        })
        .unwrap();
        assert_eq!(names, [("src/b.c".to_owned(), "two".to_owned()), ("src/new.c".into(), String::new())]);
    }

    #[test]
    fn nothing_has_changed_in_the_same_source() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.c"), "one").unwrap();
        let [one, other] = [packed(dir.path()), packed(dir.path())].map(|file| Sent::of(Some(&file)));
        assert_eq!(one.until(&other), Changes::default());
    }

    #[test]
    fn configure_is_run_again_for_its_own_files_alone() {
        let concern = |name: &str| Changes { changed: vec![name.into()], removed: Vec::new() }.concern_configure();
        assert!(["src/configure", "src/m4/pg.m4", "src/Makefile.in", "src/configure.ac"].into_iter().all(concern));
        assert!(!["src/a.c", "src/sql/a.sql", "src/README.md"].into_iter().any(concern));
    }
}
