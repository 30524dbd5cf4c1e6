//! Phase unpack: the archive as a tree of files, or a directory as git would give it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pgxn::archive::{Limits, Tree, UnpackError, unpack};
use protocol::Phase;

use crate::run::fetch::Fetched;
use crate::run::stop::in_words;
use crate::run::{Book, Request, Source, Step};

/// Unpacks below `dir`.
pub(crate) async fn run(request: &Request, fetched: Option<Fetched>, dir: &Path, book: &mut Book<'_>) -> Step<Tree> {
    let reading = match (&request.source, fetched) {
        (_, Some(Fetched { zip, .. })) => {
            book.begin(Phase::Unpack).await;
            let dir = dir.join("tree");
            tokio::task::spawn_blocking(move || unpack(&zip, &dir, &Limits::default()).map(|tree| (tree, false)))
        }
        (Source::Directory(path), None) => {
            book.begin(Phase::Unpack).await;
            let path = path.clone();
            tokio::task::spawn_blocking(move || list(&path))
        }
        (_, None) => unreachable!("the phase fetch gives an archive for everything else"),
    };
    match reading.await.expect("unpacking does not panic") {
        Ok((tree, by_git)) => {
            if by_git {
                book.note("Of the directory, what git ignores was left out.").await;
            }
            book.pass().await;
            Ok(tree)
        }
        Err(error) => Err(book.refuse(error.reason(), in_words(&error)).await),
    }
}

/// Lists a directory; whether git said what belongs to it.
fn list(dir: &Path) -> Result<(Tree, bool), UnpackError> {
    let known = known_to_git(dir);
    let by_git = known.is_some();
    let skip = |path: &Path| known.as_ref().is_some_and(|known| !known.contains(path));
    Tree::of_directory(dir, &Limits::default(), skip).map(|tree| (tree, by_git))
}

/// Every file that git tracks or would track, with the directories above; none where the directory is no checkout, or git is not there.
fn known_to_git(dir: &Path) -> Option<HashSet<PathBuf>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(dir).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output =
        git.stdin(Stdio::null()).stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    let mut known = HashSet::new();
    for name in output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let path = PathBuf::from(String::from_utf8_lossy(name).into_owned());
        known.extend(path.ancestors().filter(|path| !path.as_os_str().is_empty()).map(Path::to_path_buf));
    }
    (!known.is_empty()).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let (tree, _) = list(dir).unwrap();
        tree.entries.iter().map(|entry| entry.path.display().to_string()).collect()
    }

    #[test]
    fn objects_of_an_earlier_build_are_left_out_of_a_checkout() {
        let dir = tempfile::tempdir().unwrap();
        let git = |words: &[&str]| {
            assert!(
                Command::new("git")
                    .arg("-C")
                    .arg(dir.path())
                    .args(words)
                    .stdout(Stdio::null())
                    .status()
                    .unwrap()
                    .success()
            );
        };
        git(&["init", "-q"]);
        std::fs::create_dir(dir.path().join("src")).unwrap();
        for (name, text) in [(".gitignore", "*.o\n"), ("Makefile", "all:\n"), ("src/a.c", ""), ("src/a.o", "")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        assert_eq!(names(dir.path()), [".gitignore", "Makefile", "src", "src/a.c"]);
    }

    #[test]
    fn a_directory_that_is_no_checkout_is_taken_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.o"), "").unwrap();
        assert_eq!(names(dir.path()), ["a.o"]);
    }
}
