//! Documents of distributions, which anybody may have written, as HTML that does no harm on a page.
//!
//! A document is read by the format that its name tells ([`Format`]) and made into HTML, and all that comes after is the same for every format: it is brought
//! into order, so that no parser takes longer over it than it should (`nest`); sanitised, so that there is no script, no style, no form, no frame, no address
//! but `http`, `https` and `mailto`, and no picture of another site (`clean`); and only then the page's own is added (`finish`), such as links to headings and
//! colours of code. Its ids begin with [`ID_PREFIX`], so that they are not those of the page. Links to other files of the distribution lead to where [`Place`]
//! says that these are.
//!
//! Readers of formats are written for this: each goes over the text from the first line to the last, looks only a bounded way ahead, nests only to a
//! bounded depth, and reads nothing but the text. What they do not understand stays as it is written.

mod asciidoc;
mod clean;
mod code;
mod finish;
mod format;
mod lines;
mod markdown;
mod nest;
mod outline;
mod place;
mod pod;
mod rst;
mod tags;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use clean::ID_PREFIX;
pub use format::{Format, Role};
pub use outline::{Heading, contents};
pub use place::Place;

/// A longer document is cut: nobody reads it on a page.
pub const MAX_BYTES: usize = 512 * 1024;

/// So much HTML may become of a document; what is beyond is left out.
const MAX_HTML_BYTES: usize = 4 * MAX_BYTES;

/// A document that is ready for a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// HTML that does no harm.
    pub html: String,
    /// Its headings, from the first to the last.
    pub headings: Vec<Heading>,
}

/// Makes a document into HTML whose highest heading has the level `top`. What cannot be read as its format is shown as text. It blocks for as long as
/// rendering takes.
pub fn render(text: &str, format: Format, place: &Place, top: u8) -> Document {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    let rendered = catch_unwind(AssertUnwindSafe(|| {
        let mut html = match format {
            Format::Markdown => markdown::html(text),
            Format::Rst => rst::html(text),
            Format::AsciiDoc => asciidoc::html(text),
            Format::Pod => pod::html(text),
            Format::Html => text.to_owned(),
            Format::Text => return plain(text),
        };
        html.truncate(html.floor_char_boundary(MAX_HTML_BYTES));
        let finished = finish::finish(&clean::clean(&nest::nest(&html), place), top);
        Document { html: finished.html, headings: finished.headings }
    }));
    // A fault of ours or of a library in use: the document can still be read.
    rendered.unwrap_or_else(|_| plain(text))
}

fn plain(text: &str) -> Document {
    Document { html: format!("<pre>{}</pre>", tags::escape_text(text)), headings: Vec::new() }
}

#[cfg(test)]
mod tests;
