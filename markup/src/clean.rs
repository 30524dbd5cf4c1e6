//! What is left of HTML that anybody may have written (ammonia, by lists of what is allowed).

use std::borrow::Cow;
use std::collections::HashSet;

use ammonia::{Builder, UrlRelative, UrlRelativeEvaluate};

use crate::place::Place;

/// What every id of a document begins with.
pub const ID_PREFIX: &str = "doc-";

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
        .rm_tags(["map", "area"])
        .add_generic_attributes(["id"])
        .rm_tag_attributes("img", ["width", "height", "align"])
        .attribute_filter(|tag, attribute, value| match (tag, attribute) {
            // A picture of another site would tell it who reads here, and the page's policy forbids it.
            ("img", "src") if !is_of_this_site(value) => None,
            _ => Some(value.into()),
        });
    builder.clean(html).to_string()
}

/// Whether an address is relative in all its parts; what is left of it is then what [`Place`] says.
fn is_of_this_site(address: &str) -> bool {
    let relative = matches!(url::Url::parse(address), Err(url::ParseError::RelativeUrlWithoutBase));
    relative && !address.trim_start().starts_with("//")
}
