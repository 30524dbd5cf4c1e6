//! What a prerequisite installed, taken out of its container as a tar file, and made anew on the way: its files and links, and nothing else.
//!
//! Whatever runs in that container can write into the stream, whoever reads it. So nothing of it is passed on as it came: names have to stay
//! below the server's directories and may not lead through a link, other kinds of files are refused, and owners, modes and sizes are the
//! runner's own. One entry that cannot be right makes the whole useless: an honest `make install` has none.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

use crate::judge;

/// What one prerequisite installs may have so many bytes.
pub(super) const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// And so many files and links.
const MAX_ENTRIES: usize = 50_000;
/// A name may have so many bytes.
const MAX_NAME: u64 = 4_096;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiftError {
    /// The prerequisite's doing.
    #[error("{0}")]
    Refused(String),
    /// The runner's own.
    #[error("what it installed could not be kept")]
    Kept(#[source] io::Error),
}

/// Reads a tar file and writes it anew; the names that it has, without the slash at their beginning.
pub(crate) fn sift<W: Write>(from: impl Read, to: W, dirs: &[String]) -> Result<(W, BTreeSet<PathBuf>), SiftError> {
    let mut archive = Archive::new(from.take(MAX_BYTES + 1));
    let mut sifted = Sifted { to: Builder::new(to), names: BTreeSet::new(), links: BTreeSet::new(), bytes: 0 };
    let (mut long_name, mut long_target) = (None, None);
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        let (kind, size) = (entry.header().entry_type(), entry.size());
        sifted.bytes = sifted.bytes.saturating_add(size).saturating_add(512);
        if sifted.bytes > MAX_BYTES {
            return Err(too_much());
        }
        if sifted.names.len() >= MAX_ENTRIES {
            return Err(refused(format!("it installs more than {MAX_ENTRIES} files")));
        }
        if matches!(kind, EntryType::GNULongName | EntryType::GNULongLink) {
            let place = if kind == EntryType::GNULongName { &mut long_name } else { &mut long_target };
            *place = Some(long(&mut entry, size)?);
            continue;
        }
        let name = path(long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned()));
        let target = long_target.take().or_else(|| entry.link_name_bytes().map(std::borrow::Cow::into_owned)).map(path);
        sifted.check_name(&name, dirs)?;
        match (kind, target) {
            (EntryType::Regular | EntryType::Continuous, _) => sifted.file(&name, &mut entry)?,
            (EntryType::Symlink, Some(target)) if size == 0 => sifted.link(&name, &target, kind)?,
            // Another name of a file that came before.
            (EntryType::Link, Some(target)) if size == 0 && sifted.names.contains(&target) && target != name => {
                sifted.link(&name, &target, kind)?;
            }
            _ => return Err(refused(format!("it installs something that is neither file nor link: {}", shown(&name)))),
        }
    }
    // What stands behind the end of a tar file is padding; only at the end of all does it show that nothing broke off.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(broken)?;
    if rest.limit() == 0 {
        return Err(too_much());
    }
    let to = sifted.to.into_inner().map_err(SiftError::Kept)?;
    Ok((to, sifted.names))
}

struct Sifted<W: Write> {
    to: Builder<W>,
    names: BTreeSet<PathBuf>,
    links: BTreeSet<PathBuf>,
    bytes: u64,
}

impl<W: Write> Sifted<W> {
    fn check_name(&mut self, name: &Path, dirs: &[String]) -> Result<(), SiftError> {
        let is_plain = name.components().all(|part| matches!(part, Component::Normal(_)));
        let is_below =
            |dir: &String| name.strip_prefix(dir.trim_start_matches('/')).is_ok_and(|rest| rest != Path::new(""));
        let through_link = name.ancestors().skip(1).any(|above| self.links.contains(above));
        if is_plain && !through_link && dirs.iter().any(is_below) {
            let is_new = self.names.insert(name.to_owned());
            return if is_new { Ok(()) } else { Err(refused(format!("it installs {} twice", shown(name)))) };
        }
        Err(refused(format!("it installs something outside of the server's directories: {}", shown(name))))
    }

    fn file(&mut self, name: &Path, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), SiftError> {
        let size = entry.size();
        let executable = entry.header().mode().unwrap_or_default() & 0o111 != 0;
        let mut header = header(EntryType::Regular, if executable { 0o755 } else { 0o644 });
        header.set_mtime(entry.header().mtime().unwrap_or_default());
        header.set_size(size);
        let mut counted = Counted { inner: entry, bytes: 0, broken: false };
        let appended = self.to.append_data(&mut header, name, &mut counted);
        if counted.broken || (appended.is_ok() && counted.bytes < size) {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        appended.map_err(SiftError::Kept)?;
        Ok(())
    }

    fn link(&mut self, name: &Path, target: &Path, kind: EntryType) -> Result<(), SiftError> {
        let mut header = header(kind, 0o777);
        header.set_size(0);
        self.to.append_link(&mut header, name, target).map_err(SiftError::Kept)?;
        if kind == EntryType::Symlink {
            self.links.insert(name.to_owned());
        }
        Ok(())
    }
}

/// Tells a stream that breaks off from a disk that is full.
struct Counted<R> {
    inner: R,
    bytes: u64,
    broken: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).inspect_err(|_| self.broken = true)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn long(entry: &mut impl Read, size: u64) -> Result<Vec<u8>, SiftError> {
    if size > MAX_NAME {
        return Err(refused(format!("it installs something with a name of {size} bytes")));
    }
    let mut name = Vec::new();
    entry.read_to_end(&mut name).map_err(broken)?;
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

fn too_much() -> SiftError {
    refused(format!("it installs more than {} MB", MAX_BYTES / 1024 / 1024))
}

fn refused(why: String) -> SiftError {
    SiftError::Refused(why)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn broken(error: io::Error) -> SiftError {
    tracing::debug!(%error, "what a prerequisite installed is no tar file");
    refused("what it installed did not come out whole".into())
}

/// A name for people: no terminal is painted by it.
pub(crate) fn shown(name: &Path) -> String {
    format!("`{}`", judge::shown(&name.to_string_lossy(), 200))
}

#[cfg(test)]
mod tests;
