//! The tree that an archive would make, checked as a whole before any of it exists.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, SystemTime};

use zip::ExtraField;

use super::open::{Opened, read_failed, unreadable};
use super::{Limits, UnpackError, link, name, not_an_archive, shown};

const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// What is to be made.
pub(crate) enum Node {
    Directory,
    File { index: usize, executable: bool, modified: SystemTime },
    Link { target: String },
}

/// What is to be made, by path; a directory always stands before what is in it.
pub(crate) struct Plan {
    pub(super) root: String,
    pub(super) nodes: BTreeMap<String, Node>,
}

/// Checks every member.
pub(crate) fn plan(opened: &mut Opened, limits: &Limits) -> Result<Plan, UnpackError> {
    let mut nodes = BTreeMap::new();
    let mut root: Option<String> = None;
    let mut declared = 0_u64;
    for index in 0..opened.zip.len() {
        let full_name = full_name(opened, index)?;
        let parts = name::parts(&full_name)?;
        let (node, bytes) = member(opened, index, &full_name, limits)?;
        if parts.is_empty() {
            // `./` is where the archive itself stands; nothing else may have that name.
            if matches!(node, Node::Directory) {
                continue;
            }
            return Err(UnpackError::UnsafePath { name: shown(&full_name), why: "names nothing" });
        }
        let top = root.get_or_insert_with(|| parts[0].to_owned());
        if top != parts[0] || (parts.len() == 1 && !matches!(node, Node::Directory)) {
            let second = shown(parts[0]);
            return Err(UnpackError::SeveralRoots { first: shown(top), second });
        }
        declared = declared.saturating_add(bytes);
        if declared > limits.max_bytes {
            return Err(UnpackError::TooLarge { what: "the archive".to_owned(), limit: limits.max_bytes });
        }
        place(&mut nodes, &parts, node)?;
        if nodes.len() > limits.max_members {
            return Err(UnpackError::TooManyFiles { limit: limits.max_members });
        }
    }
    for (name, node) in &nodes {
        if let Node::Link { target } = node {
            link::check(&nodes, name, target)?;
        }
    }
    let root = root.ok_or_else(|| not_an_archive("it is empty"))?;
    Ok(Plan { root, nodes })
}

/// Puts a member where its name says, with the directories that the name implies.
fn place(nodes: &mut BTreeMap<String, Node>, parts: &[&str], node: Node) -> Result<(), UnpackError> {
    for depth in 1..parts.len() {
        let parent = parts[..depth].join("/");
        if !matches!(nodes.entry(parent.clone()).or_insert(Node::Directory), Node::Directory) {
            return Err(UnpackError::DuplicateName { name: shown(&parent), how: "both as a file and as a directory" });
        }
    }
    let path = parts.join("/");
    match (nodes.get(&path), &node) {
        (None, _) => {
            nodes.insert(path, node);
            Ok(())
        }
        // A directory may be implied before it is listed; listed twice, it is still one directory.
        (Some(Node::Directory), Node::Directory) => Ok(()),
        (Some(Node::Directory), _) | (Some(_), Node::Directory) => {
            Err(UnpackError::DuplicateName { name: shown(&path), how: "both as a file and as a directory" })
        }
        (Some(_), _) => Err(UnpackError::DuplicateName { name: shown(&path), how: "twice" }),
    }
}

/// A member's name, in UTF-8 also where the archive forgets to say so.
fn full_name(opened: &Opened, index: usize) -> Result<String, UnpackError> {
    let entry = opened.zip.by_index_data(index).map_err(|error| unreadable(&opened.path, error))?;
    match std::str::from_utf8(entry.name_raw()) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Ok(entry.name().map_err(|error| unreadable(&opened.path, error))?.into_owned()),
    }
}

/// What a member is, and how large it says it is.
fn member(opened: &mut Opened, index: usize, name: &str, limits: &Limits) -> Result<(Node, u64), UnpackError> {
    let entry = opened.zip.by_index_data(index).map_err(|error| unreadable(&opened.path, error))?;
    if entry.encrypted() {
        return Err(not_an_archive(format!("its member `{}` is encrypted", shown(name))));
    }
    let mode = entry.unix_mode().unwrap_or(0);
    let bytes = entry.size();
    if bytes > limits.max_file_bytes {
        return Err(UnpackError::TooLarge { what: format!("`{}`", shown(name)), limit: limits.max_file_bytes });
    }
    let node = match mode & TYPE {
        LINK => Node::Link { target: target(opened, index, name)? },
        DIRECTORY => directory(name, bytes)?,
        0 | REGULAR if name.ends_with('/') => directory(name, bytes)?,
        0 | REGULAR => {
            let modified = modified(opened, index)?.min(opened.modified);
            Node::File { index, executable: mode & 0o111 != 0, modified }
        }
        other => return Err(UnpackError::SpecialFile { name: shown(name), kind: kind(other) }),
    };
    Ok((node, bytes))
}

fn directory(name: &str, bytes: u64) -> Result<Node, UnpackError> {
    if bytes > 0 {
        return Err(not_an_archive(format!("its directory `{}` has content of its own", shown(name))));
    }
    Ok(Node::Directory)
}

/// A link's target, which stands in its content.
fn target(opened: &mut Opened, index: usize, name: &str) -> Result<String, UnpackError> {
    let content = opened.zip.by_index(index).map_err(|error| unreadable(&opened.path, error))?;
    let mut target = Vec::new();
    let read = content.take(link::MAX_TARGET_BYTES + 1).read_to_end(&mut target);
    read.map_err(|source| read_failed(&opened.path, source, &format!("its link `{}` is damaged", shown(name))))?;
    let shown_target = shown(&String::from_utf8_lossy(&target));
    let refuse = |why| UnpackError::UnsafeLink { name: shown(name), target: shown_target.clone(), why };
    if target.len() as u64 > link::MAX_TARGET_BYTES {
        return Err(refuse("is longer than 1024 bytes"));
    }
    String::from_utf8(target).map_err(|_| refuse("is not UTF-8"))
}

/// A member's time: in UTC where Info-ZIP's extra field says it, else the zip's own, which has no zone and is taken as UTC.
fn modified(opened: &mut Opened, index: usize) -> Result<SystemTime, UnpackError> {
    let raw = opened.zip.by_index_raw(index).map_err(|error| unreadable(&opened.path, error))?;
    let exact = raw.extra_data_fields().find_map(|field| match field {
        ExtraField::ExtendedTimestamp(times) => times.mod_time().map(u64::from),
        _ => None,
    });
    let seconds = exact.or_else(|| raw.last_modified().and_then(seconds));
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unwrap_or(0)))
}

fn seconds(time: zip::DateTime) -> Option<u64> {
    let part = |number: u8| i8::try_from(number).ok();
    let (year, month, day) = (i16::try_from(time.year()).ok()?, part(time.month())?, part(time.day())?);
    let (hour, minute, second) = (part(time.hour())?, part(time.minute())?, part(time.second())?);
    let civil = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    u64::try_from(zoned.timestamp().as_second()).ok()
}

fn kind(mode: u32) -> &'static str {
    match mode {
        0o010_000 => "pipe",
        0o020_000 | 0o060_000 => "device",
        0o140_000 => "socket",
        _ => "file of an unknown type",
    }
}
