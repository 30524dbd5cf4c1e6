//! Where a symbolic link leads, followed through the links on its way, before any of them exists.

use std::collections::BTreeMap;

use super::plan::Node;
use super::{UnpackError, shown};

/// As many links on one way as Linux follows; beyond them it refuses, so that the way leads nowhere.
const MAX_FOLLOWED: usize = 40;

/// A target is at most this long.
pub(super) const MAX_TARGET_BYTES: u64 = 1_024;

/// Refuses the link at `name` if it can lead out of the archive's root, which is the first part of every name.
///
/// Leading nowhere is harmless, and so is a circle. It is not enough to add up the `..` of the target, as a link on the way may itself lead up.
pub(super) fn check(nodes: &BTreeMap<String, Node>, name: &str, target: &str) -> Result<(), UnpackError> {
    let refuse = |why| Err(UnpackError::UnsafeLink { name: shown(name), target: shown(target), why });
    if target.is_empty() || target.contains('\0') {
        return refuse("is no target");
    }
    if target.contains('\\') {
        return refuse("has a backslash in its target");
    }
    let mut at: Vec<String> = name.split('/').map(str::to_owned).collect();
    at.pop();
    let mut ahead: Vec<String> = backwards(target);
    let mut followed = 1;
    let mut steps = target;
    loop {
        if steps.starts_with('/') {
            return refuse("is an absolute name");
        }
        let Some(part) = ahead.pop() else { return Ok(()) };
        steps = "";
        match part.as_str() {
            "" | "." => {}
            ".." if at.len() <= 1 => return refuse("leads out of the archive's own directory"),
            ".." => {
                at.pop();
            }
            _ => {
                at.push(part);
                if let Some(Node::Link { target }) = nodes.get(&at.join("/")) {
                    at.pop();
                    followed += 1;
                    if followed > MAX_FOLLOWED {
                        return Ok(());
                    }
                    ahead.extend(backwards(target));
                    steps = target;
                }
            }
        }
    }
}

/// The parts of a target, the first one last, so that it is the next to be taken.
fn backwards(target: &str) -> Vec<String> {
    target.split('/').rev().map(str::to_owned).collect()
}
