//! The words around what was found, as HTML.

use std::ops::Range;

/// Writes a part of a text with some places in it `<strong>`, everything else escaped.
pub(crate) fn html(text: &str, marked: &[Range<usize>]) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    let mut at = 0;
    for range in marked {
        // Places may overlap where words do.
        let (start, end) = (range.start.max(at), range.end.max(at));
        let (Some(before), Some(word)) = (text.get(at..start), text.get(start..end)) else { continue };
        escape(before, &mut html);
        if !word.is_empty() {
            html.push_str("<strong>");
            escape(word, &mut html);
            html.push_str("</strong>");
        }
        at = end;
    }
    escape(text.get(at..).unwrap_or_default(), &mut html);
    html
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() => html.push(' '),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_found_is_strong_and_all_else_is_escaped() {
        assert_eq!(html("a <b> & c", std::slice::from_ref(&(2..5))), "a <strong>&lt;b&gt;</strong> &amp; c");
        assert_eq!(html("abc", &[0..2, 1..3]), "<strong>ab</strong><strong>c</strong>");
        assert_eq!(html("\u{1b}é", &[0..1, 2..9]), "<strong> </strong>é");
    }

    proptest! {
        #[test]
        fn no_text_brings_markup_of_its_own(text in ".{0,80}", places in prop::collection::vec((0_usize..100, 0_usize..20), 0..6)) {
            let marked: Vec<_> = places.into_iter().map(|(start, length)| start..start + length).collect();
            let html = html(&text, &marked).replace("<strong>", "").replace("</strong>", "");
            prop_assert!(!html.contains(['<', '>', '"']));
        }
    }
}
