//! A release's META.json as the registry serves it, which is not quite as its author wrote it.

use protocol::{Name, Status, Timestamp, Version};
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use super::Upload;
use super::write::{Ordered, render};
use crate::Error;

/// The keys that the registry keeps, in its order.
const KEYS: [&str; 15] = [
    "name",
    "abstract",
    "description",
    "version",
    "date",
    "maintainer",
    "release_status",
    "user",
    "sha1",
    "license",
    "prereqs",
    "provides",
    "tags",
    "resources",
    "no_index",
];

/// A published release: its META.json, and what of it the other documents repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseMeta {
    /// The distribution.
    pub dist: Name,
    /// Its version.
    pub version: Version,
    /// Its release status.
    pub status: Status,
    /// Who uploaded it.
    pub user: Name,
    /// When.
    pub date: Timestamp,
    /// The archive's SHA-1, or what the registry claims it to be.
    pub sha1: String,
    fields: Map<String, Value>,
}

impl ReleaseMeta {
    /// Reads a META.json of a mirror.
    pub(super) fn of_document(document: Value) -> Result<Self, String> {
        let Value::Object(fields) = document else { return Err("it is not an object".to_owned()) };
        let text = |key: &str| fields.get(key).and_then(Value::as_str).ok_or_else(|| format!("it has no `{key}`"));
        Ok(Self {
            dist: text("name")?.parse().map_err(|error| format!("name: {error}"))?,
            version: text("version")?.parse().map_err(|error| format!("version: {error}"))?,
            status: text("release_status")?.parse()?,
            user: text("user")?.parse().map_err(|error| format!("user: {error}"))?,
            date: Timestamp::parse_rfc3339(text("date")?).ok_or("its `date` is not a time")?,
            sha1: text("sha1")?.to_owned(),
            fields,
        })
    }

    /// META.json.
    pub fn document(&self) -> String {
        let fields = KEYS.iter().filter_map(|key| Some((*key, self.fields.get(*key)?))).collect();
        render(&Ordered(fields))
    }

    /// The one-line description; empty where there is none.
    pub fn summary(&self) -> &str {
        self.fields.get("abstract").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its extensions, each with version and abstract.
    pub fn provides(&self) -> impl Iterator<Item = (&str, (&str, &str))> {
        let provides = self.fields.get("provides").and_then(Value::as_object);
        provides.into_iter().flatten().map(|(name, facts)| {
            let text = |key: &str| facts.get(key).and_then(Value::as_str).unwrap_or_default();
            (name.as_str(), (text("version"), text("abstract")))
        })
    }

    /// Its tags, as the author wrote them.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.fields.get("tags").and_then(Value::as_array);
        tags.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// What the registry makes of an upload's META.json.
pub(super) fn of_upload(upload: &Upload, date: Timestamp) -> Result<ReleaseMeta, Error> {
    let label = format!("{} {}", upload.dist, upload.version);
    let Value::Object(mut fields) = upload.meta.clone() else {
        return Err(Error::refused(label, "its META.json is not an object"));
    };
    strip(&mut fields);
    if fields.get("release_status").is_none_or(Value::is_null) {
        fields.insert("release_status".to_owned(), Value::from(Status::Stable.as_str()));
    }
    if let Some(Value::String(tag)) = fields.get("tags") {
        let tags = Value::from(vec![tag.clone()]);
        fields.insert("tags".to_owned(), tags);
    }
    let sha1 = upload.sha1.clone().unwrap_or_else(|| hex::encode(Sha1::digest(&upload.archive)));
    for (key, value) in [("user", upload.user.nickname.to_string()), ("sha1", sha1), ("date", date.to_string())] {
        fields.insert(key.to_owned(), Value::from(value));
    }
    let meta = ReleaseMeta::of_document(Value::Object(fields)).map_err(|why| Error::refused(&label, why))?;
    check_keys(&meta).map_err(|why| Error::refused(&label, why))?;
    Ok(meta)
}

/// Extensions and tags become file names, so they have to be terms.
fn check_keys(meta: &ReleaseMeta) -> Result<(), String> {
    for (extension, _) in meta.provides() {
        extension.parse::<Name>().map_err(|error| format!("provides: {error}"))?;
    }
    for tag in meta.tags() {
        if tag.is_empty() || tag.len() > 200 || tag.chars().any(|c| matches!(c, '/' | '\\') || c.is_control()) {
            return Err(format!("`{tag}` cannot be a tag"));
        }
    }
    Ok(())
}

/// Removes `meta-spec`, `generated_by`, nulls, and custom keys wherever the registry looks for them.
fn strip(fields: &mut Map<String, Value>) {
    fields.retain(|key, value| KEYS.contains(&key.as_str()) && !value.is_null());
    for key in ["no_index", "resources", "provides"] {
        let Some(Value::Object(map)) = fields.get_mut(key) else { continue };
        remove_custom(map);
        for value in map.values_mut() {
            let Value::Object(inner) = value else { continue };
            remove_custom(inner);
        }
    }
}

fn remove_custom(map: &mut Map<String, Value>) {
    map.retain(|key, _| !key.to_lowercase().starts_with("x_"));
}
