//! Reads an archive's directory within bounds, and refuses archives whose parts overlap.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zip::ZipArchive;
use zip::result::ZipError;

use super::{Limits, UnpackError, not_an_archive, shown};

/// What starts each entry of a zip's directory.
const ENTRY: [u8; 4] = *b"PK\x01\x02";

/// An entry's fixed part.
const ENTRY_BYTES: usize = 46;

/// A zip inside the zip, stored as it is, brings entries of its own; they are few beside this many times the limit.
const SLACK: usize = 4;

/// An archive whose directory has been read.
pub(crate) struct Opened {
    pub(crate) zip: ZipArchive<BufReader<File>>,
    pub(super) path: PathBuf,
    /// Its own size.
    pub(super) bytes: u64,
    /// Its own time, which no member's exceeds.
    pub(super) modified: SystemTime,
}

pub(crate) fn open(path: &Path, limits: &Limits) -> Result<Opened, UnpackError> {
    let failed = |source| UnpackError::File { path: path.to_owned(), act: "read", source };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(not_an_archive("it is not a regular file"));
    }
    let mut file = File::open(path).map_err(failed)?;
    let entries = count_entries(&mut file).map_err(failed)?;
    if entries > limits.max_members.saturating_mul(SLACK) {
        // The directory is read into memory as a whole, so its size is bounded before.
        return Err(UnpackError::TooManyFiles { limit: limits.max_members });
    }
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| unreadable(path, error))?;
    if zip.is_empty() {
        return Err(not_an_archive("it is empty"));
    }
    if zip.len() > limits.max_members {
        return Err(UnpackError::TooManyFiles { limit: limits.max_members });
    }
    if zip.has_duplicate_names() {
        let name = repeated_name(path, zip.central_directory_start()).unwrap_or_else(|| "a name".to_owned());
        return Err(UnpackError::DuplicateName { name: shown(&name), how: "twice" });
    }
    if zip.has_overlapping_entries().map_err(|error| unreadable(path, error))? {
        return Err(not_an_archive("some of its members share bytes, or are cut off"));
    }
    let modified = metadata.modified().map_err(failed)?;
    Ok(Opened { zip, path: path.to_owned(), bytes: metadata.len(), modified })
}

/// What an error of the zip library means: mostly that the archive is bad, rarely that the disk is.
pub(crate) fn unreadable(path: &Path, error: ZipError) -> UnpackError {
    match error {
        ZipError::Io(source) => read_failed(path, source, "it is damaged"),
        ZipError::CompressionMethodNotSupported(method) => not_an_archive(format!(
            "it uses the compression method {method}; only stored and deflated members are read"
        )),
        other => not_an_archive(other.to_string()),
    }
}

/// Tells a disk that cannot be read from an archive that makes no sense.
pub(crate) fn read_failed(path: &Path, source: io::Error, what: &str) -> UnpackError {
    if source.raw_os_error().is_some() {
        return UnpackError::File { path: path.to_owned(), act: "read", source };
    }
    not_an_archive(format!("{what}: {source}"))
}

/// How often the mark of a directory entry occurs, without believing any count that the archive states.
pub(super) fn count_entries(file: &mut (impl Read + Seek)) -> io::Result<usize> {
    let mut buffer = vec![0; 256 * 1024];
    let (mut kept, mut count) = (0, 0);
    file.seek(SeekFrom::Start(0))?;
    loop {
        let read = file.read(&mut buffer[kept..])?;
        if read == 0 {
            file.seek(SeekFrom::Start(0))?;
            return Ok(count);
        }
        let filled = kept + read;
        count += occurrences(&buffer[..filled]);
        kept = filled.min(ENTRY.len() - 1);
        buffer.copy_within(filled - kept..filled, 0);
    }
}

fn occurrences(bytes: &[u8]) -> usize {
    // Nearly all bytes are not a `P`: skipping to the next one is what makes this fast.
    let mut count = 0;
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == ENTRY[0]) {
        rest = &rest[at..];
        count += usize::from(rest.starts_with(&ENTRY));
        rest = &rest[1..];
    }
    count
}

/// The first name that stands in the directory twice; the zip library only says that there is one.
fn repeated_name(path: &Path, start: u64) -> Option<String> {
    let mut file = BufReader::new(File::open(path).ok()?);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut seen = std::collections::HashSet::new();
    loop {
        let mut fixed = [0; ENTRY_BYTES];
        file.read_exact(&mut fixed).ok()?;
        if !fixed.starts_with(&ENTRY) {
            return None;
        }
        let length = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let mut name = vec![0; usize::from(length(28))];
        file.read_exact(&mut name).ok()?;
        file.seek_relative(i64::from(length(30)) + i64::from(length(32))).ok()?;
        let name = String::from_utf8_lossy(&name).into_owned();
        if !seen.insert(name.clone()) {
            return Some(name);
        }
    }
}
