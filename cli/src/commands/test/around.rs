//! Where the distribution is that somebody stands in: the next directory above with a META.json, within the repository.

use std::path::{Path, PathBuf};

/// What makes a directory a distribution.
pub(crate) const META: &str = "META.json";

/// The directory itself, or the nearest above it, that has a META.json. Nothing above a repository or this person's own directory is looked at.
pub(crate) fn find(start: &Path) -> Option<PathBuf> {
    if start.join(META).is_file() {
        return Some(start.to_path_buf());
    }
    let whole = start.canonicalize().ok()?;
    let is_end = |dir: &&Path| dir.join(".git").exists();
    let end = whole.ancestors().find(is_end)?;
    let within = whole.ancestors().take_while(|dir| dir.starts_with(end));
    within.map(Path::to_path_buf).find(|dir| dir.join(META).is_file())
}

/// What to say where there is none.
pub(crate) fn missing(dir: &Path) -> String {
    format!(
        "there is no {META} in `{0}`, nor above it in its repository; `pgxn-testers test --propose-meta {0}` prints one to begin with",
        dir.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_found_from_any_directory_of_its_repository_and_not_from_outside() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let deep = root.join("repo/ext/sql/deep");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir_all(root.join("repo/.git")).unwrap();
        assert_eq!(find(&deep), None);
        std::fs::write(root.join(META), "{}").unwrap();
        assert_eq!(find(&deep), None, "it is not of this repository");
        std::fs::write(root.join("repo/ext").join(META), "{}").unwrap();
        assert_eq!(find(&deep), Some(root.join("repo/ext")));
        assert_eq!(find(&root.join("repo/ext")), Some(root.join("repo/ext")));
        assert_eq!(find(&root.join("repo")), None, "it is below");
    }
}
