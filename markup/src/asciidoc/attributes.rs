//! What a document says of itself, and what a line says of the block that follows.

use std::collections::HashMap;

use crate::MAX_BYTES;

/// More attributes are not remembered, nor longer ones.
const MOST: usize = 1000;
const LONGEST: usize = 400;

/// Names that stand for texts: `:name: text` and `{name}`.
pub(super) struct Attributes(HashMap<String, String>);

impl Default for Attributes {
    fn default() -> Self {
        let own = [
            ("nbsp", "\u{a0}"),
            ("empty", ""),
            ("sp", " "),
            ("lt", "<"),
            ("gt", ">"),
            ("amp", "&"),
            ("plus", "+"),
            ("cpp", "C++"),
        ];
        Self(own.map(|(name, text)| (name.to_owned(), text.to_owned())).into())
    }
}

impl Attributes {
    /// Reads a line that gives a name, or takes one away.
    pub(super) fn read(&mut self, line: &str) -> bool {
        let Some((name, text)) = line.strip_prefix(':').and_then(|rest| rest.split_once(':')) else { return false };
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '!');
        if name.is_empty() || !name.chars().all(is_name) || !(text.is_empty() || text.starts_with(' ')) {
            return false;
        }
        if name.contains('!') {
            self.0.remove(name.trim_matches('!'));
        } else if text.len() <= LONGEST && self.0.len() < MOST {
            let text = self.replace(text.trim());
            self.0.insert(name.to_lowercase(), text.chars().take(LONGEST).collect());
        }
        true
    }

    /// A text with its names replaced. What they stand for is not looked at again.
    pub(super) fn replace(&self, text: &str) -> String {
        let (mut replaced, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find('{') {
            replaced.push_str(&rest[..at]);
            rest = &rest[at..];
            let window = &rest[..rest.floor_char_boundary(60)];
            let known = window.find('}').and_then(|end| Some((self.0.get(&window[1..end].to_lowercase())?, end)));
            if let Some((text, end)) = known.filter(|_| replaced.len() < MAX_BYTES) {
                replaced.push_str(text);
                rest = &rest[end + 1..];
            } else {
                replaced.push('{');
                rest = &rest[1..];
            }
        }
        replaced.push_str(rest);
        replaced
    }

    /// Where to go on after a line that asks for a name: behind what depends on it, where that is not to be shown.
    pub(super) fn condition(&self, lines: &[&str], at: usize) -> Option<usize> {
        let line = lines[at];
        let (name, wants) = match line.strip_prefix("ifdef::") {
            Some(rest) => (rest, true),
            None => (line.strip_prefix("ifndef::")?, false),
        };
        let (names, text) = name.split_once('[')?;
        let is_set = names.split([',', '+']).any(|name| self.0.contains_key(&name.to_lowercase()));
        if is_set == wants || text != "]" {
            return Some(at + 1);
        }
        let mut depth = 0;
        for (index, line) in lines.iter().enumerate().skip(at) {
            if line.starts_with("ifdef::") || line.starts_with("ifndef::") || line.starts_with("ifeval::") {
                depth += usize::from(line.ends_with("[]") || line.starts_with("ifeval"));
            } else if line.starts_with("endif::") {
                depth -= 1;
            }
            if depth == 0 {
                return Some(index + 1);
            }
        }
        Some(lines.len())
    }
}

/// What lines in brackets say of the block below them.
#[derive(Default)]
pub(super) struct About {
    /// `.Title`.
    pub title: String,
    /// The first word: `source`, `NOTE`, `quote`.
    pub style: String,
    /// The second: a language, or who is quoted.
    pub attribution: String,
    /// `[[id]]` or `[#id]`.
    pub id: String,
    /// The rest as it stands.
    pub rest: String,
}

impl About {
    /// Reads such a line.
    pub(super) fn read(&mut self, line: &str) -> bool {
        let Some(inside) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) else { return false };
        if let Some(id) = inside.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')) {
            id.split(',').next().unwrap_or(id).clone_into(&mut self.id);
            return true;
        }
        if inside.contains(['[', ']']) {
            return false;
        }
        let mut parts = inside.split(',').map(|part| part.trim().trim_matches('"'));
        let first = parts.next().unwrap_or_default();
        let style_end = first.find(['#', '.', '%', '=']).unwrap_or(first.len());
        if !first.contains('=') && style_end > 0 {
            first[..style_end].clone_into(&mut self.style);
        }
        if let Some((_, id)) = first.split_once('#') {
            id.split(['.', '%']).next().unwrap_or(id).clone_into(&mut self.id);
        }
        if let Some(second) = parts.next().filter(|second| !second.contains('=')) {
            second.clone_into(&mut self.attribution);
        }
        inside.clone_into(&mut self.rest);
        true
    }

    /// The language of code; `[,sql]` leaves `source` out.
    pub(super) fn language(&self) -> &str {
        if self.style.is_empty() || self.style == "source" { &self.attribution } else { "" }
    }
}
