//! Whether there is room for a run on the runner's own disk. Without a look before the claim, a runner whose disk is full would fail at
//! everything that waits, faster than the others can do it.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::claim::Trouble;

/// A small archive, and what is in it. What is larger may still find the disk full, and fails as the farm's own.
const BYTES: usize = 256 * 1024;

/// An error where a directory, which is made where it is missing, does not take a file.
pub(super) fn check(dir: &Path) -> Result<(), Trouble> {
    let written = fs::create_dir_all(dir).and_then(|()| tempfile::tempfile_in(dir)?.write_all(&vec![0; BYTES]));
    written.map_err(|source| Trouble::Disk { dir: dir.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_takes_no_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        check(&dir.path().join("work/0")).unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(check(&file.join("work")).unwrap_err().to_string().contains("file/work"));
    }
}
