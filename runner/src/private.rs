//! Small files of a data directory, as JSON that only its owner reads, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

/// Writes a file that outlives a power cut. Its directory is made where it is missing.
pub fn keep_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let draft = draft(path, value)?;
    draft.as_file().sync_all()?;
    draft.persist(path).map_err(|error| error.error)?;
    File::open(directory(path))?.sync_all()
}

/// Writes a file that is soon written again, and may be lost with the power.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    draft(path, value)?.persist(path).map(drop).map_err(|error| error.error)
}

fn draft(path: &Path, value: &impl Serialize) -> io::Result<NamedTempFile> {
    fs::create_dir_all(directory(path))?;
    // Made with the mode 0600.
    let mut draft = NamedTempFile::new_in(directory(path))?;
    serde_json::to_writer_pretty(&mut draft, value)?;
    draft.write_all(b"\n")?;
    Ok(draft)
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_its_owners_alone_and_takes_the_place_of_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/one.json");
        for (write, value) in [(keep_json as fn(&Path, &u8) -> io::Result<()>, 1), (write_json, 2)] {
            write(&path, &value).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{value}\n"));
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft stays behind");
    }
}
