//! The address templates of `/index.json`: RFC 6570 as PGXN uses it, `{var}` and `{+docpath}`.
//!
//! PGXN lower-cases every value but a document's path. A value never adds a step up or down the path: one that is a dot segment is refused,
//! as no percent-encoding hides it from a URL parser.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

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

    /// The values that a path was made from, decoded, in the template's order; none for a path of another kind. A variable takes no slash unless
    /// it is one of `{+docpath}`, and as few characters as it can. Expanding them again gives the path in its one right form.
    pub fn values(&self, path: &str) -> Option<Vec<(&str, String)>> {
        let mut values = Vec::new();
        take(&self.parts, path, &mut values).then_some(values)
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

/// Takes the parts off the front of a path, and whether nothing of it is left. A literal that follows a variable may occur in its value, so that
/// the later places are tried as well.
fn take<'a>(parts: &'a [Part], path: &str, values: &mut Vec<(&'a str, String)>) -> bool {
    let Some((part, parts)) = parts.split_first() else { return path.is_empty() };
    match part {
        Part::Literal(text) => path.strip_prefix(text.as_str()).is_some_and(|rest| take(parts, rest, values)),
        Part::Variable { name, path: is_path } => {
            let known = values.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
            let end = if *is_path { path.len() } else { path.find('/').unwrap_or(path.len()) };
            for (at, _) in path.char_indices().skip(1).chain([(path.len(), ' ')]).take_while(|(at, _)| *at <= end) {
                let Ok(value) = percent_decode_str(&path[..at]).decode_utf8() else { continue };
                if value.is_empty() || known.as_deref().is_some_and(|known| known != value) {
                    continue;
                }
                let before = values.len();
                values.push((name, value.into_owned()));
                if take(parts, &path[at..], values) {
                    return true;
                }
                values.truncate(before);
            }
            false
        }
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

    #[test]
    fn a_path_gives_its_values_back_and_other_paths_give_none() {
        let values = |template: &str, path: &str| {
            let template = Template::parse(template).unwrap();
            let values = template.values(path)?;
            Some(values.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
        };
        let download = "/dist/{dist}/{version}/{dist}-{version}.zip";
        let found = values(download, "/dist/a-b/1.0.0-b1/a-b-1.0.0-b1.zip");
        assert_eq!(found.as_deref(), Some("dist=a-b version=1.0.0-b1 dist=a-b version=1.0.0-b1"));
        assert_eq!(values(download, "/dist/a/1.0.0/b-1.0.0.zip"), None);
        assert_eq!(values("/tag/{tag}.json", "/tag/a%20b%2Fc.json").as_deref(), Some("tag=a b/c"));
        assert_eq!(values("/tag/{tag}.json", "/tag/a/b.json"), None);
        assert_eq!(values("/tag/{tag}.json", "/tag/.json"), None);
        assert_eq!(values("/dist/{dist}.json", "/dist/a.json.json").as_deref(), Some("dist=a.json"));
        let html = "/dist/{dist}/{version}/{+docpath}.html";
        assert_eq!(values(html, "/dist/a/1/doc/b.html.html").as_deref(), Some("dist=a version=1 docpath=doc/b.html"));
        assert_eq!(values("/meta/mirrors.json", "/meta/mirrors.json").as_deref(), Some(""));
        assert_eq!(values("/meta/mirrors.json", "/meta/mirrors.json/"), None);
    }

    proptest! {
        #[test]
        fn what_is_expanded_is_read_back(dist in "[a-z0-9._%é-]{1,20}", version in "[0-9a-z.-]{1,12}", path in "[a-zA-Z/. %+]{1,20}") {
            for template in ["/dist/{dist}/{version}/{dist}-{version}.zip", "/dist/{dist}/{version}/{+docpath}.html"] {
                let template = Template::parse(template).unwrap();
                let given = [("dist", dist.as_str()), ("version", &version), ("docpath", &path)];
                if let Ok(expanded) = template.expand(&given) {
                    let values = template.values(&expanded).unwrap();
                    let again: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    prop_assert_eq!(template.expand(&again).unwrap(), expanded);
                }
            }
        }

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
