//! Writes a planned tree: directories, then files, then links, each newly made.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::open::{Opened, read_failed, unreadable};
use super::plan::{Node, Plan};
use super::tree::{EntryKind, Tree, TreeEntry};
use super::{Limits, UnpackError, shown};

/// Below this many bytes in all, no ratio is too good to be true.
const SMALL: u64 = 32 * 1024 * 1024;

/// A file to be written.
struct Member<'a> {
    name: &'a str,
    index: usize,
    executable: bool,
    modified: SystemTime,
}

/// How much may still be written.
struct Allowance<'a> {
    limits: &'a Limits,
    written: u64,
    /// The lower of the total limit and what the ratio allows.
    total: u64,
}

pub(super) fn write(opened: &mut Opened, plan: &Plan, dir: &Path, limits: &Limits) -> Result<Tree, UnpackError> {
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let root = dir.join(&plan.root);
    // A directory that is not ours is neither filled nor, on failure, removed.
    fs::create_dir(&root).map_err(failed(&root))?;
    let written = write_all(opened, plan, dir, limits);
    if written.is_err()
        && let Err(error) = fs::remove_dir_all(&root)
    {
        tracing::warn!(path = %root.display(), %error, "what was unpacked so far cannot be removed");
    }
    Ok(Tree::new(root, written?))
}

fn write_all(opened: &mut Opened, plan: &Plan, dir: &Path, limits: &Limits) -> Result<Vec<TreeEntry>, UnpackError> {
    let by_ratio = opened.bytes.saturating_mul(limits.max_ratio).max(SMALL);
    let mut allowance = Allowance { limits, written: 0, total: limits.max_bytes.min(by_ratio) };
    let mut entries = Vec::with_capacity(plan.nodes.len());
    for (name, node) in &plan.nodes {
        let path = dir.join(name);
        let kind = match node {
            Node::Directory if *name == plan.root => {
                fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(failed(&path))?;
                continue;
            }
            Node::Directory => {
                fs::create_dir(&path).map_err(failed(&path))?;
                fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(failed(&path))?;
                EntryKind::Directory
            }
            Node::File { index, executable, modified } => {
                let member = Member { name, index: *index, executable: *executable, modified: *modified };
                let (bytes, executable) = file(opened, &member, &path, &mut allowance)?;
                EntryKind::File { bytes, executable }
            }
            Node::Link { target } => EntryKind::Link { target: target.clone() },
        };
        let below = name.strip_prefix(&plan.root).unwrap_or(name).trim_start_matches('/');
        entries.push(TreeEntry { path: PathBuf::from(below), kind });
    }
    for (name, node) in &plan.nodes {
        if let Node::Link { target } = node {
            let path = dir.join(name);
            symlink(target, &path).map_err(failed(&path))?;
        }
    }
    Ok(entries)
}

/// Writes one file and says how large it came out and whether it is executable.
fn file(
    opened: &mut Opened,
    member: &Member<'_>,
    path: &Path,
    allowance: &mut Allowance<'_>,
) -> Result<(u64, bool), UnpackError> {
    let source = opened.path.clone();
    let mut content = opened.zip.by_index(member.index).map_err(|error| unreadable(&source, error))?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed(path))?;
    let mut buffer = vec![0; 64 * 1024];
    let (mut bytes, mut script) = (0_u64, false);
    loop {
        let what = || format!("its member `{}` is damaged", shown(member.name));
        let count = fill(&mut content, &mut buffer).map_err(|error| read_failed(&source, error, &what()))?;
        if count == 0 {
            break;
        }
        script |= bytes == 0 && buffer[..count].starts_with(b"#!");
        bytes += count as u64;
        allowance.take(member.name, bytes, count as u64)?;
        file.write_all(&buffer[..count]).map_err(failed(path))?;
    }
    let executable = member.executable || script;
    finish(&file, executable, member.modified).map_err(failed(path))?;
    Ok((bytes, executable))
}

fn finish(file: &File, executable: bool, modified: SystemTime) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    file.set_modified(modified)
}

/// Reads until the buffer is full or the content ends, so that two bytes of `#!` are never split.
fn fill(content: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl Allowance<'_> {
    /// Counts what really came out, whatever the archive declares.
    fn take(&mut self, name: &str, of_file: u64, more: u64) -> Result<(), UnpackError> {
        self.written += more;
        if of_file > self.limits.max_file_bytes {
            let what = format!("`{}`", shown(name));
            return Err(UnpackError::TooLarge { what, limit: self.limits.max_file_bytes });
        }
        if self.written > self.total {
            return Err(UnpackError::TooLarge { what: "the archive".to_owned(), limit: self.total });
        }
        Ok(())
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> UnpackError {
    move |source| UnpackError::File { path: path.to_owned(), act: "written", source }
}
