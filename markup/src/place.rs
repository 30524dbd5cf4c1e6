//! Where a document lies, so that its links to other files lead somewhere.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands in a path as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+').remove(b'/');

/// The place of a document among the files of its distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address below which the files are, with a slash at its end: `/src/pgtap/pgtap-1.3.4/`.
    pub files: String,
    /// The document's own path there.
    pub path: String,
}

impl Place {
    /// Where a relative address of the document leads: none where it leads out of the distribution.
    pub(crate) fn resolve(&self, address: &str) -> Option<String> {
        let (address, fragment) = match address.split_once('#') {
            Some((address, fragment)) => (address, Some(fragment)),
            None => (address, None),
        };
        let address = address.split('?').next().unwrap_or_default();
        let decoded = percent_decode_str(address).decode_utf8().ok()?;
        let mut parts: Vec<&str> = match decoded.strip_prefix('/') {
            // On the sites where documents are mostly read, a leading slash is the repository's top.
            Some(_) => Vec::new(),
            None => self.path.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect(),
        };
        for part in decoded.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        let mut to = format!("{}{}", self.files, utf8_percent_encode(&parts.join("/"), PATH));
        if decoded.ends_with('/') && !to.ends_with('/') {
            to.push('/');
        }
        if let Some(fragment) = fragment {
            to = format!("{to}#{}", utf8_percent_encode(fragment, PATH));
        }
        Some(to)
    }
}
