//! Documents of distributions, which anybody may have written, as HTML that does no harm on a page.
//!
//! A document is read by the format that its name tells ([`Format`]), made into HTML, and only then sanitised, whatever it was: no script, no style, no
//! form, no frame, no address but `http`, `https` and `mailto`, no picture of another site. Its ids begin with [`ID_PREFIX`], so that they are not those
//! of the page. Links to other files of the distribution lead to where [`Place`] says that these are.

mod clean;
mod format;
mod markdown;
mod place;

pub use clean::ID_PREFIX;
pub use format::Format;
pub use place::Place;

/// A longer document is cut: nobody reads it on a page.
pub const MAX_BYTES: usize = 512 * 1024;

/// Makes a document into HTML. What cannot be read as its format is shown as text.
pub fn render(text: &str, format: Format, place: &Place) -> String {
    let end = text.char_indices().map(|(at, _)| at).chain([text.len()]).take_while(|at| *at <= MAX_BYTES).last();
    let text = &text[..end.unwrap_or(0)];
    let html = match format {
        Format::Markdown => markdown::html(text),
        Format::Html => text.to_owned(),
        Format::Text => return plain(text),
    };
    clean::clean(&html, place)
}

fn plain(text: &str) -> String {
    format!("<pre>{}</pre>", ammonia::clean_text(text))
}

#[cfg(test)]
mod tests;
