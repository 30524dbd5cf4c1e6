//! What a document is written in, by the end of its name (`Text::Markup`, which PGXN's API server uses, goes by the same).

/// A format that can be shown. Others, such as Textile, are shown as the text that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown, as GitHub has it.
    Markdown,
    /// reStructuredText, with what Sphinx adds to it.
    Rst,
    /// `AsciiDoc`.
    AsciiDoc,
    /// Perl's plain old documentation.
    Pod,
    /// HTML.
    Html,
    /// Anything else that is text.
    Text,
}

/// What a file is to readers, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The README at the top.
    Readme,
    /// What changed from release to release.
    Changes,
    /// Under which terms it is given.
    License,
    /// Any other document.
    Document,
}

/// The ends of names that documents have, beyond those of formats that are read.
const OTHERS: [&str; 7] = ["txt", "text", "textile", "trac", "trc", "wiki", "mediawiki"];
const CHANGES: [&str; 9] = [
    "changes",
    "changelog",
    "change_log",
    "history",
    "news",
    "release_notes",
    "release-notes",
    "releasenotes",
    "releases",
];
const LICENSES: [&str; 6] = ["license", "licence", "copying", "copyright", "unlicense", "notice"];

impl Format {
    /// The name of a document without its end, as addresses have it; none for a file that is no document.
    pub fn document(path: &str) -> Option<&str> {
        let stem = stem(path);
        let (_, name) = stem.rsplit_once('/').unwrap_or_default();
        let is_named = !name.is_empty() || (!stem.is_empty() && !stem.contains('/'));
        let end = path[stem.len()..].trim_start_matches('.').to_lowercase();
        let is_one = Self::of(path) != Self::Text || OTHERS.contains(&end.as_str());
        let is_known = Role::of(path).is_some_and(|role| role != Role::Document);
        ((is_one || is_known) && is_named).then_some(stem)
    }

    /// The format of a file of that name.
    pub fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        match name.rsplit_once('.').map(|(_, suffix)| suffix) {
            Some("md" | "mkd" | "mkdn" | "mdown" | "markdown" | "mmd" | "mmkd" | "mmkdn" | "mmdown") => Self::Markdown,
            Some("rst" | "rest") => Self::Rst,
            Some("adoc" | "asciidoc" | "asc") => Self::AsciiDoc,
            Some("pod") => Self::Pod,
            Some("html" | "htm" | "xhtml" | "xhtm") => Self::Html,
            _ => Self::Text,
        }
    }
}

impl Role {
    /// The role of a file of that name; none for what is not for reading.
    pub fn of(path: &str) -> Option<Self> {
        let lower = path.to_lowercase();
        if !lower.contains('/') {
            let name = stem(&lower);
            let is_plain =
                Format::of(&lower) != Format::Text || name == lower || OTHERS.iter().any(|end| lower.ends_with(end));
            if name == "readme" || lower.starts_with("readme.") {
                return Some(Self::Readme);
            }
            if is_plain && CHANGES.contains(&name) {
                return Some(Self::Changes);
            }
            // `LICENSE-MIT` and `COPYING.LESSER` as well, but not `license.sql`.
            let first = name.split(['-', '_', '.']).next().unwrap_or(name);
            let is_variant = is_plain || lower.rsplit_once('.').is_some_and(|(_, end)| LICENSE_ENDS.contains(&end));
            if is_variant && LICENSES.contains(&first) {
                return Some(Self::License);
            }
        }
        let end = lower.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, end)| end);
        let is_document = Format::of(&lower) != Format::Text || end.is_some_and(|end| OTHERS.contains(&end));
        is_document.then_some(Self::Document)
    }
}

const LICENSE_ENDS: [&str; 6] = ["lesser", "lgpl", "gpl", "mit", "apache", "bsd"];

/// A path without the end of its name.
fn stem(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    path[name..].rfind('.').map_or(path, |at| &path[..name + at])
}
