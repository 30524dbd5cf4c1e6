use std::fs;

use super::*;

/// What git does there, at a moment of its own.
fn run(dir: &Path, words: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always", "-C"]);
    for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
        git.env(name, "2026-01-02T03:04:05Z");
    }
    let output = git.arg(dir).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn put(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A repository with these files in its only commit.
fn repository(dir: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(dir).unwrap();
    run(dir, &["init", "-q"]);
    put(dir, files);
    run(dir, &["add", "-A"]);
    run(dir, &["commit", "-q", "-m", "a"]);
}

fn names(dir: &Path) -> Vec<String> {
    let tree = Checkout::of(dir).unwrap().unwrap().tree().unwrap().unwrap();
    tree.names().map(str::to_owned).collect()
}

fn rules(dir: &Path) -> Vec<&'static str> {
    Checkout::of(dir).unwrap().unwrap().differences().unwrap().iter().map(|finding| finding.rule).collect()
}

#[test]
fn only_what_is_committed_and_exported_is_in_it_and_the_rest_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("META.json", "{}"),
        ("sql/a.sql", "1"),
        ("ci/run", ""),
        (".gitattributes", "ci export-ignore\n"),
        (".gitignore", "*.o\n"),
    ];
    repository(dir.path(), &files);
    assert_eq!(names(dir.path()), [".gitattributes", ".gitignore", "META.json", "sql/a.sql"]);
    put(dir.path(), &[("a.o", ""), ("notes.txt", ""), ("sql/a.sql", "2")]);
    assert_eq!(rules(dir.path()), ["uncommitted", "untracked"]);
    let tree = Checkout::of(dir.path()).unwrap().unwrap().tree().unwrap().unwrap();
    assert_eq!(tree.text("sql/a.sql").as_deref(), Some("1"));
    assert_eq!(tree.newest().unwrap().to_string(), "2026-01-02T03:04:05Z");
}

#[test]
fn a_distribution_in_a_directory_of_a_repository_is_taken_alone() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), &[("ext/META.json", "{}"), ("ext/a.c", ""), ("other/b.c", "")]);
    assert_eq!(names(&dir.path().join("ext")), ["META.json", "a.c"]);
    put(dir.path(), &[("other/new.c", "")]);
    assert_eq!(rules(&dir.path().join("ext")), [] as [&str; 0], "it is none of its files");
}

#[test]
fn submodules_are_in_it_as_they_are_recorded_or_it_is_told_how_to_get_them() {
    let dir = tempfile::tempdir().unwrap();
    let (library, ext) = (dir.path().join("library"), dir.path().join("ext"));
    repository(&library, &[("lib.c", "1")]);
    repository(&ext, &[("META.json", "{}")]);
    let url = library.display().to_string();
    run(&ext, &["submodule", "--quiet", "add", &url, "vendor/library"]);
    run(&ext, &["commit", "-q", "-m", "b"]);
    put(&library, &[("lib.c", "2")]);
    run(&library, &["commit", "-q", "-a", "-m", "later"]);
    assert_eq!(names(&ext), [".gitmodules", "META.json", "vendor/library/lib.c"]);
    let clone = dir.path().join("clone");
    run(dir.path(), &["clone", "-q", ext.to_str().unwrap(), "clone"]);
    let why = Checkout::of(&clone).unwrap().unwrap().tree().unwrap().unwrap_err();
    assert!(
        why.starts_with("the submodule `vendor/library` is not checked out; `git submodule update --init"),
        "{why}"
    );
    put(&ext, &[(".gitattributes", "vendor export-ignore\n")]);
    run(&ext, &["add", "-A"]);
    run(&ext, &["commit", "-q", "-m", "c"]);
    assert_eq!(names(&ext), [".gitattributes", ".gitmodules", "META.json"]);
}

#[test]
fn what_is_no_repository_or_has_no_commit_is_none() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Checkout::of(dir.path()).unwrap().is_none());
    run(dir.path(), &["init", "-q"]);
    assert!(Checkout::of(dir.path()).unwrap().is_none());
}
