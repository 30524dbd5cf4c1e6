//! Holds SECURITY.md against the source: what it says is shown by a test, is a test.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use walkdir::WalkDir;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    /// Shorter words between backticks are something else.
    const MIN_CHARS: usize = 20;

    /// The names of tests that a page tells.
    fn named(page: &str) -> BTreeSet<&str> {
        let is_name =
            |word: &&str| word.len() >= MIN_CHARS && word.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
        page.split('`').skip(1).step_by(2).filter(is_name).collect()
    }

    #[test]
    fn every_test_that_the_threat_model_names_is_there() {
        let page = std::fs::read_to_string(Path::new(ROOT).join("SECURITY.md")).unwrap();
        let mut missing = named(&page);
        assert!(missing.len() >= 20, "{missing:?}");
        let is_source = |entry: &walkdir::DirEntry| entry.depth() != 1 || entry.file_name() != "target";
        for entry in WalkDir::new(ROOT).into_iter().filter_entry(is_source) {
            let entry = entry.unwrap();
            if entry.path().extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(entry.path()).unwrap();
                missing.retain(|name| !source.contains(&format!("fn {name}(")));
            }
        }
        assert!(missing.is_empty(), "SECURITY.md names tests that are not there: {missing:?}");
    }
}
