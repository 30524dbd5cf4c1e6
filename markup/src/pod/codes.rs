//! What is marked within a paragraph: `B<bold>`, `C<< a > b >>`.

use std::fmt::Write;

use crate::lines::{self, DEEPEST_SPAN, address, near};
use crate::outline::slug;
use crate::tags::escape;

/// Text as HTML.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::new();
    codes(text, &mut html, 0);
    html
}

/// Text with codes such as `B<bold>` and `C<< a > b >>`.
fn codes(text: &str, html: &mut String, depth: usize) {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some((letter, inside, len)) = code(rest) else {
            if let Some(address) = address(rest) {
                html.push_str(&lines::link(address, &escape(address)));
                at += address.len();
                continue;
            }
            let len = rest.chars().next().map_or(1, char::len_utf8);
            html.push_str(&escape(&rest[..len]));
            at += len;
            continue;
        };
        at += len;
        let mut inner = String::new();
        if depth < DEEPEST_SPAN {
            codes(inside, &mut inner, depth + 1);
        } else {
            inner = escape(inside);
        }
        match letter {
            b'B' => wrap(html, "strong", &inner),
            b'I' => wrap(html, "em", &inner),
            b'C' | b'F' => wrap(html, "code", &inner),
            b'E' => html.push_str(&entity(inside)),
            b'L' => html.push_str(&linked(inside)),
            b'X' | b'Z' => {}
            _ => html.push_str(&inner),
        }
    }
}

fn wrap(html: &mut String, tag: &str, inner: &str) {
    let _ = write!(html, "<{tag}>{inner}</{tag}>");
}

/// The code that a text begins with: its letter, what is inside, and the length of all.
fn code(text: &str) -> Option<(u8, &str, usize)> {
    let letter = *text.as_bytes().first()?;
    if !b"BICFELSXZ".contains(&letter) || text.as_bytes().get(1) != Some(&b'<') {
        return None;
    }
    let wide = text[1..].len() - text[1..].trim_start_matches('<').len();
    let inside = &text[1 + wide..];
    if wide > 1 {
        let end = format!(" {}", ">".repeat(wide.min(8)));
        let at = near(inside, &end)?;
        return Some((letter, inside[..at].trim(), 1 + wide + at + end.len()));
    }
    // Other codes may be inside, whose ends are not this one's.
    let (mut open, window) = (1, &inside[..inside.floor_char_boundary(1000)]);
    let mut before = b' ';
    for (at, byte) in window.bytes().enumerate() {
        match byte {
            b'<' if before.is_ascii_uppercase() => open += 1,
            b'>' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((letter, &inside[..at], 2 + at + 1));
        }
        before = byte;
    }
    None
}

fn entity(name: &str) -> String {
    let text = match name {
        "lt" => "<",
        "gt" => ">",
        "verbar" => "|",
        "sol" => "/",
        "quot" => "\"",
        "amp" => "&",
        name if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            let number = match name.strip_prefix("0x") {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => name.parse(),
            };
            return match number.ok().and_then(char::from_u32) {
                Some(c) => escape(&c.to_string()),
                // Any other name is one of HTML's.
                None => format!("&{name};"),
            };
        }
        name => name,
    };
    escape(text)
}

/// `L<text|page/section>`, `L<page>`, `L</section>` and `L<address>`.
fn linked(inside: &str) -> String {
    let (text, to) = match inside.split_once('|') {
        Some((text, to)) => (Some(text), to),
        None => (None, inside),
    };
    let plain = |text: &str| {
        let mut html = String::new();
        codes(text, &mut html, DEEPEST_SPAN);
        html
    };
    if to.contains("://") || to.starts_with("mailto:") {
        return lines::link(to, &plain(text.unwrap_or(to)));
    }
    let (page, section) = to.split_once('/').unwrap_or((to, ""));
    let section = section.trim_matches('"');
    let shown = text.unwrap_or(if section.is_empty() { page } else { section });
    if page.is_empty() && !section.is_empty() {
        return lines::link(&format!("#{}", slug(section)), &plain(shown));
    }
    // A page of Perl's or of the system's is not among the files of a distribution.
    plain(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_what_is_written_in_them() {
        for (text, expected) in [
            ("C<< a->b >> and C<a<b>", "<code>a-&gt;b</code> and <code>a&lt;b</code>"),
            ("E<lt>E<eacute>E<0x201E>", "&lt;&eacute;„"),
            (
                "L<the docs|https://a.org/> L</Use it> L<perlfunc>",
                "<a href=\"https://a.org/\">the docs</a> <a href=\"#use-it\">Use it</a> perlfunc",
            ),
            ("B<never closed", "B&lt;never closed"),
            ("1 < 2 X<index>", "1 &lt; 2 "),
        ] {
            assert_eq!(inline(text), expected, "{text}");
        }
    }
}
