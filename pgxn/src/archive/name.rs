//! Which names a member may have: plain relative paths, read the same by every program.

use super::{UnpackError, shown};

/// The most that a path may have, well below what any file system refuses.
const MAX_PATH_BYTES: usize = 1_024;
const MAX_PART_BYTES: usize = 255;
const MAX_DEPTH: usize = 48;

/// The parts of a name below each other, without the `.` and empty ones that mean nothing; none for `./`.
pub(super) fn parts(name: &str) -> Result<Vec<&str>, UnpackError> {
    let refuse = |why| Err(UnpackError::UnsafePath { name: shown(name), why });
    if name.contains('\0') {
        return refuse("has a NUL character in its name");
    }
    if name.contains('\\') {
        return refuse("has a backslash in its name");
    }
    if name.starts_with('/') {
        return refuse("is an absolute name");
    }
    if matches!(name.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic()) {
        return refuse("starts with a drive letter");
    }
    if name.len() > MAX_PATH_BYTES {
        return refuse("has a name of more than 1024 bytes");
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return refuse("climbs out of its directory by `..`");
    }
    if parts.len() > MAX_DEPTH {
        return refuse("lies more than 48 directories deep");
    }
    if parts.iter().any(|part| part.len() > MAX_PART_BYTES) {
        return refuse("has a name of more than 255 bytes between two slashes");
    }
    Ok(parts)
}
