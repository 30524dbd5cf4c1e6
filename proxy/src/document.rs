//! Which document of a registry an address asks for.
//!
//! The addresses are PGXN's own (pgxn-api, `/index.json`), whatever templates the registry behind has: clients that know PGXN's find the same here,
//! and a registry's index cannot put its documents over pages of the farm.

use std::sync::LazyLock;
use std::time::Duration;

use pgxn::Template;
use protocol::{Name, Version};

/// An address is at most this long; backwards, templates are read in quadratic time.
const MAX_PATH: usize = 1024;
/// What a search may ask for, in bytes of the encoded query.
const MAX_QUERY: usize = 1024;

/// What only the farm can narrow a search down by: one that says any of it is the farm's to answer, as the registry would leave it out.
pub const NARROWED: [&str; 9] = ["pg", "platform", "verdict", "since", "tests", "licence", "tag", "user", "sort"];

/// A kind of document.
pub(crate) struct Kind {
    /// The name of its template.
    pub(crate) name: &'static str,
    pub(crate) template: &'static str,
    pub(crate) media: Media,
    /// For how long one is given without asking whether it has changed.
    pub(crate) lifetime: Duration,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Text,
    Zip,
}

const MINUTE: Duration = Duration::from_mins(1);
const MINUTES: Duration = Duration::from_mins(5);
const HOUR: Duration = Duration::from_hours(1);

const fn kind(name: &'static str, template: &'static str, media: Media, lifetime: Duration) -> Kind {
    Kind { name, template, media, lifetime }
}

pub(crate) static KINDS: [Kind; 12] = [
    kind("download", "/dist/{dist}/{version}/{dist}-{version}.zip", Media::Zip, HOUR),
    kind("readme", "/dist/{dist}/{version}/README.txt", Media::Text, HOUR),
    kind("meta", "/dist/{dist}/{version}/META.json", Media::Json, MINUTES),
    kind("dist", "/dist/{dist}.json", Media::Json, MINUTES),
    kind("extension", "/extension/{extension}.json", Media::Json, MINUTES),
    kind("user", "/user/{user}.json", Media::Json, MINUTES),
    kind("tag", "/tag/{tag}.json", Media::Json, MINUTES),
    kind("stats", "/stats/{stats}.json", Media::Json, MINUTE),
    kind("mirrors", "/meta/mirrors.json", Media::Json, HOUR),
    kind("spec", "/meta/spec.{format}", Media::Text, HOUR),
    kind("userlist", "/users/{letter}.json", Media::Json, MINUTES),
    kind("search", "/search/{in}/", Media::Json, MINUTES),
];

/// The registry's own list of its templates, which says where everything else is.
static INDEX: Kind = kind("index", "/index.json", Media::Json, MINUTES);

static TEMPLATES: LazyLock<Vec<Template>> =
    LazyLock::new(|| KINDS.iter().map(|kind| Template::parse(kind.template).expect("it is PGXN's own")).collect());

/// One document, by its one right address.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) kind: &'static Kind,
    values: Vec<(&'static str, String)>,
    path: String,
    query: Option<String>,
}

/// What stands at an address.
pub(crate) enum Found {
    /// A document.
    Here(Document),
    /// A document, at another address: values are lower-cased, and encoded in one way only.
    Moved(String),
}

impl Document {
    /// What stands at an address, `path` and `query` as they were sent; none where no document can.
    pub(crate) fn at(path: &str, query: Option<&str>) -> Option<Found> {
        if path.len() > MAX_PATH {
            return None;
        }
        let searched = path.strip_suffix('/').is_none() && path.starts_with("/search/");
        let asked = if searched { format!("{path}/") } else { path.to_owned() };
        let (kind, template, values) = KINDS
            .iter()
            .zip(&*TEMPLATES)
            .find_map(|(kind, template)| Some((kind, template, template.values(&asked)?)))?;
        let values: Vec<(&'static str, String)> = values;
        let given: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let right = template.expand(&given).ok()?;
        let asked_query = query.unwrap_or_default();
        let query = (kind.name == "search").then(|| search(asked_query));
        // Of each, the template allows more than there is.
        let is_none = match kind.name {
            "spec" => right != "/meta/spec.txt",
            "userlist" => right.len() != "/users/a.json".len(),
            "search" => is_narrowed(asked_query),
            _ => false,
        };
        if is_none {
            return None;
        }
        if right != asked {
            return Some(Found::Moved(right));
        }
        Some(Found::Here(Self { kind, values, path: right, query }))
    }

    /// The META.json of a release.
    pub(crate) fn meta(dist: &Name, version: &Version) -> Option<Self> {
        Self::of("meta", &[("dist", dist.as_str()), ("version", version.as_str())])
    }

    /// A document by the name of its template; none where the values cannot stand in an address.
    pub(crate) fn of(name: &'static str, values: &[(&'static str, &str)]) -> Option<Self> {
        let (kind, template) = KINDS.iter().zip(&*TEMPLATES).find(|(kind, _)| kind.name == name)?;
        let path = template.expand(values).ok()?;
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Some(Self { kind, values, path, query: None })
    }

    /// The registry's `/index.json`.
    pub(crate) fn index() -> Self {
        Self { kind: &INDEX, values: Vec::new(), path: INDEX.template.to_owned(), query: None }
    }

    pub(crate) fn is_index(&self) -> bool {
        self.kind.name == INDEX.name
    }

    pub(crate) fn is_search(&self) -> bool {
        self.query.is_some()
    }

    /// The address, which is also what it is kept under.
    pub(crate) fn address(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The variables of its template.
    pub(crate) fn values(&self) -> Vec<(&str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// What stands after the `?` of a search.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The release that an archive is of.
    pub(crate) fn release(&self) -> Option<(Name, Version)> {
        let value = |name| self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        Some((value("dist")?.parse().ok()?, value("version")?.parse().ok()?))
    }

    /// The value of its `Content-Type`.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.kind.media {
            Media::Json => "application/json",
            Media::Text => "text/plain; charset=utf-8",
            Media::Zip => "application/zip",
        }
    }
}

/// Whether a query has a condition that the API does not know.
fn is_narrowed(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(key, value)| NARROWED.contains(&&*key) && !value.is_empty())
}

/// The query of a search with what the API knows of it alone (pgxn-api, `/search/`): `q`, `o` and `l`, in one order.
fn search(query: &str) -> String {
    let mut right = url::form_urlencoded::Serializer::new(String::new());
    for key in ["q", "o", "l"] {
        let value = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == key);
        if let Some((_, value)) = value.filter(|(_, value)| value.len() <= MAX_QUERY) {
            right.append_pair(key, &value);
        }
    }
    right.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> String {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        match Document::at(path, query) {
            Some(Found::Here(document)) => format!("{} {}", document.kind.name, document.address()),
            Some(Found::Moved(to)) => format!("to {to}"),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn every_address_of_the_registry_is_one_document() {
        for (path, kind) in [
            ("/dist/pgtap/1.3.4/pgtap-1.3.4.zip", "download"),
            ("/dist/pgtap/1.3.4/README.txt", "readme"),
            ("/dist/pgtap/1.3.4/META.json", "meta"),
            ("/dist/pgtap.json", "dist"),
            ("/extension/pgtap.json", "extension"),
            ("/user/theory.json", "user"),
            ("/tag/key%20value.json", "tag"),
            ("/stats/summary.json", "stats"),
            ("/meta/mirrors.json", "mirrors"),
            ("/meta/spec.txt", "spec"),
            ("/users/t.json", "userlist"),
            ("/search/docs/?q=a", "search"),
        ] {
            assert_eq!(at(path), format!("{kind} {path}"));
        }
    }

    #[test]
    fn another_spelling_leads_to_the_one_address() {
        assert_eq!(at("/dist/pgTAP.json"), "to /dist/pgtap.json");
        assert_eq!(at("/dist/PgTAP/1.0.0-B1/pgtap-1.0.0-b1.zip"), "nothing");
        assert_eq!(at("/tag/key+value.json"), "to /tag/key%2Bvalue.json");
        assert_eq!(at("/search/docs?x=1&l=5&q=a%20b&o=0"), "search /search/docs/?q=a+b&o=0&l=5");
        assert_eq!(at("/search/docs/?q=a&verdict=pass"), "nothing", "the registry knows no verdicts");
        assert_eq!(at("/search/docs/?q=a&verdict=&x=pass"), "search /search/docs/?q=a");
    }

    #[test]
    fn pages_of_the_farm_are_no_documents() {
        for path in [
            "/",
            "/index.json",
            "/dist/pgtap/",
            "/dist/pgtap",
            "/dist/pgtap/1.3.4/",
            "/dist/pgtap/matrix.json/",
            "/status.json",
            "/search",
            "/search/",
            "/users/",
            "/meta/spec.html",
            "/users/ab.json",
            "/dist/%2e%2e.json",
            "/api/v1/openapi.json",
        ] {
            assert_eq!(at(path), "nothing", "{path}");
        }
        assert_eq!(at(&format!("/dist/{}.json", "a".repeat(MAX_PATH))), "nothing");
    }
}
