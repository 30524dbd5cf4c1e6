//! What a document is written in, by the end of its name (`Text::Markup`, which PGXN's API server uses, goes by the same).

/// A format that can be shown. Others, such as `reStructuredText`, `AsciiDoc` and POD, are shown as the text that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown, as GitHub has it.
    Markdown,
    /// HTML.
    Html,
    /// Anything else that is text.
    Text,
}

/// The ends of names that documents have, beyond those of formats that are read.
const OTHERS: [&str; 14] = [
    "txt",
    "text",
    "rst",
    "rest",
    "adoc",
    "asciidoc",
    "asc",
    "pod",
    "textile",
    "trac",
    "trc",
    "wiki",
    "mediawiki",
    "creole",
];

impl Format {
    /// The name of a document without its end, as addresses have it; none for a file that is no document.
    pub fn document(path: &str) -> Option<&str> {
        let (stem, suffix) = path.rsplit_once('.')?;
        let is_one = Self::of(path) != Self::Text || OTHERS.contains(&suffix.to_lowercase().as_str());
        (is_one && !stem.is_empty() && !stem.ends_with('/')).then_some(stem)
    }

    /// The format of a file of that name.
    pub fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        match name.rsplit_once('.').map(|(_, suffix)| suffix) {
            Some("md" | "mkd" | "mkdn" | "mdown" | "markdown" | "mmd" | "mmkd" | "mmkdn" | "mmdown") => Self::Markdown,
            Some("html" | "htm" | "xhtml" | "xhtm") => Self::Html,
            _ => Self::Text,
        }
    }
}
