//! Perl's plain old documentation (perlpod): paragraphs, of which some are commands, some verbatim, and some text with codes in it.

mod codes;

use std::fmt::Write;

use codes::inline;

use crate::lines::{self, DEEPEST};

/// What a list's items are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    /// No item yet.
    New,
    Bullets,
    Numbers,
    Terms,
}

struct Reader {
    html: String,
    /// The lists that are open.
    lists: Vec<List>,
    /// The text is code again until the next command.
    cut: bool,
    /// The format of the region that is passed over.
    foreign: Option<String>,
}

/// The document as HTML; all of it as code where nothing is marked.
pub(crate) fn html(text: &str) -> String {
    let text = lines::expand(text);
    let mut reader = Reader { html: String::new(), lists: Vec::new(), cut: true, foreign: None };
    let all: Vec<&str> = text.lines().collect();
    if !all.iter().any(|line| is_command(line)) {
        lines::code(&mut reader.html, &all, "");
        return reader.html;
    }
    let (mut at, mut verbatim): (usize, Vec<&str>) = (0, Vec::new());
    while at < all.len() {
        let end = at + all[at..].iter().position(|line| lines::is_blank(line)).unwrap_or(all.len() - at);
        let paragraph = &all[at..end];
        at = end + 1;
        let Some(first) = paragraph.first() else { continue };
        if first.starts_with(' ') && !reader.cut && reader.foreign.is_none() {
            // Verbatim paragraphs in a row are one.
            if !verbatim.is_empty() {
                verbatim.push("");
            }
            verbatim.extend(paragraph);
            continue;
        }
        reader.verbatim(&mut verbatim);
        reader.paragraph(paragraph);
    }
    reader.verbatim(&mut verbatim);
    while !reader.lists.is_empty() {
        reader.back();
    }
    reader.html
}

fn is_command(line: &str) -> bool {
    line.strip_prefix('=').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

impl Reader {
    fn verbatim(&mut self, gathered: &mut Vec<&str>) {
        if !gathered.is_empty() {
            lines::code(&mut self.html, &lines::dedent(gathered), "");
            gathered.clear();
        }
    }

    fn paragraph(&mut self, paragraph: &[&str]) {
        let text = paragraph.join(" ");
        if is_command(paragraph[0]) {
            let (command, rest) = text[1..].split_once(' ').unwrap_or((&text[1..], ""));
            self.cut = false;
            return self.command(command, rest.trim());
        }
        if !self.cut && self.foreign.is_none() {
            let _ = write!(self.html, "<p>{}</p>", inline(&text));
        }
    }

    fn command(&mut self, command: &str, rest: &str) {
        match (command, &self.foreign) {
            ("cut", _) => self.cut = true,
            ("end", _) => self.foreign = None,
            (_, Some(_)) => {}
            ("begin", None) if !rest.starts_with(':') => self.foreign = Some(rest.to_owned()),
            ("over", None) if self.lists.len() < DEEPEST => self.lists.push(List::New),
            ("back", None) => self.back(),
            ("item", None) => self.item(rest),
            _ => {
                let level = command.strip_prefix("head").and_then(|level| level.parse::<u8>().ok());
                if let Some(level @ 1..=6) = level {
                    let _ = write!(self.html, "<h{level}>{}</h{level}>", inline(rest));
                }
            }
        }
    }

    fn item(&mut self, rest: &str) {
        let number = rest.trim_end_matches('.');
        let kind = match rest {
            "*" | "" => List::Bullets,
            rest if rest.starts_with("* ") => List::Bullets,
            _ if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => List::Numbers,
            _ => List::Terms,
        };
        let Some(list) = self.lists.last_mut() else {
            let _ = write!(self.html, "<p>{}</p>", inline(rest));
            return;
        };
        let is_first = *list == List::New;
        if is_first {
            *list = kind;
            self.html.push_str(kind.tags().0);
        }
        let kind = self.lists.last().copied().unwrap_or(kind);
        let between = match (kind, is_first) {
            (List::Terms, true) => "<dt>",
            (List::Terms, false) => "</dd><dt>",
            (_, true) => "<li>",
            (_, false) => "</li><li>",
        };
        self.html.push_str(between);
        match kind {
            List::Terms => {
                let _ = write!(self.html, "{}</dt><dd>", inline(rest));
            }
            _ => self.html.push_str(&inline(if kind == List::Numbers {
                ""
            } else {
                rest.trim_start_matches('*').trim()
            })),
        }
    }

    fn back(&mut self) {
        if let Some(list) = self.lists.pop() {
            self.html.push_str(list.tags().1);
        }
    }
}

impl List {
    const fn tags(self) -> (&'static str, &'static str) {
        match self {
            Self::New => ("", ""),
            Self::Bullets => ("<ul>", "</li></ul>"),
            Self::Numbers => ("<ol>", "</li></ol>"),
            Self::Terms => ("<dl>", "</dd></dl>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_verbatim_paragraphs_and_lists_are_read() {
        let html = html(
            "code\n\n=head1 NAME\n\npair - a B<bold> I<C<x>> type\n\n  SELECT 1;\n\n  SELECT 2;\n\n=over\n\n=item *\n\none\n\n=item * two\n\n\
             =over 4\n\n=item f(x)\n\nDoes f.\n\n=back\n\n=back\n\n=begin html\n\n<b>x</b>\n\n=end html\n\n=cut\n\nmore code\n",
        );
        assert_eq!(
            html,
            "<h1>NAME</h1><p>pair - a <strong>bold</strong> <em><code>x</code></em> type</p><pre><code>SELECT 1;\n\nSELECT 2;</code></pre>\
             <ul><li><p>one</p></li><li>two<dl><dt>f(x)</dt><dd><p>Does f.</p></dd></dl></li></ul>"
        );
    }

    #[test]
    fn what_has_no_commands_is_shown_as_it_is() {
        assert_eq!(html("a <b>\n c"), "<pre><code>a &lt;b&gt;\n c</code></pre>");
    }
}
