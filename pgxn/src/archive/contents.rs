//! Looks into an archive without unpacking it, for pages: names below its top directory, and one file at a time, within bounds.
//!
//! Nothing is written, so that a name does no harm: what [`super::unpack`] refuses an archive for is left out here.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::ZipArchive;

use super::open::{count_entries, read_failed, unreadable};
use super::{Limits, UnpackError, name};

/// What archives are read from.
trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// An archive that can be looked into.
pub struct Contents {
    zip: ZipArchive<BufReader<Box<dyn Source>>>,
    files: Vec<File>,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the archive's top directory.
    pub path: String,
    /// Its size, as the archive states it.
    pub bytes: u64,
    index: usize,
}

impl Contents {
    /// Reads an archive's directory, from the first byte to the last of what is given. It blocks.
    pub fn open(source: impl Read + Seek + Send + 'static, limits: &Limits) -> Result<Self, UnpackError> {
        let nowhere = Path::new("the archive");
        let mut source: Box<dyn Source> = Box::new(source);
        let entries = count_entries(&mut source).map_err(|error| read_failed(nowhere, error, "it cannot be read"))?;
        if entries > limits.max_members {
            // The directory is read into memory as a whole, so its size is bounded before.
            return Err(UnpackError::TooManyFiles { limit: limits.max_members });
        }
        let mut zip = ZipArchive::new(BufReader::new(source)).map_err(|error| unreadable(nowhere, error))?;
        let mut files = Vec::new();
        for index in 0..zip.len() {
            let Ok(entry) = zip.by_index_raw(index) else { continue };
            let is_file = entry.unix_mode().is_none_or(|mode| matches!(mode & 0o170_000, 0 | 0o100_000));
            let Ok(full) = std::str::from_utf8(entry.name_raw()) else { continue };
            if !is_file || entry.encrypted() || full.ends_with('/') {
                continue;
            }
            if let Ok([_, path @ ..]) = name::parts(full).as_deref()
                && !path.is_empty()
            {
                files.push(File { path: path.join("/"), bytes: entry.size(), index });
            }
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        files.dedup_by(|left, right| left.path == right.path);
        Ok(Self { zip, files })
    }

    /// The files, by path.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// A file's first `limit` bytes; none where there is no such file. It blocks.
    pub fn read(&mut self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, UnpackError> {
        let Some(file) = self.files.iter().find(|file| file.path == path) else { return Ok(None) };
        let nowhere = Path::new(path);
        let entry = self.zip.by_index(file.index).map_err(|error| unreadable(nowhere, error))?;
        let mut bytes = Vec::new();
        let read = entry.take(limit).read_to_end(&mut bytes);
        read.map_err(|error| read_failed(nowhere, error, "one of its members is damaged"))?;
        Ok(Some(bytes))
    }
}

/// A part of a file, from where it is now to its end, as a source of its own.
#[derive(Debug)]
pub struct Rest {
    file: std::fs::File,
    start: u64,
}

impl Rest {
    /// The rest of a file.
    pub fn of(mut file: std::fs::File) -> std::io::Result<Self> {
        let start = file.stream_position()?;
        Ok(Self { file, start })
    }
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Rest {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => SeekFrom::Start(self.start.saturating_add(at)),
            other => other,
        };
        let at = self.file.seek(to)?;
        at.checked_sub(self.start).ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidInput))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zip(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.add_symlink("a-1/link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn paths(contents: &Contents) -> Vec<&str> {
        contents.files().iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn files_are_listed_below_the_top_directory_and_read_within_bounds() {
        let bytes = zip(&[("a-1/doc/a.md", "# A"), ("a-1/README.md", "hello world"), ("top", "x")]);
        let mut contents = Contents::open(Cursor::new(bytes), &Limits::default()).unwrap();
        assert_eq!(paths(&contents), ["README.md", "doc/a.md"]);
        assert_eq!(contents.read("README.md", 5).unwrap().as_deref(), Some(&b"hello"[..]));
        assert_eq!(contents.read("readme.md", 5).unwrap(), None);
        assert_eq!(contents.read("link", 5).unwrap(), None);
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_there() {
        let bytes = zip(&[("a-1/../../etc/x", "1"), ("/etc/y", "2"), ("a-1/./z", "3"), ("a-1/ok", "4")]);
        assert_eq!(paths(&Contents::open(Cursor::new(bytes), &Limits::default()).unwrap()), ["ok", "z"]);
    }

    #[test]
    fn an_archive_is_read_from_the_middle_of_a_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"a line before\n").unwrap();
        file.write_all(&zip(&[("a-1/README", "text")])).unwrap();
        file.seek(SeekFrom::Start(14)).unwrap();
        let mut contents = Contents::open(Rest::of(file).unwrap(), &Limits::default()).unwrap();
        assert_eq!(contents.read("README", 100).unwrap().as_deref(), Some(&b"text"[..]));
    }

    #[test]
    fn what_is_no_archive_or_has_too_many_members_is_refused() {
        let open = |bytes: &[u8], limits: &Limits| Contents::open(Cursor::new(bytes.to_vec()), limits).map(|_| ());
        assert!(matches!(open(b"text", &Limits::default()), Err(UnpackError::NotAnArchive { .. })));
        let few = Limits { max_members: 1, ..Limits::default() };
        assert!(matches!(open(&zip(&[("a/b", ""), ("a/c", "")]), &few), Err(UnpackError::TooManyFiles { limit: 1 })));
    }
}
