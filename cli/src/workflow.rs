//! What a step of a GitHub workflow tells: workflow commands
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>), and the files by which it speaks to those after it.

use std::fmt;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::console::plain;

/// An annotation, as a command of one line whatever is in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Annotation<'a> {
    /// `error`, `warning` or `notice`.
    pub(crate) word: &'static str,
    pub(crate) title: &'a str,
    /// Relative to the workspace; without one there is no line either.
    pub(crate) file: Option<&'a str>,
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<u64>,
    pub(crate) message: &'a str,
}

impl fmt::Display for Annotation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "::{} title={}", self.word, property(self.title))?;
        if let Some(file) = self.file {
            write!(f, ",file={}", property(file))?;
            if let Some(line) = self.line {
                write!(f, ",line={line}")?;
            }
            if let Some(column) = self.column {
                write!(f, ",col={column}")?;
            }
        }
        write!(f, "::{}", data(self.message))
    }
}

/// The text of a command: in one line, whatever is in it.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(plain).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    plain(text).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}

/// Adds to one of the files that GitHub names for a step.
pub(crate) fn append(path: &Path, text: &str) -> Result<()> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| format!("write {}", path.display()))
}

/// Where a directory lies below the workspace of a workflow, with a slash at the end; annotations name files from there. Nothing where it does not.
pub(crate) fn prefix(workspace: Option<&Path>, dir: &Path) -> String {
    let below = || -> Option<String> {
        let workspace = workspace.map(Path::to_path_buf).or_else(|| std::env::current_dir().ok())?;
        let dir = dir.canonicalize().ok()?;
        let below = dir.strip_prefix(workspace.canonicalize().ok()?).ok()?.to_str()?.to_owned();
        Some(if below.is_empty() { below } else { below + "/" })
    };
    below().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_and_no_other_command() {
        let hostile = Annotation {
            word: "error",
            title: "a:b,c\n::x::",
            file: Some("a,b:c%"),
            line: Some(3),
            column: None,
            message: "one\n::set-output name=a::b\r100 %",
        };
        let text = hostile.to_string();
        assert_eq!(
            text,
            "::error title=a%3Ab%2Cc?%3A%3Ax%3A%3A,file=a%2Cb%3Ac%25,line=3::one%0A::set-output name=a::b?100 %25"
        );
    }
}
