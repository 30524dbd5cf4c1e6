//! What is indexed: a distribution's latest release, with its README.

use protocol::Timestamp;

/// A distribution.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub dist: String,
    /// The version of its latest release.
    pub version: String,
    /// One line about it.
    pub summary: String,
    /// More about it.
    pub description: String,
    /// When the release was uploaded.
    pub date: Timestamp,
    /// Who uploaded it.
    pub user: String,
    /// Their name for people; the nickname where none is known.
    pub user_name: String,
    /// Its licences.
    pub licences: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it provides.
    pub extensions: Vec<Extension>,
    /// The text of its README; empty where there is none.
    pub readme: String,
}

/// An extension that a distribution provides.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// One line about it; the distribution's where it has none of its own.
    pub summary: String,
}

/// What a distribution is chosen and sorted by, all texts in lower case.
#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) licences: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) date: Timestamp,
}

impl From<&Entry> for Fixed {
    fn from(entry: &Entry) -> Self {
        Self {
            name: entry.dist.to_lowercase(),
            user: entry.user.to_lowercase(),
            licences: keys(&entry.licences),
            tags: keys(&entry.tags),
            date: entry.date,
        }
    }
}

/// Each of them once.
fn keys(texts: &[String]) -> Vec<String> {
    let mut keys: Vec<String> =
        texts.iter().map(|text| text.trim().to_lowercase()).filter(|key| !key.is_empty()).collect();
    keys.sort();
    keys.dedup();
    keys
}
