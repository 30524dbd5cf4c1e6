//! Facts out of a stored META.json, read leniently: what is missing or odd is left out.

use serde::Serialize;
use serde_json::Value;
use url::Url;

/// At most this many of anything are shown.
const MOST: usize = 12;
const MAX_CHARS: usize = 200;

/// What a page says of a release beside its verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Facts {
    /// Its licences.
    pub licenses: Vec<String>,
    /// Its maintainers, without their addresses.
    pub maintainers: Vec<String>,
    /// The extensions that it provides.
    pub provides: Vec<Extension>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Links, http and https only.
    pub links: Vec<(&'static str, String)>,
}

/// An extension that a release provides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Extension {
    /// Its name.
    pub name: String,
    /// Its version; empty where META.json states none.
    pub version: String,
}

/// Reads the facts.
pub(crate) fn read(meta: &Value) -> Facts {
    Facts {
        licenses: licenses(meta.get("license")),
        maintainers: texts(meta.get("maintainer")).iter().map(|text| without_address(text)).collect(),
        provides: provides(meta.get("provides")),
        tags: texts(meta.get("tags")),
        links: links(meta.get("resources")),
    }
}

/// A text or a list of texts, each of sane length.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![short(text)],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).take(MOST).map(short).collect(),
        _ => Vec::new(),
    }
}

/// A text of the registry that fits into a line.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}

/// A licence is a word, a list of words, or names with addresses.
fn licenses(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Object(named)) => named.keys().take(MOST).map(|name| short(name)).collect(),
        other => texts(other),
    }
}

/// `David E. Wheeler <david@example.com>` without what robots collect.
fn without_address(text: &str) -> String {
    text.split_once('<').map_or(text, |(name, _)| name).trim().to_owned()
}

fn provides(value: Option<&Value>) -> Vec<Extension> {
    let Some(Value::Object(extensions)) = value else { return Vec::new() };
    let one = |(name, about): (&String, &Value)| Extension {
        name: short(name),
        version: about.get("version").and_then(Value::as_str).map(short).unwrap_or_default(),
    };
    extensions.iter().take(MOST).map(one).collect()
}

fn links(value: Option<&Value>) -> Vec<(&'static str, String)> {
    let Some(resources) = value else { return Vec::new() };
    let address = |value: Option<&Value>| web(value?.as_str()?);
    [
        ("Home page", address(resources.get("homepage"))),
        (
            "Source",
            address(resources.pointer("/repository/web")).or_else(|| address(resources.pointer("/repository/url"))),
        ),
        ("Issues", address(resources.pointer("/bugtracker/web"))),
    ]
    .into_iter()
    .filter_map(|(name, address)| Some((name, address?)))
    .collect()
}

/// An address that a link may lead to.
pub(super) fn web(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let safe = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    (safe && text.len() <= 500).then(|| url.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_facts_of_a_plain_release_are_found() {
        let meta = json!({
            "license": { "PostgreSQL": "https://www.postgresql.org/about/licence" },
            "maintainer": ["David E. Wheeler <david@example.com>"],
            "provides": { "pgtap": { "file": "sql/pgtap.sql", "version": "1.3.4" } },
            "tags": ["testing", "tap"],
            "resources": { "homepage": "https://pgtap.org", "repository": { "url": "git://example.com/x.git", "web": "https://example.com/x" } },
        });
        let facts = read(&meta);
        assert_eq!(facts.licenses, ["PostgreSQL"]);
        assert_eq!(facts.maintainers, ["David E. Wheeler"]);
        assert_eq!(facts.provides, [Extension { name: "pgtap".into(), version: "1.3.4".into() }]);
        assert_eq!(
            facts.links,
            [("Home page", "https://pgtap.org/".to_owned()), ("Source", "https://example.com/x".to_owned())]
        );
    }

    #[test]
    fn no_link_leads_to_a_script() {
        for text in
            ["javascript:alert(1)", "data:text/html,x", "//x", "file:///etc/passwd", "https://a:b@example.com", " "]
        {
            assert_eq!(web(text), None, "{text}");
        }
    }

    #[test]
    fn odd_metadata_leaves_facts_out_and_breaks_nothing() {
        for meta in [
            json!(null),
            json!([]),
            json!({ "license": 3, "maintainer": {}, "provides": [], "tags": [1], "resources": "x" }),
        ] {
            assert_eq!(read(&meta), Facts::default());
        }
    }
}
