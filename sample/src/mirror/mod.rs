//! A PGXN mirror tree, written as PGXN Manager writes it; the first thing on the way of the data.
//!
//! Which documents there are, their shapes and their order of keys follow PGXN Manager's `sql/10-json_data.sql` and
//! `sql/23-setup_meta.sql`. Of what only the API server adds, a tree made with [`Templates::WithUserList`] has the user list,
//! because without it nobody could learn from a tree which releases it holds beyond the newest 56; it has nothing else of the API
//! (no merged metadata, no search, no rendered documents), and `/index.json` names exactly what is there.
//!
//! A tree may be read while it is written: each file is replaced whole, the archive first and the feed last. The times of replaced
//! files always grow by at least a second, so that a reader who asks `If-Modified-Since` never misses one.

mod documents;
mod meta;
mod paths;
mod stats;
mod upload;
mod write;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use protocol::{Name, Version};
use serde_json::Value;

pub use meta::ReleaseMeta;
pub use paths::Templates;
pub use upload::{Upload, User};

use crate::Error;

/// A mirror tree on disk, and all that is in it.
///
/// One writer at a time: a second one would not know of the first one's releases.
#[derive(Debug)]
pub struct Mirror {
    dir: PathBuf,
    templates: Templates,
    /// By lower-case distribution and version.
    releases: BTreeMap<(String, String), ReleaseMeta>,
    /// By lower-case nickname.
    users: BTreeMap<String, User>,
}

/// The documents that have to be written again: lower-case keys.
#[derive(Debug, Default)]
struct Touched {
    dists: BTreeSet<String>,
    extensions: BTreeSet<String>,
    users: BTreeSet<String>,
    tags: BTreeSet<String>,
}

impl Touched {
    fn add(&mut self, release: &ReleaseMeta) {
        self.dists.insert(release.dist.key());
        self.users.insert(release.user.key());
        self.extensions.extend(release.provides().map(|(name, _)| name.to_lowercase()));
        self.tags.extend(release.tags().map(str::to_lowercase));
    }
}

impl Mirror {
    /// Opens the tree in `dir`, which need not exist; what is there is kept. It will have the user list.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_with(dir, Templates::WithUserList)
    }

    /// As [`Mirror::open`], with the templates that are asked for.
    pub fn open_with(dir: &Path, templates: Templates) -> Result<Self, Error> {
        let mut mirror = Self { dir: dir.to_owned(), templates, releases: BTreeMap::new(), users: BTreeMap::new() };
        mirror.read()?;
        let everything = Touched { users: mirror.users.keys().cloned().collect(), ..Touched::default() };
        mirror.write_fixed()?;
        mirror.write_documents(&everything)?;
        Ok(mirror)
    }

    /// The directory that holds the tree.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The releases in it, by distribution and version.
    pub fn releases(&self) -> impl Iterator<Item = &ReleaseMeta> {
        self.releases.values()
    }

    /// The release, where it is there.
    pub fn release(&self, dist: &Name, version: &Version) -> Option<&ReleaseMeta> {
        self.releases.get(&key(dist, version))
    }

    /// Where the release's META.json lies, whether it is there or not: tests spoil it there.
    pub fn meta_path(&self, dist: &Name, version: &Version) -> PathBuf {
        self.dir.join(paths::meta(&dist.key(), &version.as_str().to_lowercase()))
    }

    /// Where the release's archive lies, whether it is there or not: tests spoil it there.
    pub fn archive_path(&self, dist: &Name, version: &Version) -> PathBuf {
        self.dir.join(paths::download(&dist.key(), &version.as_str().to_lowercase()))
    }

    /// Publishes a release; one that is there already is replaced and keeps its date, as when PGXN's administrators do so.
    pub fn publish(&mut self, upload: Upload) -> Result<ReleaseMeta, Error> {
        let mut touched = Touched::default();
        let release = self.publish_files(upload, &mut touched)?;
        self.write_documents(&touched)?;
        Ok(release)
    }

    /// Publishes many releases and writes the shared documents once, after all of them.
    pub fn publish_all(&mut self, uploads: impl IntoIterator<Item = Upload>) -> Result<Vec<ReleaseMeta>, Error> {
        let mut touched = Touched::default();
        let mut published = Vec::new();
        for upload in uploads {
            published.push(self.publish_files(upload, &mut touched)?);
        }
        self.write_documents(&touched)?;
        Ok(published)
    }

    /// Registers a user without releases, or changes one.
    pub fn add_user(&mut self, user: User) -> Result<(), Error> {
        let key = user.nickname.key();
        self.users.insert(key.clone(), user);
        self.write_documents(&Touched { users: BTreeSet::from([key]), ..Touched::default() })
    }

    /// Writes the release's own three files, the archive first.
    fn publish_files(&mut self, upload: Upload, touched: &mut Touched) -> Result<ReleaseMeta, Error> {
        let key = key(&upload.dist, &upload.version);
        let before = self.releases.get(&key);
        let date = before.map_or(upload.date, |release| release.date);
        let meta = meta::of_upload(&upload, date)?;
        if let Some(before) = before {
            touched.add(before);
        }
        touched.add(&meta);
        let (dist, version) = &key;
        write::file(&self.dir.join(paths::download(dist, version)), &upload.archive)?;
        if let Some(readme) = &upload.readme {
            write::file(&self.dir.join(paths::readme(dist, version)), readme)?;
        }
        write::file(&self.dir.join(paths::meta(dist, version)), meta.document().as_bytes())?;
        self.users.insert(upload.user.nickname.key(), upload.user);
        self.releases.insert(key, meta.clone());
        Ok(meta)
    }

    fn write_fixed(&self) -> Result<(), Error> {
        write::file(&self.dir.join("index.json"), self.templates.document().as_bytes())?;
        write::file(&self.dir.join("meta/mirrors.json"), documents::mirrors().as_bytes())?;
        write::file(&self.dir.join("meta/spec.txt"), documents::SPEC.as_bytes())
    }

    /// Writes what the touched things say, the feed last.
    fn write_documents(&self, touched: &Touched) -> Result<(), Error> {
        for dist in &touched.dists {
            self.write_or_remove(&paths::dist(dist), documents::dist(self, dist))?;
        }
        for extension in &touched.extensions {
            self.write_or_remove(&paths::extension(extension), documents::extension(self, extension))?;
        }
        for tag in &touched.tags {
            self.write_or_remove(&paths::tag(tag), documents::tag(self, tag))?;
        }
        for user in &touched.users {
            self.write_or_remove(&paths::user(user), documents::user(self, user))?;
        }
        if self.templates == Templates::WithUserList {
            for letter in touched.users.iter().filter_map(|user| user.chars().next()) {
                self.write_or_remove(&paths::userlist(letter), documents::userlist(self, letter))?;
            }
        }
        for (name, document) in stats::all(self) {
            write::file(&self.dir.join(paths::stats(name)), document.as_bytes())?;
        }
        Ok(())
    }

    fn write_or_remove(&self, path: &str, document: Option<String>) -> Result<(), Error> {
        let path = self.dir.join(path);
        match document {
            Some(document) => write::file(&path, document.as_bytes()),
            None => write::remove(&path),
        }
    }

    /// Learns from the tree what is in it.
    fn read(&mut self) -> Result<(), Error> {
        for path in write::list(&self.dir.join("user"))? {
            let user = User::of_document(&write::read_json(&path)?)
                .map_err(|why| Error::Document { path: path.clone(), why })?;
            self.users.insert(user.nickname.key(), user);
        }
        for dist in write::list(&self.dir.join("dist"))?.into_iter().filter(|path| path.is_dir()) {
            for version in write::list(&dist)? {
                let path = version.join("META.json");
                if !path.exists() {
                    continue;
                }
                let document: Value = write::read_json(&path)?;
                let release = ReleaseMeta::of_document(document).map_err(|why| Error::Document { path, why })?;
                self.releases.insert(key(&release.dist, &release.version), release);
            }
        }
        Ok(())
    }
}

/// How a release is found: addresses in a registry are lower-case.
fn key(dist: &Name, version: &Version) -> (String, String) {
    (dist.key(), version.as_str().to_lowercase())
}
