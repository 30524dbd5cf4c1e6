//! Which releases provide an extension: `extension/{extension}.json`, the only place where the registry says so.

use protocol::{Name, Status, Version};
use serde_json::Value;
use url::Url;

use crate::error::Error;
use crate::json;

/// More than this are not read.
const MAX: usize = 10_000;

/// A release that provides an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The extension's version in it.
    pub provides: Version,
    /// The distribution.
    pub dist: Name,
    /// The release's own version.
    pub version: Version,
    /// What its author calls the release.
    pub status: Status,
}

impl Provider {
    /// Reads the body of an extension's document that is at hand, as [`crate::Registry::providers`] does.
    pub fn parse(url: &Url, body: &[u8]) -> Result<Vec<Self>, Error> {
        json::document(url, body).map(|value| Self::of_extension(&value))
    }

    /// Reads `versions`: version of the extension → list of releases. An entry that cannot be read hides no other.
    pub(crate) fn of_extension(document: &Value) -> Vec<Self> {
        let versions = document.get("versions").and_then(Value::as_object).into_iter().flatten();
        let entries = versions.flat_map(|(version, list)| {
            list.as_array().map_or(&[][..], Vec::as_slice).iter().map(move |entry| (version, entry))
        });
        entries.filter_map(|(version, entry)| Self::read(version, entry)).take(MAX).collect()
    }

    /// The status is left out where the release is stable; another word is none that a tester relies on.
    fn read(provides: &str, entry: &Value) -> Option<Self> {
        let field = |key: &str| json::text(entry.get(key));
        Some(Self {
            provides: provides.parse().ok()?,
            dist: field("dist")?.parse().ok()?,
            version: field("version")?.parse().ok()?,
            status: field("status").map_or(Status::Stable, |word| word.parse().unwrap_or(Status::Unstable)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_release_that_provides_an_extension_is_read_and_what_is_broken_hides_none() {
        let document = json!({"extension": "pair", "latest": "stable", "versions": {
            "0.1.2": [{"dist": "pair", "version": "0.1.2", "date": "2020-01-02T03:04:05Z"}, {"dist": "other", "version": "7"}],
            "0.1.1": [{"dist": "pair", "version": "0.1.1", "status": "testing"}, {"dist": "a/b", "version": "1"}, 3],
            "../1": [{"dist": "pair", "version": "1"}], "0.1.0": "x",
        }});
        let read = Provider::of_extension(&document);
        let read: Vec<String> =
            read.iter().map(|one| format!("{} {} {} {}", one.provides, one.dist, one.version, one.status)).collect();
        assert_eq!(read, ["0.1.1 pair 0.1.1 testing", "0.1.2 pair 0.1.2 stable", "0.1.2 other 7 stable"]);
        assert_eq!(Provider::of_extension(&json!([1])), []);
    }
}
