//! Files of a mirror: replaced whole, never seen half written, and with times that grow.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use crate::Error;

/// Documents that are larger than this are not ours.
const MAX_DOCUMENT_BYTES: u64 = 8 << 20;

/// A JSON object whose keys keep this order.
#[derive(Clone, Debug)]
pub(super) struct Ordered<K, V>(pub(super) Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// The document as PGXN writes JSON: indented by three spaces, a line end last.
pub(super) fn render(document: &impl Serialize) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"   ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    document.serialize(&mut serializer).expect("documents have text keys, and writing to memory cannot fail");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Replaces a file, unless it holds just this already.
pub(super) fn file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let before = std::fs::metadata(path).ok();
    if before.as_ref().is_some_and(|before| before.len() == bytes.len() as u64)
        && std::fs::read(path).is_ok_and(|there| there == bytes)
    {
        return Ok(());
    }
    let dir = path.parent().expect("every document of a mirror lies in a directory");
    std::fs::create_dir_all(dir).map_err(Error::io("create directory", dir))?;
    let mut beside = tempfile::Builder::new().prefix(".new-").tempfile_in(dir).map_err(Error::io("write in", dir))?;
    beside.write_all(bytes).map_err(Error::io("write", path))?;
    let out = beside.as_file();
    out.set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(Error::io("write", path))?;
    if let Some(before) = before.and_then(|before| before.modified().ok()) {
        let now = out.metadata().and_then(|new| new.modified()).map_err(Error::io("look at", path))?;
        out.set_modified(later(before, now)).map_err(Error::io("write", path))?;
    }
    beside.persist(path).map_err(|failed| failed.error).map_err(Error::io("replace", path))?;
    Ok(())
}

/// `now`, or the first later second than `before`'s: `Last-Modified` knows whole seconds only.
fn later(before: SystemTime, now: SystemTime) -> SystemTime {
    let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    now.max(UNIX_EPOCH + Duration::from_secs(seconds(before) + 1))
}

/// Removes a document of which nothing is left.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// What is in a directory, sorted, without hidden files; nothing where there is no directory.
pub(super) fn list(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("read directory", dir))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("read directory", dir))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads a document.
pub(super) fn read_json(path: &Path) -> Result<Value, Error> {
    let wrong = |why: String| Error::Document { path: path.to_owned(), why };
    let length = std::fs::metadata(path).map_err(Error::io("look at", path))?.len();
    if length > MAX_DOCUMENT_BYTES {
        return Err(wrong(format!("it has {length} bytes")));
    }
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}
