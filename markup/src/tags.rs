//! HTML as a row of tags and texts. It reads anything, always gets to the end, and looks at no byte more than a few times.

/// A piece of HTML.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Text, with its entities as they stand.
    Text(&'a str),
    /// A start tag: its name in lower case, and its attributes with the entities in their values as they stand.
    Open(String, Vec<(String, &'a str)>),
    /// An end tag.
    Close(String),
}

/// More attributes of a tag are read over.
const MOST_ATTRIBUTES: usize = 24;

/// The pieces of a text; comments, declarations and instructions are none.
pub(crate) struct Pieces<'a>(&'a str);

/// Takes HTML apart.
pub(crate) fn pieces(html: &str) -> Pieces<'_> {
    Pieces(html)
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let text = self.0;
            let second = text.as_bytes().get(1).copied().unwrap_or_default();
            match text.as_bytes().first()? {
                b'<' if second.is_ascii_alphabetic() => return Some(self.tag(1)),
                b'<' if second == b'/' && text.as_bytes().get(2).is_some_and(u8::is_ascii_alphabetic) => {
                    let Piece::Open(name, _) = self.tag(2) else { continue };
                    return Some(Piece::Close(name));
                }
                b'<' if text.starts_with("<!--") => self.0 = after(&text[4..], "-->"),
                b'<' if matches!(second, b'!' | b'?' | b'/') => self.0 = after(&text[2..], ">"),
                _ => {
                    let first = text.chars().next()?.len_utf8();
                    let end = text[first..].find('<').map_or(text.len(), |at| at + first);
                    self.0 = &text[end..];
                    return Some(Piece::Text(&text[..end]));
                }
            }
        }
    }
}

impl<'a> Pieces<'a> {
    /// Goes on after the end tag of an element whose content is not HTML.
    pub(crate) fn skip_to_end_of(&mut self, name: &str) {
        let (bytes, mut at) = (self.0.as_bytes(), 0);
        while let Some(found) = self.0[at..].find("</") {
            at += found + 2;
            let is_end = bytes.get(at..at + name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes()));
            if is_end && !bytes.get(at + name.len()).is_some_and(u8::is_ascii_alphanumeric) {
                self.0 = after(&self.0[at..], ">");
                return;
            }
        }
        self.0 = "";
    }

    /// Reads a tag whose name begins at `at`.
    fn tag(&mut self, at: usize) -> Piece<'a> {
        let text = &self.0[at..];
        let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(text.len());
        let name = text[..end].to_ascii_lowercase();
        let mut attributes: Vec<(String, &'a str)> = Vec::new();
        let mut rest = &text[end..];
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() || rest.starts_with('>') {
                self.0 = rest.get(1..).unwrap_or_default();
                return Piece::Open(name, attributes);
            }
            let (key, value);
            (key, value, rest) = attribute(rest);
            if attributes.len() < MOST_ATTRIBUTES && attributes.iter().all(|(known, _)| *known != key) {
                attributes.push((key, value));
            }
        }
    }
}

/// An attribute's name and value, and what comes after it.
fn attribute(text: &str) -> (String, &str, &str) {
    let ends_name = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=');
    // An equals sign in front belongs to the name.
    let first = text.chars().next().map_or(0, char::len_utf8);
    let end = text[first..].find(ends_name).map_or(text.len(), |at| at + first);
    let (key, rest) = (text[..end].to_ascii_lowercase(), &text[end..]);
    let Some(value) = rest.trim_start().strip_prefix('=') else { return (key, "", rest) };
    let value = value.trim_start();
    if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        let inside = &value[1..];
        let end = inside.find(quote).unwrap_or(inside.len());
        return (key, &inside[..end], inside.get(end + 1..).unwrap_or_default());
    }
    let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len());
    (key, &value[..end], &value[end..])
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.find(end).map_or("", |at| &text[at + end.len()..])
}

/// Text as HTML; it may stand in an attribute as well.
pub(crate) fn escape(text: &str) -> String {
    escape_text(text).replace('"', "&quot;")
}

/// Text as HTML, outside of tags.
pub(crate) fn escape_text(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\0' => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
    html
}

/// Text out of HTML that was sanitised, where few entities are left.
pub(crate) fn unescape(html: &str) -> String {
    if !html.contains('&') {
        return html.to_owned();
    }
    let text = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&nbsp;", "\u{a0}");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str, attributes: &[(&str, &'static str)]) -> Piece<'static> {
        Piece::Open(name.to_owned(), attributes.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect())
    }

    #[test]
    fn html_is_taken_apart_as_browsers_do() {
        let all: Vec<_> = pieces("a<!-- <b> --><A Href='x\">' b=c d>t</A ><br/><?php x?><!DOCTYPE x>z").collect();
        let close = Piece::Close("a".to_owned());
        let tag = open("a", &[("href", "x\">"), ("b", "c"), ("d", "")]);
        let expected = vec![Piece::Text("a"), tag, Piece::Text("t"), close, open("br", &[]), Piece::Text("z")];
        assert_eq!(all, expected);
        let all: Vec<_> = pieces("1 < 2 <3 <é").collect();
        assert_eq!(all, [Piece::Text("1 "), Piece::Text("< 2 "), Piece::Text("<3 "), Piece::Text("<é")]);
    }

    #[test]
    fn a_tag_that_does_not_end_ends_with_the_text() {
        for (html, tag) in
            [("<a", open("a", &[])), ("<a b=\"x>", open("a", &[("b", "x>")])), ("<a =", open("a", &[("=", "")]))]
        {
            assert_eq!(pieces(html).collect::<Vec<_>>(), [tag], "{html}");
        }
        let mut left = pieces("<script>a</scripty></SCRIPT >b");
        assert_eq!(left.next(), Some(open("script", &[])));
        left.skip_to_end_of("script");
        assert_eq!(left.next(), Some(Piece::Text("b")));
    }
}
