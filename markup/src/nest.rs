//! Brings HTML that anybody may have written into order before it is parsed, so that parsing takes what it should.
//!
//! A parser that follows the HTML standard repairs what is nested wrongly, and in doing so makes of little text much tree: what is never closed is opened
//! again in every paragraph. Here every tag is closed where its parent is, nothing is nested deeper than [`DEEPEST`], there are no more than [`MOST`]
//! tags, and names that no document needs are left out. What may stay is not decided here, but by [`crate::clean`].

use std::fmt::Write;

use crate::tags::{Piece, pieces};

/// No document that people write is nested as deep.
const DEEPEST: usize = 40;
/// Tags beyond these are left out; their text stays.
const MOST: usize = 60_000;

/// Elements whose content is no text of the document.
const SILENT: [&str; 14] = [
    "script",
    "style",
    "title",
    "textarea",
    "xmp",
    "iframe",
    "noembed",
    "noframes",
    "template",
    "svg",
    "math",
    "object",
    "select",
    "plaintext",
];
const VOID: [&str; 4] = ["br", "hr", "img", "wbr"];
const INLINE: [&str; 32] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark",
    "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var",
];
const BLOCK: [&str; 27] = [
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "li",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "ul",
];
const TABLE: [&str; 8] = ["table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"];
/// What may stand in these and nowhere else is a part of a table.
const FRAME: [&str; 5] = ["table", "thead", "tbody", "tfoot", "tr"];

struct Nest {
    html: String,
    open: Vec<String>,
}

/// The same HTML in order.
pub(crate) fn nest(html: &str) -> String {
    let mut nest = Nest { html: String::with_capacity(html.len()), open: Vec::new() };
    let (mut all, mut tags) = (pieces(html), 0);
    while let Some(piece) = all.next() {
        match piece {
            Piece::Text(text) => nest.text(text),
            Piece::Open(name, _) if SILENT.contains(&name.as_str()) => all.skip_to_end_of(&name),
            _ if tags >= MOST => {}
            Piece::Open(name, attributes) => {
                tags += 1;
                nest.start(name, &attributes);
            }
            Piece::Close(name) => {
                if let Some(at) = nest.open.iter().rposition(|open| *open == name)
                    && nest.may_close_to(at, &name)
                {
                    nest.close_to(at);
                }
            }
        }
    }
    nest.close_to(0);
    nest.html
}

impl Nest {
    fn text(&mut self, text: &str) {
        match text.strip_prefix('<') {
            Some(rest) => {
                self.html.push_str("&lt;");
                self.html.push_str(rest);
            }
            None => self.html.push_str(text),
        }
    }

    fn start(&mut self, name: String, attributes: &[(String, &str)]) {
        let is = |list: &[&str]| list.contains(&name.as_str());
        if is(&VOID) {
            if !self.in_frame() {
                self.write(&name, attributes);
            }
            return;
        }
        if is(&TABLE) && name != "table" {
            let Some(table) = self.open.iter().rposition(|open| open == "table") else { return };
            self.end_part_of_table(table, &name);
        } else if is(&BLOCK) || name == "table" {
            self.end_before_block(&name);
        } else if !is(&INLINE) {
            return;
        }
        let is_part = is(&TABLE) && name != "table";
        let is_nested_link = name == "a" && self.open.iter().any(|open| open == "a");
        if self.open.len() >= DEEPEST || is_nested_link || (self.in_frame() && !is_part) {
            return;
        }
        self.write(&name, attributes);
        self.open.push(name);
    }

    /// Whether what comes next stands in a table but in none of its cells.
    fn in_frame(&self) -> bool {
        self.open.last().is_some_and(|open| FRAME.contains(&open.as_str()))
    }

    /// A paragraph or a heading ends where a block begins, an item where the next one does.
    fn end_before_block(&mut self, name: &str) {
        let floor = self.open.iter().rposition(|open| matches!(open.as_str(), "td" | "th" | "caption" | "table"));
        let floor = floor.map_or(0, |at| at + 1);
        let ends = |open: &str| matches!(open, "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
        if let Some(at) = self.open[floor..].iter().position(|open| ends(open)) {
            self.close_to(floor + at);
        }
        let (same, around): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            _ => return,
        };
        let floor =
            self.open.iter().rposition(|open| around.contains(&open.as_str())).map_or(floor, |at| floor.max(at + 1));
        if let Some(at) = self.open[floor..].iter().position(|open| same.contains(&open.as_str())) {
            self.close_to(floor + at);
        }
    }

    /// A cell ends where the next one begins, and so do rows and groups of rows.
    fn end_part_of_table(&mut self, table: usize, name: &str) {
        let ended: &[&str] = match name {
            "td" | "th" => &["td", "th", "caption"],
            "tr" => &["td", "th", "tr", "caption"],
            _ => &["td", "th", "tr", "caption", "thead", "tbody", "tfoot"],
        };
        if let Some(at) = self.open[table + 1..].iter().position(|open| ended.contains(&open.as_str())) {
            self.close_to(table + 1 + at);
        }
        // What a table's frame does not hold is closed as well.
        while self.open.len() > table + 1 && !self.in_frame() {
            self.close_to(self.open.len() - 1);
        }
    }

    /// An end tag in a cell does not close what is around the table.
    fn may_close_to(&self, at: usize, name: &str) -> bool {
        TABLE.contains(&name) || !self.open[at + 1..].iter().any(|open| open == "table")
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(name) = self.open.pop() {
                let _ = write!(self.html, "</{name}>");
            }
        }
    }

    fn write(&mut self, name: &str, attributes: &[(String, &str)]) {
        let _ = write!(self.html, "<{name}");
        for (key, value) in attributes {
            // Before there were ids, places to jump to had names.
            let key = if name == "a" && key == "name" { "id" } else { key };
            if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                let _ = write!(self.html, " {key}=\"{}\"", value.replace('"', "&quot;"));
            }
        }
        self.html.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_closed_is_closed_once_and_not_opened_again() {
        for (html, expected) in [
            ("<p><b>x<p>y", "<p><b>x</b></p><p>y</p>"),
            ("<ul><li>a<ul><li>b</ul><li>c</ul>", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
            ("<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"),
            (
                "<table><tr><td>a<td><b>b<tr><th>c</table>d",
                "<table><tr><td>a</td><td><b>b</b></td></tr><tr><th>c</th></tr></table>d",
            ),
            ("<table><b><p><tr><td>x", "<table><tr><td>x</td></tr></table>"),
            ("<a href=1>x<a href=2>y</a>", "<a href=\"1\">xy</a>"),
            ("</b></p>x<td>y<blink>z</blink>", "xyz"),
            ("<script>if (a<b) {}</script>x<svg><p>y</p></svg>z", "xz"),
            ("<a name=part></a><h1>t<h2>u", "<a id=\"part\"></a><h1>t</h1><h2>u</h2>"),
            ("<i title='a\"b' on(x)=1>1 < 2", "<i title=\"a&quot;b\">1 &lt; 2</i>"),
        ] {
            assert_eq!(nest(html), expected, "{html}");
        }
    }

    #[test]
    fn order_is_kept_by_what_is_in_order() {
        let html = "<div><p>a <b>b</b><br>c</p><table><thead><tr><th>h</th></tr></thead></table></div>";
        assert_eq!(nest(html), html);
        assert_eq!(nest(&nest(html)), html);
    }

    #[test]
    fn there_is_an_end_to_depth_and_to_tags() {
        assert_eq!(nest(&"<div>".repeat(100_000)).len(), DEEPEST * "<div></div>".len());
        assert_eq!(nest(&"<p>".repeat(100_000)).len(), MOST * "<p></p>".len());
    }
}
