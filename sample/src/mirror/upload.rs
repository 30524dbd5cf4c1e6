//! What a user hands in: an archive, with all that the registry has to know about it.

use protocol::{Name, Timestamp, Version};
use serde::Serialize;
use serde_json::Value;

use crate::{Error, Tree};

/// Somebody with an account at the registry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct User {
    /// A DNS label.
    pub nickname: Name,
    /// The full name.
    pub name: String,
    /// Shown in plain text, as PGXN does.
    pub email: String,
    /// A home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// A Twitter handle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twitter: Option<String>,
}

impl User {
    /// A user of whom nothing but the nickname matters.
    ///
    /// # Panics
    /// Where `nickname` is no name; it is meant for texts that stand in the program.
    pub fn named(nickname: &str) -> Self {
        Self {
            nickname: nickname.parse().expect("a nickname that stands in the program is a name"),
            name: nickname.to_owned(),
            email: format!("{nickname}@example.org"),
            uri: None,
            twitter: None,
        }
    }

    /// Reads a user's document back.
    pub(super) fn of_document(document: &Value) -> Result<Self, String> {
        let text = |key: &str| document[key].as_str().map(str::to_owned);
        let need = |key: &str| text(key).ok_or_else(|| format!("it has no `{key}`"));
        Ok(Self {
            nickname: need("nickname")?.parse().map_err(|error| format!("nickname: {error}"))?,
            name: need("name")?,
            email: need("email")?,
            uri: text("uri"),
            twitter: text("twitter"),
        })
    }
}

/// A release on its way into the registry.
#[derive(Clone, Debug)]
pub struct Upload {
    pub(super) dist: Name,
    pub(super) version: Version,
    pub(super) meta: Value,
    pub(crate) archive: Vec<u8>,
    pub(super) readme: Option<Vec<u8>>,
    pub(super) user: User,
    pub(crate) date: Timestamp,
    pub(super) sha1: Option<String>,
}

impl Upload {
    /// Files with a META.json at their top; they are zipped below the prefix `{dist}-{version}/`.
    pub fn of_tree(tree: &Tree, user: User, date: Timestamp) -> Result<Self, Error> {
        let mut upload = Self::of_files(tree, Vec::new(), user, date)?;
        upload.archive = tree.zip(&format!("{}-{}", upload.dist, upload.version).to_lowercase())?;
        Ok(upload)
    }

    /// A zip that is right already: PGXN keeps such a one byte for byte, and so is it kept here.
    pub fn of_zip(zip: Vec<u8>, user: User, date: Timestamp) -> Result<Self, Error> {
        let tree = Tree::of_zip(&zip, "an upload")?;
        Self::of_files(&tree, zip, user, date)
    }

    /// Any bytes as the archive, beside a META.json that need not be the one in it: for archives that no registry should hold.
    pub fn of_bytes(archive: Vec<u8>, meta: Value, user: User, date: Timestamp) -> Result<Self, Error> {
        let field = |key: &str| {
            let text = meta[key].as_str().filter(|text| !text.is_empty());
            text.ok_or_else(|| Error::refused("an upload", format!("its META.json has no `{key}`")))
        };
        let refused = |why: &dyn std::fmt::Display| Error::refused("an upload", why.to_string());
        let dist = field("name")?.parse().map_err(|error| refused(&error))?;
        let version = field("version")?.parse().map_err(|error| refused(&error))?;
        Ok(Self { dist, version, meta, archive, readme: None, user, date, sha1: None })
    }

    fn of_files(tree: &Tree, archive: Vec<u8>, user: User, date: Timestamp) -> Result<Self, Error> {
        let text = tree.file("META.json").ok_or_else(|| Error::refused("an upload", "it has no META.json"))?;
        let meta = serde_json::from_slice(text)
            .map_err(|error| Error::refused("an upload", format!("its META.json is not JSON: {error}")))?;
        let mut upload = Self::of_bytes(archive, meta, user, date)?;
        upload.readme = readme(tree).map(<[u8]>::to_vec);
        Ok(upload)
    }

    /// The same upload with a digest in its META.json that is not the archive's.
    #[must_use]
    pub fn with_sha1(mut self, sha1: &str) -> Self {
        self.sha1 = Some(sha1.to_owned());
        self
    }

    /// The distribution.
    pub fn dist(&self) -> &Name {
        &self.dist
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.version
    }
}

/// `README` or `README.*` at the top, as PGXN Manager finds it.
fn readme(tree: &Tree) -> Option<&[u8]> {
    let is_readme = |name: &&str| {
        let name = name.to_lowercase();
        !name.contains('/') && (name == "readme" || (name.starts_with("readme.") && name.matches('.').count() == 1))
    };
    tree.names().filter(is_readme).find_map(|name| tree.file(name))
}
