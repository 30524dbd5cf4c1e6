//! A distribution's files in memory, between a source (directory, tarball, zip) and the zip that is published.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use protocol::Timestamp;
use zip::write::SimpleFileOptions;

use crate::Error;

/// More bytes than this are refused: the largest real distribution known is a tenth of it.
const MAX_BYTES: u64 = 512 << 20;
/// More files than this are refused.
const MAX_FILES: usize = 50_000;
/// Files without a time of their own, such as those of a checkout, get this one: 2020-01-01.
const FIXED_TIME: Timestamp = Timestamp::from_millis(1_577_836_800_000);

/// A file or a link; directories follow from names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Its content.
        bytes: Vec<u8>,
        /// Whether it may be run.
        executable: bool,
        /// When it was last changed.
        changed_at: Timestamp,
    },
    /// A symbolic link, with the text that it holds.
    Link(String),
}

/// Files by their names relative to the distribution's top directory, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    bytes: u64,
}

impl Tree {
    /// Reads a directory; everything in it belongs to the distribution, whatever its time on this disk.
    pub fn of_directory(dir: &Path) -> Result<Self, Error> {
        let mut tree = Self::default();
        tree.add_directory(dir, "")?;
        Ok(tree)
    }

    fn add_directory(&mut self, dir: &Path, prefix: &str) -> Result<(), Error> {
        for entry in std::fs::read_dir(dir).map_err(Error::io("read directory", dir))? {
            let entry = entry.map_err(Error::io("read directory", dir))?;
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(Error::io("look at", &path))?;
            if kind.is_dir() {
                self.add_directory(&path, &format!("{name}/"))?;
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&path).map_err(Error::io("read link", &path))?;
                self.put(name, Node::Link(target.to_string_lossy().into_owned()))?;
            } else {
                let mode = entry.metadata().map_err(Error::io("look at", &path))?.permissions().mode();
                let bytes = std::fs::read(&path).map_err(Error::io("read", &path))?;
                self.put(name, Node::File { bytes, executable: mode & 0o111 != 0, changed_at: FIXED_TIME })?;
            }
        }
        Ok(())
    }

    /// Reads a zip, without its one top directory where it has one.
    pub fn of_zip(zip: &[u8], label: &str) -> Result<Self, Error> {
        let wrong = |error: &dyn std::fmt::Display| Error::archive(label, error);
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).map_err(|error| wrong(&error))?;
        let names = archive.file_names().map(|name| name.map(Cow::into_owned)).collect::<Result<Vec<_>, _>>();
        let root = single_root(&names.map_err(|error| wrong(&error))?);
        let mut tree = Self::default();
        for index in 0..archive.len() {
            let member = archive.by_index(index).map_err(|error| wrong(&error))?;
            let name = member.name().map_err(|error| wrong(&error))?;
            let name = name.strip_prefix(&root).unwrap_or_default().to_owned();
            if member.is_dir() || name.is_empty() {
                continue;
            }
            let executable = member.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
            let link = member.is_symlink();
            let changed_at = member.last_modified().and_then(moment).unwrap_or(FIXED_TIME);
            let mut bytes = Vec::new();
            member.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
            let node = if link {
                Node::Link(String::from_utf8_lossy(&bytes).into_owned())
            } else {
                Node::File { bytes, executable, changed_at }
            };
            tree.put(name, node)?;
        }
        Ok(tree)
    }

    /// Adds or replaces a node, within the limits.
    pub fn put(&mut self, name: impl Into<String>, node: Node) -> Result<(), Error> {
        let name = name.into();
        if let Node::File { bytes, .. } = &node {
            self.bytes += bytes.len() as u64;
        }
        if self.bytes > MAX_BYTES || self.nodes.len() >= MAX_FILES {
            return Err(Error::archive(name, "it is too large: over 512 MB or 50000 files"));
        }
        self.nodes.insert(name, node);
        Ok(())
    }

    /// Adds or replaces a text file; the time of the one that it replaces is kept.
    pub fn put_text(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let (executable, changed_at) = match self.nodes.get(name) {
            Some(Node::File { executable, changed_at, .. }) => (*executable, *changed_at),
            _ => (false, self.newest().unwrap_or(FIXED_TIME)),
        };
        self.put(name, Node::File { bytes: text.as_bytes().to_vec(), executable, changed_at })
    }

    /// The content of a file.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        match self.nodes.get(name)? {
            Node::File { bytes, .. } => Some(bytes),
            Node::Link(_) => None,
        }
    }

    /// The content of a file as text, with bytes that are not UTF-8 replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        self.file(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The names of all files and links, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// When the newest file was changed.
    pub fn newest(&self) -> Option<Timestamp> {
        let time = |node: &Node| match node {
            Node::File { changed_at, .. } => Some(*changed_at),
            Node::Link(_) => None,
        };
        self.nodes.values().filter_map(time).max()
    }

    /// Writes a zip in which everything lies below `prefix/`: the same bytes for the same tree, always.
    pub fn zip(&self, prefix: &str) -> Result<Vec<u8>, Error> {
        let wrong = |error: &dyn std::fmt::Display| Error::archive(prefix, error);
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let directory = SimpleFileOptions::default().unix_permissions(0o755).last_modified_time(dos_time(FIXED_TIME));
        writer.add_directory(format!("{prefix}/"), directory).map_err(|error| wrong(&error))?;
        for (name, node) in &self.nodes {
            let name = format!("{prefix}/{name}");
            match node {
                Node::Link(target) => {
                    writer.add_symlink(name, target, directory).map_err(|error| wrong(&error))?;
                }
                Node::File { bytes, executable, changed_at } => {
                    let mode = if *executable { 0o755 } else { 0o644 };
                    let options = directory.unix_permissions(mode).last_modified_time(dos_time(*changed_at));
                    writer.start_file(name, options).map_err(|error| wrong(&error))?;
                    writer.write_all(bytes).map_err(|error| wrong(&error))?;
                }
            }
        }
        Ok(writer.finish().map_err(|error| wrong(&error))?.into_inner())
    }
}

/// The top directory that all names share, with its slash; empty where they share none.
pub(crate) fn single_root(names: &[String]) -> String {
    let Some((root, _)) = names.first().and_then(|first| first.split_once('/')) else { return String::new() };
    let root = format!("{root}/");
    if names.iter().all(|name| name.starts_with(&root)) { root } else { String::new() }
}

/// The moment that a zip states, taken as UTC.
fn moment(stated: zip::DateTime) -> Option<Timestamp> {
    let (year, month, day) = (stated.year(), stated.month(), stated.day());
    let (hour, minute, second) = (stated.hour(), stated.minute(), stated.second());
    Timestamp::parse_rfc3339(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// The moment as a zip keeps it; what is before 1980 becomes its first moment.
fn dos_time(at: Timestamp) -> zip::DateTime {
    let date = jiff::Timestamp::from_millisecond(at.as_millis())
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(jiff::tz::TimeZone::UTC);
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(date.year()).unwrap_or_default();
    let time = (small(date.hour()), small(date.minute()), small(date.second()));
    zip::DateTime::from_date_and_time(year, small(date.month()), small(date.day()), time.0, time.1, time.2)
        .unwrap_or_default()
}
