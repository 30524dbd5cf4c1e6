//! `--update-expected`: makes what the tests gave what is expected of them, by `regression.diffs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use diffy::Patch;

use super::Cell;
use super::place::inside;
use crate::console::{Colour, Console};

/// Changes the expected files in a directory, and says which, or why not.
pub(super) fn update(dir: &Path, cells: &[Cell], console: Console) -> Result<()> {
    let mut wanted: BTreeMap<PathBuf, (String, String)> = BTreeMap::new();
    let mut refused: BTreeMap<PathBuf, String> = BTreeMap::new();
    for cell in cells {
        for (path, patch) in cell.diffs().iter().flat_map(|diffs| split(diffs)) {
            let expected = match changed(dir, &path, &patch) {
                Ok(expected) => expected,
                Err(why) => {
                    refused.insert(path.into(), why);
                    continue;
                }
            };
            match wanted.get(Path::new(&path)) {
                Some((on, other)) if *other != expected => {
                    let why =
                        format!("the output on {} is not that on {on}; give one of them a file of its own", cell.on());
                    refused.insert(path.into(), why);
                }
                Some(_) => {}
                None => {
                    wanted.insert(path.into(), (cell.on(), expected));
                }
            }
        }
    }
    wanted.retain(|path, _| !refused.contains_key(path));
    for (path, (_, expected)) in &wanted {
        let file = dir.join(path);
        std::fs::write(&file, expected).with_context(|| format!("write {}", file.display()))?;
        console.line(&format!("{} {}", console.paint(Colour::Green, "updated:"), path.display()));
    }
    for (path, why) in &refused {
        console.line(&format!("{} {}: {why}", console.paint(Colour::Yellow, "left as it is:"), path.display()));
    }
    if wanted.is_empty() && refused.is_empty() {
        console.line("No expected file had to be updated.");
    }
    Ok(())
}

/// The difference of each file by its path below the source; what names no such path is left out.
fn split(diffs: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut lines = diffs.split_inclusive('\n').peekable();
    let mut is_inside = false;
    while let Some(line) = lines.next() {
        if line.starts_with("--- ") && lines.peek().is_some_and(|next| next.starts_with("+++ ")) {
            let path = line["--- ".len()..].trim_end().split('\t').next().unwrap_or_default();
            is_inside = inside(path).map(|path| found.push((path, line.to_owned()))).is_some();
        } else if line.starts_with("diff ") {
            is_inside = false;
        } else if let Some((_, patch)) = found.last_mut().filter(|_| is_inside) {
            patch.push_str(line);
        }
    }
    found
}

/// An expected file with the difference in it. Nothing outside of the directory is read, wherever a link leads.
fn changed(dir: &Path, path: &str, difference: &str) -> Result<String, String> {
    let whole = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
    let (root, file) = (whole(dir)?, whole(&dir.join(path))?);
    if !file.starts_with(root) {
        return Err("it is a link to somewhere else".into());
    }
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let read = Patch::from_str(difference).map_err(|error| format!("its difference cannot be read: {error}"))?;
    diffy::apply(&text, &read).map_err(|error| format!("its difference does not fit: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::failing;
    use super::*;

    /// A distribution whose test expects these lines between ten others and one.
    fn tree(expected: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("test/expected")).unwrap();
        std::fs::write(dir.path().join("test/expected/pair.out"), expected).unwrap();
        dir
    }

    fn read(dir: &Path) -> String {
        std::fs::read_to_string(dir.join("test/expected/pair.out")).unwrap()
    }

    const BEFORE: &str = "0\n0\n0\n0\n0\n0\n0\n0\n0\n0\none\ntwo\nend\n";

    #[test]
    fn what_a_test_gave_becomes_what_is_expected() {
        let dir = tree(BEFORE);
        update(dir.path(), &[failing("end")], Console::stderr(true)).unwrap();
        assert_eq!(read(dir.path()), BEFORE.replace("two", "three"));
    }

    #[test]
    fn a_file_that_does_not_fit_or_lies_elsewhere_is_left() {
        let dir = tree("something else\n");
        update(dir.path(), &[failing("end")], Console::stderr(true)).unwrap();
        assert_eq!(read(dir.path()), "something else\n");
        let (dir, other) = (tree(""), tree(BEFORE));
        let link = dir.path().join("test/expected/pair.out");
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(other.path().join("test/expected/pair.out"), &link).unwrap();
        update(dir.path(), &[failing("end")], Console::stderr(true)).unwrap();
        assert_eq!(read(other.path()), BEFORE);
    }

    #[test]
    fn what_differs_from_server_to_server_is_nobody_s() {
        let dir = tree(BEFORE);
        let mut other = failing("end");
        let file = &mut other.completed.files[0];
        let text = String::from_utf8(file.bytes()).unwrap().replace("three", "four");
        file.zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        update(dir.path(), &[failing("end"), other], Console::stderr(true)).unwrap();
        assert_eq!(read(dir.path()), BEFORE);
    }
}
