//! `AsciiDoc`: blocks between lines of delimiters, lists by their marks, and lines about the block that follows.

mod attributes;
mod inline;
mod list;
mod table;

use std::fmt::Write;

use crate::MAX_HTML_BYTES;
use crate::lines::{self, DEEPEST, dedent, is_blank};
use crate::outline::slug;
use crate::tags::escape;
use attributes::{About, Attributes};

const REMARKS: [&str; 5] = ["NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"];

/// A document as it is read.
pub(super) struct Reader {
    html: String,
    attributes: Attributes,
}

/// The document as HTML.
pub(crate) fn html(text: &str) -> String {
    let text = lines::expand(text);
    let all: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut reader = Reader { html: String::new(), attributes: Attributes::default() };
    reader.blocks(&all, 0);
    reader.html
}

/// The line that ends what a line begins, where it is a delimiter.
fn delimiter(line: &str) -> Option<char> {
    if matches!(line, "--") || line.starts_with("```") {
        return line.chars().next();
    }
    if matches!(line, "|===" | ",===" | ":===" | "!===") {
        return Some('|');
    }
    let first = line.chars().next().filter(|first| "-.+=*_/".contains(*first))?;
    (line.len() >= 4 && line.chars().all(|c| c == first)).then_some(first)
}

/// Whether a line begins something that is no paragraph.
fn interrupts(line: &str) -> bool {
    let is_condition = ["endif::", "ifdef::", "ifndef::"].iter().any(|start| line.starts_with(start));
    is_condition
        || is_blank(line)
        || line == "+"
        || delimiter(line).is_some()
        || (line.starts_with('[') && line.ends_with(']') && line.len() > 2)
}

impl Reader {
    /// The blocks of some lines.
    fn blocks(&mut self, lines: &[&str], depth: usize) {
        if depth > DEEPEST {
            return lines::code(&mut self.html, lines, "");
        }
        let (mut at, mut about) = (0, About::default());
        while at < lines.len() && self.html.len() < MAX_HTML_BYTES {
            let line = lines[at];
            let is_title =
                line.starts_with('.') && !line.starts_with("..") && !line[1..].starts_with(' ') && line.len() > 1;
            if is_blank(line)
                || line == "+"
                || (line.starts_with("//") && delimiter(line).is_none())
                || self.attributes.read(line)
            {
                at += 1;
            } else if let Some(skipped) = self.attributes.condition(lines, at) {
                at = skipped;
            } else if about.read(line) {
                at += 1;
            } else if is_title {
                line[1..].clone_into(&mut about.title);
                at += 1;
            } else {
                let this = std::mem::take(&mut about);
                at = self.block(lines, at, &this, depth).max(at + 1);
            }
        }
    }

    fn block(&mut self, lines: &[&str], at: usize, about: &About, depth: usize) -> usize {
        if !about.id.is_empty() && heading(lines[at]).is_none() {
            let _ = write!(self.html, "<span id=\"{}\"></span>", escape(&about.id));
        }
        if let Some(end) = self.heading(lines, at, about) {
            return end;
        }
        if !about.title.is_empty() {
            let title = self.inline(&about.title);
            let _ = write!(self.html, "<p><strong>{title}</strong></p>");
        }
        if let Some(mark) = delimiter(lines[at]) {
            return self.delimited((lines, at), mark, about, depth);
        }
        if let Some(end) = self.macros(lines[at]) {
            return at + end;
        }
        if let Some(end) = list::list(self, lines, at, depth) {
            return end;
        }
        self.paragraph(lines, at, about)
    }

    /// `== Title`, or a title with a line under it.
    fn heading(&mut self, lines: &[&str], at: usize, about: &About) -> Option<usize> {
        let (level, text, end) = if let Some((level, text)) = heading(lines[at]) {
            (level, text, at + 1)
        } else {
            let (text, under) = (lines[at], lines.get(at + 1)?);
            let mark = under.chars().next()?;
            let level = ['=', '-', '~', '^', '+'].iter().position(|known| *known == mark)? + 1;
            let is_one = under.len() > 2 && under.chars().all(|c| c == mark);
            let near = under.len().abs_diff(text.chars().count()) <= 2;
            let starts = text.starts_with(|c: char| c.is_alphanumeric());
            if !(is_one && near && starts) {
                return None;
            }
            (level, text, at + 2)
        };
        let id = if about.id.is_empty() { String::new() } else { format!(" id=\"{}\"", escape(&about.id)) };
        let text = self.inline(text);
        let _ = write!(self.html, "<h{level}{id}>{text}</h{level}>");
        Some(end)
    }

    /// What is between two lines of the same.
    fn delimited(&mut self, (lines, at): (&[&str], usize), mark: char, about: &About, depth: usize) -> usize {
        let ends = if mark == '`' { "```" } else { lines[at] };
        let length = lines[at + 1..].iter().position(|line| *line == ends).unwrap_or(lines.len() - at - 1);
        let body = &lines[at + 1..at + 1 + length];
        let end = at + length + 2;
        match mark {
            '/' => {}
            '`' => lines::code(&mut self.html, body, lines[at].trim_start_matches('`')),
            '-' if lines[at] != "--" => self.listing(body, about),
            '.' => lines::code(&mut self.html, body, about.language()),
            '+' if matches!(about.style.as_str(), "stem" | "latexmath" | "asciimath") => {
                lines::code(&mut self.html, body, "");
            }
            // HTML, which is sanitised as all of it.
            '+' => self.html.push_str(&body.join("\n")),
            '|' => table::table(self, body, about, depth),
            _ if about.style == "source" || about.style == "listing" => self.listing(body, about),
            _ => self.wrapped(body, mark, about, depth),
        }
        end
    }

    fn listing(&mut self, body: &[&str], about: &About) {
        let mut text = String::new();
        lines::code(&mut text, body, about.language());
        // The numbers that a list below refers to.
        for number in 1..10 {
            text = text.replace(&format!("&lt;{number}&gt;"), &format!("({number})"));
        }
        self.html.push_str(&text);
    }

    fn wrapped(&mut self, body: &[&str], mark: char, about: &About, depth: usize) {
        let is_remark = REMARKS.contains(&about.style.as_str());
        let is_quote = is_remark || mark == '_' || mark == '*' || about.style == "quote";
        if is_quote {
            self.html.push_str("<blockquote>");
        }
        if is_remark {
            let _ = write!(self.html, "<p><strong>{}</strong></p>", name(&about.style));
        }
        if about.style == "verse" {
            let lines: Vec<String> = body.iter().map(|line| self.inline(line)).collect();
            let _ = write!(self.html, "<p>{}</p>", lines.join("<br>"));
        } else {
            self.blocks(body, depth + 1);
        }
        if is_quote {
            if !is_remark && !about.attribution.is_empty() {
                let by = self.inline(&about.attribution);
                let _ = write!(self.html, "<p>— {by}</p>");
            }
            self.html.push_str("</blockquote>");
        }
    }

    /// What stands on a line of its own: a picture, a rule, and what is for the machine.
    fn macros(&mut self, line: &str) -> Option<usize> {
        if matches!(line, "'''" | "***" | "---" | "- - -" | "* * *") {
            self.html.push_str("<hr>");
            return Some(1);
        }
        if line == "<<<"
            || ["toc::[", "include::", "ifeval::", "endif::", "ifdef::", "ifndef::"]
                .iter()
                .any(|it| line.starts_with(it))
        {
            return Some(1);
        }
        let rest = line.strip_prefix("image::").filter(|rest| rest.ends_with(']'))?;
        let image = inline::image(rest, &self.attributes)?.0;
        let _ = write!(self.html, "<p>{image}</p>");
        Some(1)
    }

    fn paragraph(&mut self, lines: &[&str], at: usize, about: &About) -> usize {
        let end = at + 1 + lines[at + 1..].iter().position(|line| interrupts(line)).unwrap_or(lines.len() - at - 1);
        let body = &lines[at..end];
        if lines[at].starts_with(' ') || matches!(about.style.as_str(), "source" | "listing" | "literal") {
            lines::code(&mut self.html, &dedent(body), about.language());
            return end;
        }
        let remark =
            REMARKS.iter().find(|remark| lines[at].strip_prefix(**remark).is_some_and(|rest| rest.starts_with(": ")));
        let remark = remark.copied().or_else(|| REMARKS.iter().find(|remark| **remark == about.style).copied());
        let mut text = self.joined(body);
        if let Some(remark) = remark {
            text = text.strip_prefix(&format!("{remark}: ")).map(str::to_owned).unwrap_or(text);
            let _ = write!(self.html, "<blockquote><p><strong>{}</strong> {text}</p></blockquote>", name(remark));
        } else if matches!(about.style.as_str(), "quote" | "verse") {
            let _ = write!(self.html, "<blockquote><p>{text}</p></blockquote>");
        } else {
            let _ = write!(self.html, "<p>{text}</p>");
        }
        end
    }

    /// Lines as one text, with the breaks that they ask for.
    fn joined(&self, lines: &[&str]) -> String {
        let mut html = String::new();
        let text: Vec<&str> = lines.iter().copied().filter(|line| !line.starts_with("//")).collect();
        for part in text.join("\n").split(" +\n") {
            if !html.is_empty() {
                html.push_str("<br>");
            }
            html.push_str(&self.inline(part));
        }
        html
    }

    fn inline(&self, text: &str) -> String {
        inline::inline(text, &self.attributes)
    }
}

/// `== Title`, and with the marks of Markdown.
fn heading(line: &str) -> Option<(usize, &str)> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '=' | '#'))?;
    let text = line.trim_start_matches(mark);
    let level = line.len() - text.len();
    (level <= 6 && text.starts_with(' ') && !text.trim().is_empty()).then(|| (level, text.trim()))
}

fn name(remark: &str) -> String {
    format!("{}{}", &remark[..1], remark[1..].to_lowercase())
}

/// The id that a reference to a title or to an id means: both are made alike here.
pub(super) fn reference(target: &str) -> String {
    let target = target.trim_start_matches('#');
    // `_use_it` is what AsciiDoc makes of “Use it”.
    let own = target.strip_prefix('_').map(|rest| rest.replace('_', "-"));
    own.unwrap_or_else(|| if target.contains(' ') { slug(target) } else { target.to_owned() })
}

#[cfg(test)]
mod tests;
