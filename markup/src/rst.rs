//! reStructuredText (docutils), with what Sphinx adds to it: blocks told apart by their first line and by indentation.

mod directive;
mod inline;
mod list;
mod table;
mod target;

use std::fmt::Write;

use crate::MAX_HTML_BYTES;
use crate::lines::{self, DEEPEST, dedent, indent, is_blank};
use crate::tags::escape;
use target::Targets;

/// What marks titles, quotes and rules.
const ADORNMENTS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// A document as it is read.
pub(super) struct Reader {
    html: String,
    /// Kinds of adornment by the level that they were met at: the character, and whether it is above as well.
    styles: Vec<(char, bool)>,
    targets: Targets,
    /// The id of the place that was named last, which may be a title.
    label: Option<String>,
    /// The language of code that has none of its own.
    language: String,
}

/// The document as HTML.
pub(crate) fn html(text: &str) -> String {
    let text = lines::expand(text);
    let all: Vec<&str> = text.lines().map(str::trim_end).collect();
    let targets = Targets::of(&all);
    let mut reader = Reader { html: String::new(), styles: Vec::new(), targets, label: None, language: String::new() };
    reader.blocks(&all, 0);
    reader.html
}

/// How far a block reaches from `at`: to the first line that is neither blank nor indented.
fn indented(lines: &[&str], at: usize) -> usize {
    let end = lines[at..].iter().position(|line| !is_blank(line) && indent(line) == 0).unwrap_or(lines.len() - at);
    at + end
}

/// The character that a line consists of, where it is an adornment.
fn adornment(line: &str) -> Option<char> {
    let first = line.chars().next().filter(|first| ADORNMENTS.contains(*first))?;
    (line.len() > 1 && line.chars().all(|c| c == first)).then_some(first)
}

impl Reader {
    /// Blocks of lines that begin at the left.
    fn blocks(&mut self, lines: &[&str], depth: usize) {
        if depth > DEEPEST {
            return lines::code(&mut self.html, lines, "");
        }
        let mut at = 0;
        while at < lines.len() && self.html.len() < MAX_HTML_BYTES {
            at = if is_blank(lines[at]) { at + 1 } else { self.block(lines, at, depth).max(at + 1) };
        }
    }

    /// The block that begins at `at`; where it ends.
    fn block(&mut self, lines: &[&str], at: usize, depth: usize) -> usize {
        let line = lines[at];
        if indent(line) > 0 {
            self.place();
            let end = indented(lines, at);
            self.html.push_str("<blockquote>");
            self.blocks(&dedent(&lines[at..end]), depth + 1);
            self.html.push_str("</blockquote>");
            return end;
        }
        if line == ".." || line.starts_with(".. ") {
            return self.explicit(lines, at, depth);
        }
        if line.starts_with("__ ") {
            return at + 1;
        }
        if let Some(end) = self.title(lines, at) {
            return end;
        }
        self.place();
        if let Some(end) = table::table(self, lines, at).or_else(|| list::list(self, lines, at, depth)) {
            return end;
        }
        if line.starts_with("| ") || line == "|" {
            return self.line_block(lines, at);
        }
        if line.starts_with(">>> ") {
            let end = at + lines[at..].iter().position(|line| is_blank(line)).unwrap_or(lines.len() - at);
            lines::code(&mut self.html, &lines[at..end], "python");
            return end;
        }
        self.paragraph(lines, at)
    }

    /// A title with a line under it, and perhaps over it; or a rule.
    fn title(&mut self, lines: &[&str], at: usize) -> Option<usize> {
        let line = lines[at];
        let get = |at: usize| lines.get(at).copied().unwrap_or_default();
        if let Some(mark) = adornment(line) {
            let is_over = adornment(get(at + 2)) == Some(mark) && !is_blank(get(at + 1));
            if is_over {
                self.heading(get(at + 1).trim(), (mark, true));
                return Some(at + 3);
            }
            let is_rule = line.len() >= 4 && is_blank(get(at + 1));
            return is_rule.then(|| {
                self.html.push_str("<hr>");
                at + 1
            });
        }
        let under = get(at + 1);
        let mark = adornment(under)?;
        let width = line.chars().count();
        // docutils only warns of a line that is too short; what stands above `::` or `..` is no title.
        (under.len() >= width.min(4) && under.len() > 2).then(|| {
            self.heading(line, (mark, false));
            at + 2
        })
    }

    /// Marks the place that was named, where it is no title.
    fn place(&mut self) {
        if let Some(label) = self.label.take() {
            let _ = write!(self.html, "<span id=\"{}\"></span>", escape(&label));
        }
    }

    fn heading(&mut self, text: &str, style: (char, bool)) {
        let level = self.styles.iter().position(|known| *known == style).unwrap_or_else(|| {
            self.styles.push(style);
            self.styles.len() - 1
        });
        let (level, text) = ((level + 1).min(6), self.inline(text));
        let id = self.label.take().map(|label| format!(" id=\"{}\"", escape(&label))).unwrap_or_default();
        let _ = write!(self.html, "<h{level}{id}>{text}</h{level}>");
    }

    /// What begins with two dots: a directive, a target, a note, or a comment.
    fn explicit(&mut self, lines: &[&str], at: usize, depth: usize) -> usize {
        let end = indented(lines, at + 1);
        let rest = lines[at][2..].trim();
        if let Some(name) = target::label(rest) {
            self.place();
            self.label = Some(name);
            // A target has no content: what is indented after it is a quote.
            return at + 1;
        }
        if rest.starts_with('_') || rest.starts_with('|') {
            return end;
        }
        let body = dedent(&lines[at + 1..end]);
        if let Some((label, text)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let label = label.trim_start_matches('#');
            let text = std::iter::once(text.trim()).chain(body).collect::<Vec<_>>().join(" ");
            let text = self.inline(&text);
            let _ = write!(self.html, "<p id=\"note-{0}\">[{0}] {text}</p>", escape(label));
            return end;
        }
        if let Some((name, argument)) = rest.split_once("::")
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:+.".contains(&byte))
        {
            directive::directive(self, (&name.to_lowercase(), argument.trim()), &body, depth);
        }
        end
    }

    fn line_block(&mut self, lines: &[&str], at: usize) -> usize {
        let is_one = |line: &&str| line.starts_with("| ") || *line == "|";
        let end = at + lines[at..].iter().take_while(|line| is_one(line)).count();
        let html: Vec<String> = lines[at..end].iter().map(|line| self.inline(line[1..].trim())).collect();
        let _ = write!(self.html, "<p>{}</p>", html.join("<br>"));
        end
    }

    /// A paragraph, perhaps with a text after it that is not to be read; or a term with what it means.
    fn paragraph(&mut self, lines: &[&str], at: usize) -> usize {
        let mut end = at + 1;
        while end < lines.len() && !is_blank(lines[end]) && indent(lines[end]) == 0 {
            end += 1;
        }
        let text = lines[at..end].join(" ");
        let Some(before) = text.strip_suffix("::") else {
            let text = self.inline(&text);
            let _ = write!(self.html, "<p>{text}</p>");
            return end;
        };
        if !before.trim().is_empty() {
            let colon = if before.ends_with(' ') { "" } else { ":" };
            let text = self.inline(before.trim_end());
            let _ = write!(self.html, "<p>{text}{colon}</p>");
        }
        let block = indented(lines, end);
        let body = dedent(&lines[end..block]);
        if !body.is_empty() {
            let language = self.language.clone();
            lines::code(&mut self.html, &body, &language);
        }
        block
    }

    fn inline(&self, text: &str) -> String {
        inline::inline(text, &self.targets)
    }
}

#[cfg(test)]
mod tests;
