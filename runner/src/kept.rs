//! Directories that keep files between runs, bounded: archives, and what prerequisites installed.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use protocol::Timestamp;

/// Says that a file was written or used now. Where that cannot be said, it makes room early.
pub(crate) fn touch(file: &File, now: Timestamp) -> io::Result<()> {
    let since = Duration::from_millis(now.as_millis().try_into().unwrap_or_default());
    file.set_modified(SystemTime::UNIX_EPOCH + since)
}

/// Removes the files that were written or used longest ago, until there is room for so many bytes more.
pub(crate) fn make_room(dir: &Path, wanted: u64, max_bytes: u64) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut kept = Vec::new();
    for entry in fs::read_dir(dir)? {
        let metadata = entry.as_ref().map_or_else(|_| None, |entry| entry.metadata().ok());
        if let (Ok(entry), Some(metadata)) = (entry, metadata) {
            kept.push((metadata.modified()?, metadata.len(), entry.path()));
        }
    }
    kept.sort();
    let mut sum = wanted + kept.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
    for (_, bytes, path) in kept {
        if sum <= max_bytes {
            break;
        }
        match fs::remove_file(path) {
            // Another runner in the same directory makes room, too.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => sum -= bytes,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_kept_first_make_room_for_new_ones() {
        let dir = tempfile::tempdir().unwrap();
        for (age, name) in [(30, "old.zip"), (10, "new.zip")] {
            let file = File::create(dir.path().join(name)).unwrap();
            file.set_len(300).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age)).unwrap();
        }
        make_room(dir.path(), 450, 1_000).unwrap();
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["new.zip"]);
    }
}
