//! Debian's index of sources: which tarball a source package has, and what it says of itself.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// A source package, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Source {
    /// Its name.
    pub(super) package: String,
    /// Debian's version of it.
    pub(super) version: String,
    /// Where its upstream tarball is.
    pub(super) uri: String,
    /// The tarball's file name.
    pub(super) file: String,
    /// The tarball's SHA-256.
    pub(super) sha256: String,
    /// The home page.
    pub(super) homepage: Option<String>,
}

type Stanza = BTreeMap<String, String>;

/// The newest source of each of the packages that the index has.
pub(super) fn parse(lines: impl Iterator<Item = String>, packages: &[&str], archive: &str) -> Vec<Source> {
    let mut found: BTreeMap<String, Source> = BTreeMap::new();
    let mut stanza = Stanza::new();
    let mut key = String::new();
    for line in lines.chain([String::new()]) {
        if line.is_empty() {
            let whole = std::mem::take(&mut stanza);
            if !packages.contains(&whole.get("Package").map_or("", String::as_str)) {
                continue;
            }
            let Some(source) = source(&whole, archive) else { continue };
            let newer = found.get(&source.package).is_none_or(|before| is_newer(&source.version, &before.version));
            if newer {
                found.insert(source.package.clone(), source);
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some(value) = stanza.get_mut(&key) {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            key.clear();
            key.push_str(name);
            stanza.insert(key.clone(), value.trim().to_owned());
        }
    }
    found.into_values().collect()
}

fn source(stanza: &Stanza, archive: &str) -> Option<Source> {
    if stanza.get("Extra-Source-Only").is_some_and(|only| only == "yes") {
        return None;
    }
    let files = stanza.get("Checksums-Sha256")?.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (sha256, _, file) = (words.next()?, words.next()?, words.next()?);
        (sha256.len() == 64 && !file.contains('/')).then_some((sha256, file))
    });
    let (sha256, file) = { files }.find(|(_, file)| is_upstream_tarball(file))?;
    let directory = stanza.get("Directory")?;
    Some(Source {
        package: stanza.get("Package")?.clone(),
        version: stanza.get("Version")?.clone(),
        uri: format!("{}/{directory}/{}", archive.trim_end_matches('/'), file.replace('+', "%2b")),
        file: file.to_owned(),
        sha256: sha256.to_owned(),
        homepage: stanza.get("Homepage").cloned(),
    })
}

/// The upstream tarball itself, not a component of it and not its signature.
fn is_upstream_tarball(file: &str) -> bool {
    let ends = |ends: &[&str]| ends.iter().any(|end| file.ends_with(end));
    ends(&[".orig.tar.gz", ".orig.tar.xz", ".orig.tar.bz2"])
        || (ends(&[".tar.gz", ".tar.xz", ".tar.bz2"]) && !file.contains(".orig") && !file.contains(".debian.tar"))
}

/// Asks dpkg, whose order of versions it is.
fn is_newer(left: &str, right: &str) -> bool {
    let mut dpkg = Command::new("dpkg");
    dpkg.args(["--compare-versions", left, "gt", right]).stdin(Stdio::null());
    dpkg.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tarball_of_a_package_is_found_among_its_files() {
        let sha = |digit: &str| digit.repeat(64);
        let text = format!(
            "Package: other\nVersion: 1\n\nPackage: prefix\nVersion: 1.2.10-3\nChecksums-Sha256:\n {} 1 prefix_1.2.10-3.dsc\n \
             {} 2 prefix_1.2.10.orig.tar.gz\n {} 3 prefix_1.2.10-3.debian.tar.xz\nHomepage: https://example.org/\n\
             Directory: pool/main/p/prefix\n",
            sha("a"),
            sha("b"),
            sha("c")
        );
        let found = parse(text.lines().map(str::to_owned), &["prefix"], "http://one.example/debian/");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].uri, "http://one.example/debian/pool/main/p/prefix/prefix_1.2.10.orig.tar.gz");
        assert_eq!(found[0].sha256, sha("b"));
        assert_eq!(found[0].homepage.as_deref(), Some("https://example.org/"));
    }
}
