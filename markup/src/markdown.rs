//! Markdown, by comrak with what GitHub adds to it.

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, format_html, parse_document};

/// The page has the first heading, and its sections the second.
const DEEPER: u8 = 2;

pub(crate) fn html(text: &str) -> String {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.footnotes = true;
    options.extension.header_id_prefix = Some(String::new());
    // What is sanitised afterwards may be anything.
    options.render.r#unsafe = true;
    let arena = Arena::new();
    let root = parse_document(&arena, text, &options);
    deepen(root);
    let mut html = String::new();
    match format_html(root, &options, &mut html) {
        // Comrak's own are empty, and so nothing that a keyboard or a screen reader could tell.
        Ok(()) => html.replace("\" class=\"anchor\"></a>", "\">#</a>"),
        Err(_) => ammonia::clean_text(text),
    }
}

fn deepen<'a>(root: &'a AstNode<'a>) {
    for node in root.descendants() {
        if let NodeValue::Heading(heading) = &mut node.data.borrow_mut().value {
            heading.level = (heading.level + DEEPER).min(6);
        }
    }
}
