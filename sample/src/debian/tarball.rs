//! Reads an upstream tarball into memory; apt's own helper decompresses it, so that no other program has to be there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use protocol::Timestamp;
use tar::EntryType;

use super::apt::HELPER;
use crate::{Error, Node, Tree};

/// A tarball that unpacks to more is refused; PostgreSQL's own has a tenth of it.
const MAX_BYTES: u64 = 2 << 30;
/// A tarball with more members is refused.
const MAX_MEMBERS: usize = 100_000;

/// Reads the tarball, or only one directory of it, without its one top directory and without Debian's and git's own files.
pub(super) fn read(path: &Path, subdirectory: Option<&str>) -> Result<Tree, Error> {
    let label = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut helper = Command::new(HELPER)
        .arg("cat-file")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::io("start", Path::new(HELPER)))?;
    let out = helper.stdout.take().expect("its output was asked for");
    let members = members(out.take(MAX_BYTES), subdirectory).map_err(|error| Error::archive(&label, error));
    if members.is_err() {
        // It may still be writing to a pipe that nobody reads.
        let _ = helper.kill();
    }
    let status = helper.wait().map_err(Error::io("wait for", Path::new(HELPER)))?;
    let members = members?;
    if !status.success() {
        return Err(Error::archive(label, "it could not be decompressed"));
    }
    tree(members, subdirectory).map_err(|why| Error::archive(label, why))
}

/// What was read: nodes by their whole names, and the first components of all names.
struct Members {
    nodes: BTreeMap<String, Node>,
    roots: BTreeSet<String>,
}

fn members(out: impl Read, subdirectory: Option<&str>) -> std::io::Result<Members> {
    let wrong = |why: String| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    let mut members = Members { nodes: BTreeMap::new(), roots: BTreeSet::new() };
    let mut archive = tar::Archive::new(out);
    for (count, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            continue;
        }
        let name = clean(&String::from_utf8_lossy(&entry.path_bytes())).map_err(wrong)?;
        if count >= MAX_MEMBERS {
            return Err(wrong(format!("it has more than {MAX_MEMBERS} members")));
        }
        let Some((root, rest)) = name.split_once('/') else {
            if !entry.header().entry_type().is_dir() && !name.is_empty() {
                members.roots.insert(format!("{name} (a file)"));
            }
            continue;
        };
        members.roots.insert(root.to_owned());
        if subdirectory.is_some_and(|wanted| !rest.starts_with(&format!("{wanted}/"))) {
            continue;
        }
        if let Some(node) = node(&mut entry, &members.nodes)? {
            members.nodes.insert(name, node);
        }
    }
    // What follows the end mark is padding, but the helper wants to be rid of it.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink())?;
    Ok(members)
}

/// The name without a leading `./`; one that leaves the tarball is refused.
fn clean(name: &str) -> Result<String, String> {
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if name.starts_with('/') || parts.contains(&"..") {
        return Err(format!("member `{name}` leaves it"));
    }
    Ok(parts.join("/"))
}

fn node<R: Read>(entry: &mut tar::Entry<'_, R>, before: &BTreeMap<String, Node>) -> std::io::Result<Option<Node>> {
    let target = entry.link_name_bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous => {
            let executable = entry.header().mode()? & 0o111 != 0;
            let seconds = i64::try_from(entry.header().mtime()?).unwrap_or_default();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            Some(Node::File { bytes, executable, changed_at: Timestamp::from_millis(seconds.saturating_mul(1000)) })
        }
        EntryType::Symlink => target.map(Node::Link),
        EntryType::Link => target.and_then(|target| before.get(&clean(&target).ok()?).cloned()),
        _ => None,
    })
}

fn tree(members: Members, subdirectory: Option<&str>) -> Result<Tree, String> {
    let mut roots = members.roots.into_iter();
    let (Some(root), None) = (roots.next(), roots.next()) else {
        return Err("it does not have one top directory".to_owned());
    };
    let prefix = subdirectory.map_or_else(|| format!("{root}/"), |dir| format!("{root}/{dir}/"));
    let mut tree = Tree::default();
    for (name, node) in members.nodes {
        let Some(name) = name.strip_prefix(&prefix) else { continue };
        if !matches!(name.split('/').next(), Some("debian" | ".git" | ".gitmodules")) {
            tree.put(name, node).map_err(|error| error.to_string())?;
        }
    }
    if tree.names().next().is_none() {
        return Err(format!("it has no `{prefix}`"));
    }
    Ok(tree)
}
