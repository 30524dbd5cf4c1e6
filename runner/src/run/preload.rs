//! Libraries that work only from `shared_preload_libraries`: those that are no extension, and whose source registers a background worker
//! at the server's start, or asks whether the server is starting.
//!
//! The farm loads nothing of them, so that their tests cannot succeed, and often no message says why. A library with an extension beside it
//! is judged by what its tests print, as some of it works anyway.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is looked at of a source file.
const MAX_BYTES: u64 = 512 * 1024;
/// Source files beyond these are not looked at.
const MAX_SOURCES: usize = 200;

/// What only a library does that is loaded at the server's start. `RegisterDynamicBackgroundWorker(` is another word.
const SIGNS: [&str; 2] = ["process_shared_preload_libraries_in_progress", " RegisterBackgroundWorker("];

/// Whether the source of a tree says so.
pub(crate) fn is_needed(root: &Path, files: &[String]) -> bool {
    let has_extension = files.iter().any(|file| file.ends_with(".control") || file.ends_with(".control.in"));
    let mut sources = files.iter().filter(|file| is_source(file)).take(MAX_SOURCES);
    !has_extension && sources.any(|file| shows(root, file))
}

fn is_source(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "c" || extension == "cpp")
}

fn shows(root: &Path, file: &str) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(root.join(file)).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    // A tab or a bracket may stand where a space is meant.
    let text = String::from_utf8_lossy(&bytes).replace(|c: char| !(c.is_alphanumeric() || "_(".contains(c)), " ");
    read.is_ok() && SIGNS.iter().any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_needed_by(files: &[(&str, &str)]) -> bool {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        is_needed(dir.path(), &names)
    }

    #[test]
    fn a_worker_that_starts_with_the_server_needs_it() {
        assert!(is_needed_by(&[("worker.c", "void _PG_init(void) {\n\tRegisterBackgroundWorker(&worker);\n}")]));
        assert!(!is_needed_by(&[("worker.c", "RegisterDynamicBackgroundWorker(&worker, NULL)")]));
        assert!(!is_needed_by(&[("README", "see RegisterBackgroundWorker(3)")]));
    }

    #[test]
    fn an_extension_is_judged_by_what_its_tests_print() {
        assert!(!is_needed_by(&[("a.c", "\tRegisterBackgroundWorker(&worker);"), ("a.control", "")]));
    }
}
