//! Where a document lies, so that its links to other files lead somewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::clean::ID_PREFIX;
use crate::format::Format;

/// What stands in a path as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+').remove(b'/');

/// The place of a document among the files of its distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address below which the files are, with a slash at its end: `/src/pgtap/pgtap-1.3.4/`.
    pub files: String,
    /// The address below which documents are pages, with a slash at its end: `/dist/pgtap/1.3.4/`.
    pub pages: String,
    /// The document's own path.
    pub path: String,
    /// The paths of all files there are.
    pub all: Arc<BTreeSet<String>>,
}

impl Place {
    /// Where a relative address of the document leads: to the page of another document, else to the file; none where it leads to nothing that there is.
    pub(crate) fn resolve(&self, address: &str) -> Option<String> {
        let (address, fragment) = match address.split_once('#') {
            Some((address, fragment)) => (address, Some(fragment)),
            None => (address, None),
        };
        let address = address.split('?').next().unwrap_or_default();
        let decoded = percent_decode_str(address).decode_utf8().ok()?;
        let path = self.path_of(&decoded)?;
        let encode = |text: &str| utf8_percent_encode(text, PATH).to_string();
        if let Some(docpath) = self.document(&path) {
            let fragment = fragment.map(|fragment| format!("#{ID_PREFIX}{}", encode(fragment))).unwrap_or_default();
            return Some(format!("{}{}.html{fragment}", self.pages, encode(docpath)));
        }
        let fragment = fragment.map(|fragment| format!("#{}", encode(fragment))).unwrap_or_default();
        if self.all.contains(&path) {
            return Some(format!("{}{}{fragment}", self.files, encode(&path)));
        }
        let directory = if path.is_empty() { String::new() } else { format!("{path}/") };
        let below = self.all.range(directory.clone()..).next().is_some_and(|first| first.starts_with(&directory));
        below.then(|| format!("{}{}{fragment}", self.files, encode(&directory)))
    }

    /// The document that a path means: itself, or what its page is made of, as authors link to what they know that it will be.
    fn document<'a>(&'a self, path: &'a str) -> Option<&'a str> {
        if self.all.contains(path) {
            return Format::document(path);
        }
        let stem = path.strip_suffix(".html")?;
        let first = self.all.range(format!("{stem}.")..).next()?;
        (Format::document(first) == Some(stem)).then_some(stem)
    }

    /// A relative address as a path from the top: none where it leads out of the distribution.
    fn path_of(&self, decoded: &str) -> Option<String> {
        let mut parts: Vec<&str> = match decoded.strip_prefix('/') {
            // On the sites where documents are mostly read, a leading slash is the repository's top.
            Some(_) => Vec::new(),
            None => self.path.rsplit_once('/').map(|(above, _)| above.split('/').collect()).unwrap_or_default(),
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
        Some(parts.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let all =
            ["README.md", "LICENSE", "doc/a b.md", "doc/guide.rst", "doc/img/x.png", "sql/a.sql"].map(str::to_owned);
        Place {
            files: "/src/a/a-1/".to_owned(),
            pages: "/dist/a/1/".to_owned(),
            path: "doc/guide.rst".to_owned(),
            all: Arc::new(BTreeSet::from(all)),
        }
    }

    #[test]
    fn a_link_leads_to_the_page_of_a_document_and_else_to_the_file() {
        for (address, to) in [
            ("a%20b.md", Some("/dist/a/1/doc/a%20b.html")),
            ("../README.md#use-it", Some("/dist/a/1/README.html#doc-use-it")),
            ("guide.html", Some("/dist/a/1/doc/guide.html")),
            ("/LICENSE", Some("/dist/a/1/LICENSE.html")),
            ("../sql/a.sql#L3", Some("/src/a/a-1/sql/a.sql#L3")),
            ("img/x.png?raw=true", Some("/src/a/a-1/doc/img/x.png")),
            ("img/", Some("/src/a/a-1/doc/img/")),
            ("..", Some("/src/a/a-1/")),
            ("gone.md", None),
            ("gone.html", None),
            ("../../../etc/passwd", None),
            ("..%2f..%2fetc", None),
        ] {
            assert_eq!(place().resolve(address).as_deref(), to, "{address}");
        }
    }
}
