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

/// Everything in a directory that a run would take.
pub(crate) fn tree_of(dir: &Path) -> Result<Tree, UnpackError> {
    list(dir).map(|(tree, _)| tree)
}

/// A directory may come from anywhere, and so may the `.git` in it. Of the programs that a repository can name, `ls-files` would call two: a
/// monitor of the file system, and what fetches an object that a sparse index needs and a partial clone has not. Hooks and a pager are not
/// called today.
const TRUSTS_NOTHING: [&str; 6] =
    ["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];
/// Nothing is fetched, nor could it be by a git that does not know the first of these: unlike a setting, the second cannot be overruled.
const FETCHES_NOTHING: [(&str, &str); 2] = [("GIT_NO_LAZY_FETCH", "1"), ("GIT_ALLOW_PROTOCOL", "none")];
/// What git tells the programs that it calls itself, such as a hook that calls this one: another repository than that of the directory.
const OF_ANOTHER: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"];

/// Every file that git tracks or would track, with the directories above; none where the directory is no checkout, or git is not there.
fn known_to_git(dir: &Path) -> Option<HashSet<PathBuf>> {
    let mut git = Command::new("git");
    git.args(TRUSTS_NOTHING).envs(FETCHES_NOTHING);
    for name in OF_ANOTHER {
        git.env_remove(name);
    }
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

    /// What git says there.
    fn git(dir: &Path, words: &[&str]) -> String {
        let output = Command::new("git").arg("-C").arg(dir).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn objects_of_an_earlier_build_are_left_out_of_a_checkout() {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q"]);
        std::fs::create_dir(dir.path().join("src")).unwrap();
        for (name, text) in [(".gitignore", "*.o\n"), ("Makefile", "all:\n"), ("src/a.c", ""), ("src/a.o", "")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        assert_eq!(names(dir.path()), [".gitignore", "Makefile", "src", "src/a.c"]);
    }

    /// A checkout that calls what stands in its configuration; and the file that is written when that is called.
    fn trap(dir: &Path, config: &[(&str, &str)]) -> PathBuf {
        let (program, sprung) = (dir.join("program"), dir.join("sprung"));
        std::fs::write(&program, format!("#!/bin/sh\n: > '{}'\n", sprung.display())).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let checkout = dir.join("checkout");
        std::fs::create_dir_all(checkout.join("away")).unwrap();
        std::fs::write(checkout.join("Makefile"), "all:\n").unwrap();
        std::fs::write(checkout.join("away/a.c"), "").unwrap();
        git(&checkout, &["init", "-q"]);
        git(&checkout, &["add", "."]);
        git(&checkout, &["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "a"]);
        for (name, value) in config {
            git(&checkout, &["config", name, &value.replace("PROGRAM", program.to_str().unwrap())]);
        }
        sprung
    }

    #[test]
    fn a_program_that_a_planted_configuration_names_is_not_called() {
        let dir = tempfile::tempdir().unwrap();
        let sprung = trap(
            dir.path(),
            &[("core.fsmonitor", "PROGRAM"), ("core.pager", "PROGRAM"), ("pager.ls-files", "PROGRAM")],
        );
        assert_eq!(names(&dir.path().join("checkout")), ["Makefile", "away", "away/a.c"]);
        assert!(!sprung.exists());
    }

    #[test]
    fn nothing_is_fetched_for_a_planted_index_that_lacks_an_object() {
        let remotes = [
            [("remote.origin.url", "/nowhere"), ("remote.origin.uploadpack", "PROGRAM")],
            [("remote.origin.url", "ssh://nowhere/nothing"), ("core.sshCommand", "PROGRAM")],
            [("remote.origin.url", "ext::PROGRAM"), ("protocol.ext.allow", "always")],
        ];
        for remote in remotes {
            let dir = tempfile::tempdir().unwrap();
            let sprung = trap(dir.path(), &remote);
            let checkout = dir.path().join("checkout");
            git(&checkout, &["sparse-checkout", "set", "--cone", "--sparse-index"]);
            git(&checkout, &["config", "core.repositoryFormatVersion", "1"]);
            git(&checkout, &["config", "extensions.partialClone", "origin"]);
            git(&checkout, &["config", "remote.origin.promisor", "true"]);
            let object = git(&checkout, &["rev-parse", "HEAD:away"]);
            let (folder, file) = object.trim().split_at(2);
            std::fs::remove_file(checkout.join(".git/objects").join(folder).join(file)).unwrap();
            assert_eq!(names(&checkout), ["Makefile"]);
            assert!(!sprung.exists(), "{remote:?}");
        }
    }

    #[test]
    fn a_directory_that_is_no_checkout_is_taken_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.o"), "").unwrap();
        assert_eq!(names(dir.path()), ["a.o"]);
    }
}
