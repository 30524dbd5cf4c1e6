//! Markdown, by comrak with what GitHub adds to it.

use comrak::Options;

pub(crate) fn html(text: &str) -> String {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    options.extension.front_matter_delimiter = Some("---".to_owned());
    // What is sanitised afterwards may be anything.
    options.render.r#unsafe = true;
    comrak::markdown_to_html(text, &options)
}
