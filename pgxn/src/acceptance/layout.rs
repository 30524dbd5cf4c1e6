//! The archive around META.json: which one the registry takes, where everything lies, and what its META promises to be there.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use sha1::{Digest, Sha1};

use super::first::At;
use super::{Finding, Identity, Severity, meta, place};
use crate::archive::{Limits, UnpackError, open, plan, shown};
use crate::json;

/// No META.json is longer.
const MAX_META_BYTES: u64 = 1024 * 1024;
/// The registry states no limit, but its web server has one that uploads have met.
const LARGE_BYTES: u64 = 20 * 1024 * 1024;
/// So many files that are promised and not there are told.
const MOST_MISSING: usize = 20;

/// What came of a check of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What its META.json calls it; none where that says nothing that can be used.
    pub identity: Option<Identity>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// How many files are in it.
    pub files: usize,
    /// Its own size.
    pub bytes: u64,
    /// What the registry will know it by, as long as it stores what it was given: 40 hexadecimal digits.
    pub sha1: String,
}

impl Checked {
    /// Whether the registry refuses it, as far as can be told without asking.
    pub fn is_rejected(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Rejected)
    }
}

pub(super) fn check(zip: &Path, limits: &Limits) -> Result<Checked, UnpackError> {
    let failed = |source| UnpackError::File { path: zip.to_owned(), act: "read", source };
    let bytes = std::fs::metadata(zip).map_err(failed)?.len();
    let mut sha1 = Sha1::new();
    let mut file = File::open(zip).map_err(failed)?;
    std::io::copy(&mut file, &mut HashWriter(&mut sha1)).map_err(failed)?;
    let mut checked =
        Checked { identity: None, findings: Vec::new(), files: 0, bytes, sha1: hex::encode(sha1.finalize()) };
    if bytes > LARGE_BYTES {
        let what = format!(
            "the archive has {} MB, and the registry's web server may refuse so large an upload",
            bytes / 1_000_000
        );
        let mend = "leave out what nobody builds from, by `export-ignore` in .gitattributes";
        checked.findings.push(Finding::trap("large", what, mend));
    }
    match look(zip, limits, &mut checked) {
        Err(error @ UnpackError::File { .. }) => return Err(error),
        Err(error @ UnpackError::NotAnArchive { .. }) => {
            let mend = "make it by `pgxn-testers bundle`";
            checked.findings.push(Finding::rejected("archive", error.to_string(), mend));
        }
        Err(error) => {
            let what = format!("{error}, so that the farm does not unpack it, nor should anybody");
            let mend = "leave that out, or make the archive by `pgxn-testers bundle`";
            checked.findings.push(Finding::trap("unsafe", what, mend));
        }
        Ok(()) => {}
    }
    checked.findings.sort_by_key(|finding| (finding.severity, finding.line));
    Ok(checked)
}

/// SHA-1 as a writer.
struct HashWriter<'a>(&'a mut Sha1);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Looks into the archive; the error is what keeps it from being unpacked, and everything that could be seen was told before.
fn look(zip: &Path, limits: &Limits, checked: &mut Checked) -> Result<(), UnpackError> {
    let mut opened = open::open(zip, limits)?;
    let mut names = Vec::new();
    let mut first = None;
    for index in 0..opened.zip.len() {
        let entry = opened.zip.by_index_raw(index).map_err(|error| open::unreadable(zip, error))?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if first.is_none() && is_meta(&name) {
            first = Some((index, name.clone()));
        }
        if !name.ends_with('/') {
            names.push(name);
        }
    }
    checked.files = names.len();
    let Some((index, path)) = first else {
        let mend = "put it into the top directory, beside the Makefile; `pgxn-testers test --propose-meta` prints one to begin with";
        checked.findings.push(Finding::rejected("no-meta", "there is no META.json in the archive", mend));
        return plan::plan(&mut opened, limits).map(drop);
    };
    let mut text = Vec::new();
    let entry = opened.zip.by_index(index).map_err(|error| open::unreadable(zip, error))?;
    entry
        .take(MAX_META_BYTES)
        .read_to_end(&mut text)
        .map_err(|error| open::read_failed(zip, error, "META.json is damaged"))?;
    let (identity, findings) = meta(&text);
    checked.findings.extend(findings);
    checked.findings.extend(of_names(&path, &names, identity.as_ref()));
    let root = path.strip_suffix(place::META).unwrap_or_default();
    if let Ok(value) = json::parse(&text) {
        checked.findings.extend(place::placed(&text, promises(&value, root, &names)));
    }
    checked.identity = identity;
    plan::plan(&mut opened, limits).map(drop)
}

/// Whether the registry takes a member for META.json: its name ends so, and no letter, digit or underscore stands before.
fn is_meta(name: &str) -> bool {
    let before = name.strip_suffix(place::META).map(|before| before.chars().next_back());
    before.is_some_and(|last| last.is_none_or(|c| !c.is_alphanumeric() && c != '_'))
}

/// Where META.json lies, and what lies beside it.
fn of_names(path: &str, names: &[String], identity: Option<&Identity>) -> Vec<Finding> {
    let mut found = Vec::new();
    let root = path.strip_suffix(place::META).unwrap_or_default();
    if root.matches('/').count() != 1 || !root.ends_with('/') {
        let what =
            format!("the META.json that the registry takes is `{}`, as it is the first in the archive", shown(path));
        let mend = "let it be the first, in the one top directory of the archive, and give others another name";
        found.push(Finding::trap("which-meta", what, mend));
    }
    if let Some(identity) = identity {
        let expected = identity.directory().to_lowercase();
        if root != format!("{expected}/") && root.matches('/').count() == 1 {
            let what = format!(
                "the top directory is `{}` and not `{expected}/`, so that the registry makes another archive of it, with another SHA-1",
                shown(root)
            );
            found.push(Finding::trap("prefix", what, "let `pgxn-testers bundle` make the archive"));
        }
    }
    let is_readme = |name: &&str| {
        name.strip_prefix("README").is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix('.').is_some_and(|suffix| !suffix.is_empty() && !suffix.contains(['.', '/']))
        })
    };
    if !names.iter().filter_map(|name| name.strip_prefix(root)).any(|name| is_readme(&name)) {
        let what = "there is no README in the top directory, so that the distribution's page has nothing to show";
        found.push(Finding::trap("readme", what, "add README.md"));
    }
    found
}

/// The files that META.json names and that are not there.
fn promises(value: &Value, root: &str, names: &[String]) -> Vec<At> {
    let there: BTreeSet<&str> = names.iter().filter_map(|name| name.strip_prefix(root)).collect();
    let first = value.get("provides").map(|part| (&["provides"][..], part, ["file", "docfile"].as_slice()));
    let contents = value.get("contents").and_then(|contents| contents.get("extensions"));
    let second = contents.map(|part| (&["contents", "extensions"][..], part, ["control", "sql", "doc"].as_slice()));
    let mut found = Vec::new();
    for (way, part, keys) in first.into_iter().chain(second) {
        for (name, entry) in part.as_object().into_iter().flatten() {
            for key in keys {
                let Some(path) = entry.get(key).and_then(Value::as_str) else { continue };
                let plain = path.trim_start_matches("./");
                if found.len() >= MOST_MISSING || there.contains(plain) {
                    continue;
                }
                let what =
                    format!("the `{key}` of `{}` is `{}`, which is not in the archive", shown(name), shown(path));
                let mend = if matches!(*key, "docfile" | "doc") {
                    "name a document that is there"
                } else {
                    "name a file that is there, such as the one that it is made from"
                };
                let at = way.iter().chain([&name.as_str(), key]).map(|key| (*key).to_owned()).collect();
                found.push((at, Finding::trap("provides", what, mend)));
            }
        }
    }
    found
}
