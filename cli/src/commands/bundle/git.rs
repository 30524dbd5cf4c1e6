//! What a commit has: the files that git would give to whoever exports it, and those of its submodules.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use pgxn::acceptance::Finding;
use protocol::Timestamp;
use sample::{Node, Tree};
use tar::EntryType;

/// Submodules of submodules are followed this far.
const MAX_DEPTH: usize = 8;
/// So many files are named where some are not committed.
const NAMED: usize = 3;
/// No program that a repository names is called but those that change files as they are checked out.
const SETTINGS: [&str; 6] =
    ["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];
/// What git tells the programs that it calls itself, such as a hook that calls this one.
const OF_ANOTHER: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"];

/// A directory of a repository that has a commit.
#[derive(Debug)]
pub(super) struct Checkout {
    dir: PathBuf,
}

impl Checkout {
    /// The checkout that a directory is in; none where it is in none, or git is not there.
    pub(super) fn of(dir: &Path) -> Result<Option<Self>> {
        let output = match git(dir).args(["rev-parse", "--verify", "--quiet", "HEAD"]).output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            output => output.context("start git")?,
        };
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("dubious ownership") {
            bail!(
                "git refuses to read `{}`, as it is somebody else's: {}",
                dir.display(),
                said.lines().next().unwrap_or_default()
            );
        }
        Ok(output.status.success().then(|| Self { dir: dir.to_owned() }))
    }

    /// What is not committed, and so not in the archive.
    pub(super) fn differences(&self) -> Result<Vec<Finding>> {
        let said = said(git(&self.dir).args(["status", "--porcelain", "-z", "--untracked-files=normal", "--", "."]))?;
        let (mut changed, mut unknown) = (Vec::new(), Vec::new());
        let mut records = said.split('\0').filter(|record| record.len() > 3);
        while let Some(record) = records.next() {
            let (state, name) = (&record[..2], record[3..].to_owned());
            if state.starts_with(['R', 'C']) {
                // The name that it had comes as a record of its own.
                records.next();
            }
            if state == "??" { unknown.push(name) } else { changed.push(name) }
        }
        let mut found = Vec::new();
        if !changed.is_empty() {
            let what = format!("what changed since the last commit is not in the archive: {}", listed(&changed));
            found.push(Finding::trap("uncommitted", what, "commit it, or put it back"));
        }
        if !unknown.is_empty() {
            let what = format!("what git does not know is not in the archive: {}", listed(&unknown));
            found.push(Finding::trap("untracked", what, "add and commit it, or name it in .gitignore"));
        }
        Ok(found)
    }

    /// The files of the last commit below the directory; or why they cannot be had.
    pub(super) fn tree(&self) -> Result<Result<Tree, String>> {
        let mut tree = Tree::default();
        Ok(add(&self.dir, "HEAD", "", &mut tree, MAX_DEPTH)?.map(|()| tree))
    }
}

/// Adds what a commit has, below a prefix.
fn add(dir: &Path, commit: &str, prefix: &str, tree: &mut Tree, depth: usize) -> Result<Result<(), String>> {
    let mut child = git(dir)
        .args(["archive", "--format=tar", commit])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start git")?;
    let out = child.stdout.take().context("git's output is ours")?;
    let directories = read(out, prefix, tree);
    let output = child.wait_with_output().context("wait for git")?;
    if !output.status.success() {
        bail!("git archive of `{}` failed: {}", dir.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    let directories = directories.with_context(|| format!("read what git archives of `{}`", dir.display()))?;
    for (path, commit) in submodules(dir, commit)? {
        // Where it is not in the archive, the repository says that it does not belong there.
        if !directories.contains(&path) {
            continue;
        }
        let below = dir.join(&path);
        if !below.join(".git").exists() {
            return Ok(Err(format!(
                "the submodule `{path}` is not checked out; `git submodule update --init --recursive` does that, in a workflow `submodules: recursive`"
            )));
        }
        if depth == 0 {
            return Ok(Err(format!("submodules are nested more than {MAX_DEPTH} deep, at `{path}`")));
        }
        let has =
            git(&below).args(["cat-file", "-e", &format!("{commit}^{{commit}}")]).output().context("start git")?;
        if !has.status.success() {
            return Ok(Err(format!(
                "the submodule `{path}` has not the commit {commit} that is recorded; `git submodule update --init --recursive` fetches it"
            )));
        }
        if let Err(why) = add(&below, &commit, &format!("{prefix}{path}/"), tree, depth - 1)? {
            return Ok(Err(why));
        }
    }
    Ok(Ok(()))
}

/// Reads what git archives into a tree; the directories that are in it.
fn read(out: impl Read, prefix: &str, tree: &mut Tree) -> Result<Vec<String>> {
    let mut directories = Vec::new();
    let mut archive = tar::Archive::new(out);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = String::from_utf8(entry.path_bytes().into_owned()).context("a file's name is not UTF-8")?;
        let node = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                let executable = entry.header().mode()? & 0o111 != 0;
                let seconds = i64::try_from(entry.header().mtime()?).unwrap_or_default();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                Node::File { bytes, executable, changed_at: Timestamp::from_millis(seconds.saturating_mul(1_000)) }
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
                Node::Link(String::from_utf8(target).context("a link's target is not UTF-8")?)
            }
            EntryType::Directory => {
                directories.push(path.trim_end_matches('/').to_owned());
                continue;
            }
            _ => continue,
        };
        tree.put(format!("{prefix}{path}"), node)?;
    }
    // What follows the end mark is padding, but git wants to be rid of it.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink())?;
    Ok(directories)
}

/// The submodules of a commit below a directory: where they are, and the commits that are recorded of them.
fn submodules(dir: &Path, commit: &str) -> Result<Vec<(String, String)>> {
    let said = said(git(dir).args(["ls-tree", "-r", "-z", commit]))?;
    let one = |record: &str| {
        let (facts, path) = record.split_once('\t')?;
        let commit = facts.strip_prefix("160000 commit ")?;
        Some((path.to_owned(), commit.to_owned()))
    };
    Ok(said.split('\0').filter_map(one).collect())
}

fn git(dir: &Path) -> Command {
    let mut git = Command::new("git");
    git.args(SETTINGS).arg("-C").arg(dir).stdin(Stdio::null());
    for name in OF_ANOTHER {
        git.env_remove(name);
    }
    git
}

/// What git says; an error where it fails.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().context("start git")?;
    if !output.status.success() {
        bail!("git failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests;
