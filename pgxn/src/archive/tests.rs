//! What archives hold that people made, and what attackers would.

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::*;

mod attacks;
mod bombs;
mod damage;

/// A zip in the making.
struct Zip(ZipWriter<Cursor<Vec<u8>>>);

fn plain() -> SimpleFileOptions {
    SimpleFileOptions::default().last_modified_time(DateTime::default())
}

impl Zip {
    fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// One that would be good as it is.
    fn good() -> Self {
        Self::new().file("widget-1.0.0/META.json", META).file("widget-1.0.0/Makefile", "all:\n")
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with(name, content, plain())
    }

    fn file_with(mut self, name: &str, content: impl AsRef<[u8]>, options: SimpleFileOptions) -> Self {
        self.0.start_file(name, options).unwrap();
        self.0.write_all(content.as_ref()).unwrap();
        self
    }

    fn directory(mut self, name: &str) -> Self {
        self.0.add_directory(name, plain()).unwrap();
        self
    }

    fn link(mut self, name: &str, target: &str) -> Self {
        self.0.add_symlink(name, target, plain()).unwrap();
        self
    }

    /// A member of any type of file.
    fn special(self, name: &str, mode: u32) -> Self {
        self.file_with(name, "", plain().external_attributes(mode << 16))
    }

    fn bytes(self) -> Vec<u8> {
        self.0.finish().unwrap().into_inner()
    }

    fn unpack(self) -> Attempt {
        Attempt::of(&self.bytes(), &Limits::default())
    }

    fn unpack_within(self, limits: &Limits) -> Attempt {
        Attempt::of(&self.bytes(), limits)
    }
}

/// An attempt to unpack into a directory of its own, with neighbours that must not change.
struct Attempt {
    around: TempDir,
    result: Result<Tree, UnpackError>,
}

impl Attempt {
    fn of(zip: &[u8], limits: &Limits) -> Self {
        let around = TempDir::new().unwrap();
        let path = around.path().join("archive.zip");
        fs::write(&path, zip).unwrap();
        let dir = around.path().join("a/b");
        fs::create_dir_all(&dir).unwrap();
        let result = unpack(&path, &dir, limits);
        Self { around, result }
    }

    /// The attempt has to have failed for that reason, with a message that holds `word`, and left nothing anywhere.
    #[track_caller]
    fn refused(self, reason: Reason, word: &str) {
        let error = self.result.as_ref().expect_err("it has to be refused");
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
        self.left_nothing();
    }

    #[track_caller]
    fn left_nothing(&self) {
        let left = everything(self.around.path());
        assert_eq!(left, [PathBuf::from("a"), PathBuf::from("a/b"), PathBuf::from("archive.zip")]);
    }

    #[track_caller]
    fn tree(&self) -> &Tree {
        self.result.as_ref().unwrap()
    }
}

/// Everything below a directory, links not followed.
fn everything(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(directory) = ahead.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(root).unwrap().to_owned());
            if path.symlink_metadata().unwrap().is_dir() {
                ahead.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Overwrites a text wherever it stands, in headers and directory alike.
fn patch(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty(), "there is nothing to patch");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}

/// Where the entries of the directory start.
fn directory_entries(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect()
}

const META: &str = r#"{"name":"widget","version":"1.0.0","abstract":"x","maintainer":"A","license":"postgresql",
    "provides":{"widget":{"file":"widget.sql","version":"1.0.0"}},"meta-spec":{"version":"1.0.0"}}"#;

#[test]
fn a_good_archive_comes_out_as_it_went_in() {
    let old = DateTime::from_date_and_time(2020, 5, 17, 12, 30, 10).unwrap();
    let attempt = Zip::good()
        .directory("widget-1.0.0/sql")
        .file_with("widget-1.0.0/sql/widget.sql", "SELECT 1;\n", plain().last_modified_time(old))
        .file_with("widget-1.0.0/configure", "#!/bin/sh\n", plain().unix_permissions(0o600))
        .file_with("widget-1.0.0/tool", "\x7fELF", plain().unix_permissions(0o777))
        .file_with("widget-1.0.0/stored", "as it is", plain().compression_method(CompressionMethod::Stored))
        .file("widget-1.0.0/doc/deep/näme with space.md", "")
        .link("widget-1.0.0/README", "doc/deep/näme with space.md")
        .unpack();
    let tree = attempt.tree();
    assert_eq!(tree.root, attempt.around.path().join("a/b/widget-1.0.0"));
    let paths: Vec<&str> = tree.entries.iter().map(|entry| entry.path.to_str().unwrap()).collect();
    let expected = [
        "META.json",
        "Makefile",
        "README",
        "configure",
        "doc",
        "doc/deep",
        "doc/deep/näme with space.md",
        "sql",
        "sql/widget.sql",
        "stored",
        "tool",
    ];
    assert_eq!(paths, expected);
    let mode = |path: &str| tree.root.join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(["Makefile", "configure", "tool", "doc"].map(mode), [0o644, 0o755, 0o755, 0o755]);
    assert_eq!(fs::read_to_string(tree.root.join("sql/widget.sql")).unwrap(), "SELECT 1;\n");
    assert_eq!(fs::read_to_string(tree.root.join("stored")).unwrap(), "as it is");
    assert_eq!(fs::read_to_string(tree.root.join("README")).unwrap(), "");
    assert!(tree.has_file("sql/widget.sql") && !tree.has_file("sql") && !tree.has_file("README"));
    assert_eq!((tree.files(), tree.bytes()), (7, (META.len() + 5 + 10 + 10 + 4 + 8) as u64));
    assert_eq!(tree.meta().unwrap().name.as_str(), "widget");
    let modified = tree.root.join("sql/widget.sql").metadata().unwrap().modified().unwrap();
    assert_eq!(modified, SystemTime::UNIX_EPOCH + Duration::from_secs(1_589_718_610));
}

#[test]
fn what_is_listed_of_an_unpacked_tree_is_what_is_there() {
    let attempt = Zip::good().file("widget-1.0.0/a/b", "x").link("widget-1.0.0/a/c", "b").unpack();
    let tree = attempt.tree();
    let read = Tree::of_directory(&tree.root, &Limits::default(), |_| false).unwrap();
    assert_eq!(&read, tree);
}

#[test]
fn a_time_in_the_future_does_not_come_out() {
    let future = DateTime::from_date_and_time(2107, 1, 1, 0, 0, 0).unwrap();
    let attempt = Zip::good().file_with("widget-1.0.0/a", "", plain().last_modified_time(future)).unpack();
    let modified = |path: &Path| path.metadata().unwrap().modified().unwrap();
    assert_eq!(modified(&attempt.tree().root.join("a")), modified(&attempt.around.path().join("archive.zip")));
}

#[test]
fn parts_of_a_name_that_mean_nothing_are_left_out() {
    let attempt =
        Zip::new().directory("./").file("./widget-1.0.0//META.json", META).file("widget-1.0.0/./a", "x").unpack();
    assert_eq!(everything(&attempt.tree().root), [PathBuf::from("META.json"), PathBuf::from("a")]);
}

#[test]
fn the_one_root_may_have_any_name() {
    let attempt = Zip::new().file("some dir/META.json", META).unpack();
    assert!(attempt.tree().root.ends_with("some dir"));
}

#[test]
fn a_directory_that_is_there_is_neither_filled_nor_removed() {
    let around = TempDir::new().unwrap();
    let zip = around.path().join("a.zip");
    fs::write(&zip, Zip::good().bytes()).unwrap();
    let mine = around.path().join("widget-1.0.0");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("precious"), "x").unwrap();
    let error = unpack(&zip, around.path(), &Limits::default()).unwrap_err();
    assert!(matches!(&error, UnpackError::File { path, .. } if *path == mine), "{error}");
    assert_eq!(everything(&mine), [PathBuf::from("precious")]);
}

#[test]
fn a_root_that_is_a_link_to_elsewhere_is_not_followed() {
    let around = TempDir::new().unwrap();
    let (zip, elsewhere, dir) = (around.path().join("a.zip"), around.path().join("elsewhere"), around.path().join("d"));
    fs::write(&zip, Zip::good().bytes()).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    fs::create_dir(&dir).unwrap();
    std::os::unix::fs::symlink(&elsewhere, dir.join("widget-1.0.0")).unwrap();
    assert!(unpack(&zip, &dir, &Limits::default()).is_err());
    assert_eq!(everything(&elsewhere), [] as [PathBuf; 0]);
}

#[test]
fn a_meta_that_is_not_in_the_root_or_not_a_file_is_named() {
    for (zip, word) in [
        (Zip::new().file("w/sub/META.json", META).bytes(), "not in the top directory"),
        (Zip::new().file("w/meta.json", META).link("w/META.json", "meta.json").bytes(), "not in the top directory"),
        (Zip::new().directory("w/META.json").bytes(), "not in the top directory"),
        (Zip::new().file("w/META.json", vec![b' '; 1024 * 1024 + 1]).bytes(), "larger than"),
        (Zip::new().file("w/META.json", "{\"name\":").bytes(), "JSON that breaks off"),
    ] {
        let attempt = Attempt::of(&zip, &Limits::default());
        let error = attempt.tree().meta().unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_checkout_is_listed_without_its_git_and_within_limits() {
    let root = TempDir::new().unwrap();
    for path in [".git/objects/x", "src/a.c", "src/.git", "target/big"] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "12345").unwrap();
    }
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    let list = |limits| Tree::of_directory(root.path(), &limits, |path| path == Path::new("target"));
    let tree = list(Limits::default()).unwrap();
    let paths: Vec<&str> = tree.entries.iter().map(|entry| entry.path.to_str().unwrap()).collect();
    assert_eq!(paths, ["src", "src/.git", "src/a.c"]);
    let few = list(Limits { max_members: 2, ..Limits::default() }).unwrap_err();
    assert_eq!(few.reason(), Reason::TooManyFiles);
    let small = list(Limits { max_bytes: 9, ..Limits::default() }).unwrap_err();
    assert_eq!(small.reason(), Reason::TooLarge);
}
