//! The address templates of `/index.json`: RFC 6570 as PGXN uses it, `{var}` and `{+docpath}`.
//!
//! PGXN lower-cases every value but a document's path. A value never adds a step up or down the path: one that is a dot segment is refused,
//! as no percent-encoding hides it from a URL parser.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A registry's template is at most this long.
const MAX_CHARS: usize = 1_024;

/// RFC 6570 §3.2.2: everything but the unreserved characters of RFC 3986.
const SIMPLE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// RFC 6570 §3.2.3 would keep all reserved characters; of them a path needs these, and `?` or `#` would end it.
const PATH: &AsciiSet =
    &SIMPLE.remove(b'/').remove(b'+').remove(b'@').remove(b':').remove(b',').remove(b'=').remove(b'(').remove(b')');

/// A template that cannot be used, or not with these values.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TemplateError {
    /// The index does not have it.
    #[error("the index does not have it")]
    Absent,
    /// Not the subset of RFC 6570 that PGXN uses.
    #[error("`{template}` {why}")]
    Syntax {
        /// The template.
        template: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The template asks for a value that its documents do not have.
    #[error("`{template}` asks for `{variable}`, which is not known here")]
    Unknown {
        /// The template.
        template: String,
        /// The variable.
        variable: String,
    },
    /// The value would change the path.
    #[error("`{value}` cannot stand in an address")]
    Value {
        /// The value.
        value: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable { name: String, path: bool },
}

/// One parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

impl Template {
    /// Parses a template, which has to be a path from the registry's base address on.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let refuse = |why| Err(TemplateError::Syntax { template: text.chars().take(80).collect(), why });
        if text.chars().count() > MAX_CHARS {
            return refuse("is longer than 1024 characters");
        }
        if !text.starts_with('/') || text.contains(|c: char| c == '\\' || c.is_control()) {
            return refuse("is not a path that starts with `/`");
        }
        if text.split(['/', '?', '#']).any(is_dot_segment) {
            return refuse("leads out of the registry");
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once('{') {
            let Some((expression, tail)) = tail.split_once('}') else {
                return refuse("has a `{` without its `}`");
            };
            let (name, path) = match expression.strip_prefix('+') {
                Some(name) => (name, true),
                None => (expression, false),
            };
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return refuse("uses more of RFC 6570 than `{name}` and `{+name}`");
            }
            parts.push(Part::Literal(literal.to_owned()));
            parts.push(Part::Variable { name: name.to_owned(), path });
            rest = tail;
        }
        if rest.contains('}') {
            return refuse("has a `}` without its `{`");
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The template as the index has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the first variable: for a mirror on disk, the directory that holds all documents of the kind.
    pub fn prefix(&self) -> &str {
        self.text.split('{').next().unwrap_or_default()
    }

    /// The path for these values.
    pub fn expand(&self, values: &[(&str, &str)]) -> Result<String, TemplateError> {
        let mut path = String::with_capacity(self.text.len() + 16);
        for part in &self.parts {
            match part {
                Part::Literal(text) => path.push_str(text),
                Part::Variable { name, path: is_path } => {
                    let value =
                        values.iter().find(|(known, _)| known == name).map(|(_, value)| *value).ok_or_else(|| {
                            TemplateError::Unknown { template: self.text.clone(), variable: name.clone() }
                        })?;
                    path.push_str(&encode(value, *is_path)?);
                }
            }
        }
        Ok(path)
    }
}

fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn encode(value: &str, path: bool) -> Result<String, TemplateError> {
    let mut segments = value.split('/');
    if value.is_empty() || value.contains('\0') || segments.any(is_dot_segment) {
        return Err(TemplateError::Value { value: value.chars().take(80).collect() });
    }
    Ok(if path {
        utf8_percent_encode(value, PATH).to_string()
    } else {
        utf8_percent_encode(&value.to_lowercase(), SIMPLE).to_string()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expand(template: &str, values: &[(&str, &str)]) -> Result<String, TemplateError> {
        Template::parse(template)?.expand(values)
    }

    #[test]
    fn every_value_but_the_path_of_a_document_is_lower_cased_and_encoded() {
        let download = "/dist/{dist}/{version}/{dist}-{version}.zip";
        assert_eq!(
            expand(download, &[("dist", "pgTAP"), ("version", "1.3.0-RC1")]).unwrap(),
            "/dist/pgtap/1.3.0-rc1/pgtap-1.3.0-rc1.zip"
        );
        assert_eq!(expand("/tag/{tag}.json", &[("tag", "Key Value/ß")]).unwrap(), "/tag/key%20value%2F%C3%9F.json");
        assert_eq!(
            expand("/dist/{dist}/{+docpath}.html", &[("dist", "A"), ("docpath", "doc/Read Me?")]).unwrap(),
            "/dist/a/doc/Read%20Me%3F.html"
        );
    }

    #[test]
    fn no_value_and_no_template_leads_out_of_the_registry() {
        for value in ["..", ".", "", "%2e%2E", "a\0b"] {
            assert!(expand("/user/{user}.json", &[("user", value)]).is_err(), "{value:?}");
        }
        assert!(expand("/{+docpath}.html", &[("docpath", "doc/../../secret")]).is_err());
        for template in ["dist/{dist}", "https://example.org/{dist}", "/../{dist}", "/a/%2e%2e/b", "/a\\b"] {
            assert!(Template::parse(template).is_err(), "{template}");
        }
    }

    #[test]
    fn what_pgxn_does_not_use_is_refused_rather_than_guessed() {
        for template in ["/{?q,o}", "/{a,b}", "/{a*}", "/{a:3}", "/{#a}", "/{}", "/{a", "/a}"] {
            assert!(Template::parse(template).is_err(), "{template}");
        }
        assert!(matches!(expand("/{other}", &[("dist", "a")]), Err(TemplateError::Unknown { .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,60}", value in ".{0,20}") {
            let _ = expand(&text, &[("dist", &value), ("a", &value)]);
        }

        #[test]
        fn a_value_stays_one_segment(value in ".{0,20}") {
            if let Ok(path) = expand("/user/{user}.json", &[("user", &value)]) {
                let url = url::Url::parse(&format!("http://example.org/base{path}")).unwrap();
                prop_assert!(url.path().starts_with("/base/user/"), "{}", url);
                prop_assert_eq!(url.path_segments().unwrap().count(), 3);
                prop_assert_eq!(url.query(), None);
            }
        }
    }
}
