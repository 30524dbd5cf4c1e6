//! Runs over what the fuzzer found, in the tests of the crate that includes this file.

use std::path::Path;

/// Gives every file of `fuzz/corpus/TARGET` to what the fuzzer calls.
pub(crate) fn on_all(target: &str, read: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{} is empty", dir.display());
    for file in files {
        // Shown when it panics.
        println!("{}", file.display());
        read(&std::fs::read(&file).unwrap());
    }
}
