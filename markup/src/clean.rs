//! What is left of HTML that anybody may have written (ammonia, by lists of what is allowed).

use std::borrow::Cow;
use std::collections::HashSet;

use ammonia::{Builder, UrlRelative, UrlRelativeEvaluate};

use crate::place::Place;

/// What every id of a document begins with.
pub const ID_PREFIX: &str = "doc-";
/// What the class of code begins with that tells its language.
pub(crate) const LANGUAGE: &str = "language-";

const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

struct Resolve(Place);

impl UrlRelativeEvaluate<'_> for Resolve {
    fn evaluate<'a>(&self, url: &'a str) -> Option<Cow<'a, str>> {
        if let Some(fragment) = url.strip_prefix('#') {
            return Some(format!("#{ID_PREFIX}{fragment}").into());
        }
        // `//host/path` is relative in its scheme only.
        if url.starts_with("//") || url.contains('\\') {
            return None;
        }
        self.0.resolve(url).map(Into::into)
    }
}

pub(crate) fn clean(html: &str, place: &Place) -> String {
    let mut builder = Builder::default();
    builder
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Custom(Box::new(Resolve(place.clone()))))
        .link_rel(Some("nofollow noopener"))
        .id_prefix(Some(ID_PREFIX))
        // Parts of a page, which the page has itself.
        .rm_tags(["map", "area", "article", "aside", "footer", "header", "nav"])
        .add_generic_attributes(["id"])
        .add_tag_attributes("code", ["class"])
        .rm_tag_attributes("img", ["width", "height", "align"])
        .attribute_filter(|tag, attribute, value| match (tag, attribute) {
            // A picture of another site would tell it who reads here, and the page's policy forbids it.
            ("img", "src") if !is_picture_of_this_site(value) => None,
            ("code", "class") if !is_language(value) => None,
            ("blockquote" | "q" | "del" | "ins", "cite") => None,
            _ => Some(value.into()),
        });
    builder.clean(html).to_string()
}

fn is_language(class: &str) -> bool {
    let name = class.strip_prefix(LANGUAGE).unwrap_or_default();
    !name.is_empty()
        && name.len() < 24
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+#-_".contains(&byte))
}

/// Whether an address is relative in all its parts, so that what becomes of it is what [`Place`] says, and of a kind that this site serves as a picture.
fn is_picture_of_this_site(address: &str) -> bool {
    let relative = matches!(url::Url::parse(address), Err(url::ParseError::RelativeUrlWithoutBase));
    let path = address.split(['?', '#']).next().unwrap_or_default().to_lowercase();
    let is_picture = [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|end| path.ends_with(end));
    relative && is_picture && !address.trim_start().starts_with("//")
}
