//! META.json, read as leniently as fifteen years of it demand.
//!
//! The registry serves META 1 without its `meta-spec`, with `user`, `sha1` and `date` added; an archive holds what the author wrote. Only a
//! name and a version are needed; whatever else cannot be read is left out and named in [`Meta::problems`]. META 2 is read for what is alike.

use protocol::{Name, PostgresRange, Range, Release, Status, Timestamp, Version};
use serde_json::{Map, Value};

use crate::json;

mod prereqs;
mod provides;
mod resources;
mod second;

pub use prereqs::{Named, Phase, Prerequisite, Relation};
pub use provides::Provided;
pub use resources::{License, Resources};
pub use second::{Module, Preload};

/// A META.json that does not say what is being released, or not to us.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// Not JSON.
    #[error("META.json is {found} instead of JSON")]
    NotJson {
        /// What it is.
        found: &'static str,
        /// Where the JSON breaks off.
        #[source]
        source: serde_json::Error,
    },
    /// Not there, or not to be read.
    #[error("META.json {why}")]
    Unusable {
        /// What is wrong with it.
        why: String,
    },
    /// It is that of another release.
    #[error("META.json describes {found}, not {expected}")]
    Another {
        /// The release that it describes.
        found: String,
        /// The release that was asked for.
        expected: String,
    },
    /// JSON, but not an object.
    #[error("META.json is not a JSON object")]
    NotAnObject,
    /// A field that is needed is absent or empty.
    #[error("META.json has no `{field}`")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field that is needed cannot be read.
    #[error("META.json has an unusable `{field}`: {why}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// The version of the META specification that a document follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spec {
    /// 1.0.x, also where `meta-spec` was stripped.
    First,
    /// 2.x, of which only what is alike is read.
    Second,
}

/// What a distribution says about itself.
#[derive(Clone, Debug)]
pub struct Meta {
    /// The specification that it follows.
    pub spec: Spec,
    /// The distribution.
    pub name: Name,
    /// Its version.
    pub version: Version,
    /// What its author calls the release.
    pub status: Status,
    /// One line about it.
    pub summary: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// Who maintains it, usually as `Name <address>`.
    pub maintainers: Vec<String>,
    /// What it may be used under.
    pub licenses: Vec<License>,
    /// Its extensions, in the author's order, which is the order in which they can be created.
    pub provides: Vec<Provided>,
    /// What it needs, and what it cannot live with.
    pub prereqs: Vec<Prerequisite>,
    /// Its libraries; only META 2 says which.
    pub modules: Vec<Module>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Where to read and complain.
    pub resources: Resources,
    /// The uploader; only the registry's copy says so.
    pub user: Option<Name>,
    /// The SHA-1 of the archive, 40 lower-case hexadecimal digits; only the registry's copy says so.
    pub sha1: Option<String>,
    /// When it was uploaded; only the registry's copy says so.
    pub date: Option<Timestamp>,
    /// What was there but could not be read, a sentence each.
    pub problems: Vec<String>,
    source: Value,
}

impl Meta {
    /// Reads a META.json.
    pub fn parse(text: &[u8]) -> Result<Self, MetaError> {
        let value =
            json::parse(text).map_err(|source| MetaError::NotJson { found: json::describe(text, &source), source })?;
        let order = provides::order(text);
        Self::read(value, &order)
    }

    fn read(source: Value, order: &[String]) -> Result<Self, MetaError> {
        let Value::Object(object) = &source else { return Err(MetaError::NotAnObject) };
        let name = required(object, "name")?;
        let version = required(object, "version")?;
        let mut problems = Vec::new();
        let spec = spec(object);
        let (provides, prereqs, maintainers) = match spec {
            Spec::First => (
                provides::first(object.get("provides"), order, &mut problems),
                prereqs::first(object.get("prereqs"), &mut problems),
                json::texts(object.get("maintainer")),
            ),
            Spec::Second => (
                second::provides(object, &mut problems),
                second::prereqs(object, &mut problems),
                second::maintainers(object),
            ),
        };
        Ok(Self {
            spec,
            name,
            version,
            status: status(object, &mut problems),
            summary: json::text(object.get("abstract")),
            description: json::text(object.get("description")),
            maintainers,
            licenses: resources::licenses(object.get("license")),
            provides,
            prereqs,
            modules: if spec == Spec::Second { second::modules(object) } else { Vec::new() },
            tags: json::texts(object.get("tags")),
            resources: Resources::read(object.get("resources")),
            user: optional_name(object, "user", &mut problems),
            sha1: sha1(object, &mut problems),
            date: json::moment(object.get("date")),
            problems,
            source,
        })
    }

    /// The same, if it is that of the release asked for. A hyphen in a version makes no difference: old ones were stored with and without.
    pub fn of(self, dist: &Name, version: &Version) -> Result<Self, MetaError> {
        let plain = |version: &Version| version.as_str().to_lowercase().replace('-', "");
        if self.name == *dist && plain(&self.version) == plain(version) {
            return Ok(self);
        }
        let found = format!("{} {}", self.name, self.version);
        Err(MetaError::Another { found, expected: format!("{dist} {version}") })
    }

    /// The whole document.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The PostgreSQL versions it works with: the requirements of all phases that a test goes through, less its conflicts.
    pub fn postgres_range(&self) -> PostgresRange {
        let mut range = PostgresRange::default();
        for prerequisite in self.prereqs.iter().filter(|p| p.is_postgres() && p.phase != Phase::Develop) {
            match prerequisite.relation {
                Relation::Requires => range.requires = range.requires.and(&prerequisite.range),
                Relation::Conflicts => range.conflicts.push(prerequisite.range.clone()),
                Relation::Recommends | Relation::Suggests => {}
            }
        }
        range
    }

    /// The libraries that it says have to be in `shared_preload_libraries`, in its order.
    pub fn server_preload(&self) -> impl Iterator<Item = &str> {
        let needed = self.modules.iter().filter(|module| module.preload == Some(Preload::Server));
        needed.map(|module| module.library.as_str())
    }

    /// The release that the registry's copy describes; an archive's own META.json lacks what only the registry knows.
    pub fn release(&self) -> Result<Release, MetaError> {
        let missing = |field| MetaError::Missing { field };
        Ok(Release {
            dist: self.name.clone(),
            version: self.version.clone(),
            status: self.status,
            user: self.user.clone().ok_or_else(|| missing("user"))?,
            sha1: self.sha1.clone().ok_or_else(|| missing("sha1"))?,
            released_at: self.date.ok_or_else(|| missing("date"))?,
        })
    }
}

/// A field without which there is no release.
fn required<T>(object: &Map<String, Value>, field: &'static str) -> Result<T, MetaError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = json::text(object.get(field)).ok_or(MetaError::Missing { field })?;
    text.parse().map_err(|error: T::Err| MetaError::Field { field, why: error.to_string() })
}

/// The specification that a document follows, whatever else is wrong with it.
pub(crate) fn spec_of(document: &Value) -> Spec {
    document.as_object().map_or(Spec::First, spec)
}

fn spec(object: &Map<String, Value>) -> Spec {
    let stated = object.get("meta-spec").and_then(|spec| match spec {
        Value::Object(spec) => json::text(spec.get("version")),
        other => json::text(Some(other)),
    });
    let second = match stated {
        Some(version) => version.split('.').next() == Some("2"),
        None => object.get("contents").is_some_and(Value::is_object) && !object.contains_key("provides"),
    };
    if second { Spec::Second } else { Spec::First }
}

fn status(object: &Map<String, Value>, problems: &mut Vec<String>) -> Status {
    let Some(text) = json::text(object.get("release_status")) else { return Status::default() };
    text.to_lowercase().parse().unwrap_or_else(|error| {
        problems.push(format!("{error}; taken as stable"));
        Status::default()
    })
}

fn optional_name(object: &Map<String, Value>, field: &str, problems: &mut Vec<String>) -> Option<Name> {
    let text = json::text(object.get(field))?;
    text.parse().map_err(|error| problems.push(format!("`{field}`: {error}"))).ok()
}

fn sha1(object: &Map<String, Value>, problems: &mut Vec<String>) -> Option<String> {
    let text = json::text(object.get("sha1"))?.to_lowercase();
    if text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Some(text);
    }
    problems.push("`sha1` is not 40 hexadecimal digits".to_owned());
    None
}

/// Reads a range, or takes it as any and says so.
fn range(value: &Value, whose: &str, problems: &mut Vec<String>) -> Range {
    let Some(text) = json::text(Some(value)) else {
        if !matches!(value, Value::Null) && value.as_str() != Some("") {
            problems.push(format!("the version of `{whose}` is {}; taken as any", json::excerpt(value)));
        }
        return Range::any();
    };
    text.parse().unwrap_or_else(|error| {
        problems.push(format!("the version of `{whose}`: {error}; taken as any"));
        Range::any()
    })
}

#[cfg(test)]
mod tests;
