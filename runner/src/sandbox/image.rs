//! What a run has to know of an image: read from its labels, see `images/`.

use std::collections::HashMap;

use protocol::{ImageFacts, Platform, SourceKind};

use crate::error::{Error, Result};

/// A label of ours.
pub(crate) fn label(name: &str) -> String {
    format!("org.pgxn.testers.{name}")
}

/// An image that a run can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What the report says of it; `digest` is what containers are made from.
    pub facts: ImageFacts,
    /// The absolute path of its `pg_config`.
    pub pg_config: String,
    /// The directories that `make install` and the cluster need writable.
    pub writable: Vec<String>,
    /// The Debian packages that were added to it for releases that need them; none in a plain image.
    pub packages: Vec<String>,
}

impl Image {
    /// Reads an image's labels; the error names the label that is missing or wrong.
    pub fn from_labels(tag: &str, digest: &str, labels: &HashMap<String, String>) -> Result<Self> {
        let wrong = |name: &str| Error::ImageLabel { tag: tag.to_owned(), label: label(name) };
        let text = |name: &str| labels.get(&label(name)).cloned().ok_or_else(|| wrong(name));
        let platform: Platform = text("platform")?.parse().map_err(|_| wrong("platform"))?;
        let writable: Vec<String> = serde_json::from_str(&text("writable")?).map_err(|_| wrong("writable"))?;
        let pg_config = text("pg-config")?;
        if !pg_config.starts_with('/') {
            return Err(wrong("pg-config"));
        }
        if !writable.iter().all(|path| path.starts_with('/') && path.len() > 1) {
            return Err(wrong("writable"));
        }
        let packages = labels.get(&label("packages"));
        let packages = packages.map(|packages| serde_json::from_str(packages).map_err(|_| wrong("packages")));
        let facts = ImageFacts {
            tag: tag.to_owned(),
            digest: digest.to_owned(),
            recipe: text("recipe")?,
            source: source_kind(&text("source")?).ok_or_else(|| wrong("source"))?,
            suite: text("suite")?,
            postgresql: text("pg-version")?,
            postgresql_full: text("pg-full")?,
            platform,
            emulated: platform != Platform::native(),
        };
        Ok(Self { facts, pg_config, writable, packages: packages.transpose()?.unwrap_or_default() })
    }
}

fn source_kind(text: &str) -> Option<SourceKind> {
    [SourceKind::Pgdg, SourceKind::Debian, SourceKind::Portable].into_iter().find(|kind| kind.as_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> HashMap<String, String> {
        let pairs = [
            ("recipe", "abc"),
            ("pg", "17"),
            ("pg-version", "17.11"),
            ("pg-full", "PostgreSQL 17.11"),
            ("source", "debian"),
            ("suite", "trixie"),
            ("platform", "amd64"),
            ("pg-config", "/usr/lib/postgresql/17/bin/pg_config"),
            ("writable", "[\"/usr/lib/postgresql/17/lib\"]"),
        ];
        pairs.into_iter().map(|(name, value)| (label(name), value.to_owned())).collect()
    }

    #[test]
    fn labels_say_what_a_run_needs() {
        let image = Image::from_labels("t", "sha256:1", &labels()).unwrap();
        assert_eq!(image.writable, ["/usr/lib/postgresql/17/lib"]);
        assert_eq!((image.facts.source, image.facts.postgresql.as_str()), (SourceKind::Debian, "17.11"));
    }

    #[test]
    fn a_label_that_is_missing_or_dangerous_is_named() {
        for (name, value) in
            [("writable", "[\"/\"]"), ("writable", "x"), ("platform", "vax"), ("pg-config", "pg_config")]
        {
            let mut labels = labels();
            labels.insert(label(name), value.into());
            let error = Image::from_labels("t", "sha256:1", &labels).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("`t`"), "{error}");
        }
    }
}
