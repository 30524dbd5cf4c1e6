//! A registry: its documents by name, wherever it is.

use std::sync::Arc;

use protocol::{Name, Version};
use serde_json::Value;
use url::Url;

use crate::document::{Feed, Listing, Unreadable, User, UserEntry, users};
use crate::error::{Error, Result};
use crate::fetch::{Conditional, Fetched, Validators};
use crate::index::Index;
use crate::json;
use crate::meta::{Meta, MetaError};
use crate::options::ClientOptions;
use crate::origin::Origin;
use crate::provider::Provider;

/// A META.json with more bytes is not read: whatever knows releases holds every one of them.
const MAX_META_BYTES: u64 = 1024 * 1024;

/// An open registry. Clones share one client.
#[derive(Clone)]
pub struct Registry {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) index: Index,
    pub(crate) origin: Origin,
}

/// The statistics documents that every registry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// The newest releases; see [`Registry::recent`].
    Dist,
    /// The newest extensions.
    Extension,
    /// The users with the most releases.
    User,
    /// The most used tags.
    Tag,
    /// Counts only.
    Summary,
}

impl Statistics {
    /// The value of the template's variable.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dist => "dist",
            Self::Extension => "extension",
            Self::User => "user",
            Self::Tag => "tag",
            Self::Summary => "summary",
        }
    }
}

impl Registry {
    /// Reads the index of the registry at `url`, the address to which `/index.json` is appended.
    pub async fn open(url: &Url, options: ClientOptions) -> Result<Self> {
        let origin = Origin::new(url, options)?;
        match origin.index(&Validators::default()).await? {
            Some(Conditional::Changed { value, .. }) => Self::at(&origin, &value),
            Some(Conditional::Unchanged) | None => Err(Error::NoIndex { url: origin.index_url()? }),
        }
    }

    /// The registry of an index that was read before, without asking for anything.
    pub fn at(origin: &Origin, index: &[u8]) -> Result<Self> {
        let value = json::document(&origin.index_url()?, index)?;
        let index = Index::read(origin.base().clone(), &value)?;
        Ok(Self { inner: Arc::new(Inner { index, origin: origin.clone() }) })
    }

    /// Whether the registry has that kind of document: a name of `/index.json`.
    pub fn has(&self, name: &str) -> bool {
        self.inner.index.has(name)
    }

    /// A document as it is, of at most `limit` bytes: `name` and `values` are those of its template, `query` follows a `?`. None where it is
    /// not there.
    pub async fn document(
        &self,
        asked: &Asked<'_>,
        seen: &Validators,
        limit: u64,
    ) -> Result<Option<Conditional<Vec<u8>>>> {
        let mut url = self.inner.index.url(asked.name, asked.values)?;
        url.set_query(asked.query);
        self.inner.origin.fetch(&url, seen, limit).await.map(Fetched::into_document)
    }

    /// The address, in the one form in which it is logged and stored.
    pub fn url(&self) -> &Url {
        self.inner.index.base()
    }

    /// Whether it is an API server, which has user lists, rather than a bare mirror.
    pub fn is_api(&self) -> bool {
        self.inner.index.has("userlist")
    }

    /// The feed of the newest releases, unless nothing changed since it answered with `seen`.
    pub async fn recent(&self, seen: &Validators) -> Result<Conditional<Feed>> {
        let url = self.inner.index.url("stats", &[("stats", Statistics::Dist.as_str())])?;
        match self.json(&url, seen).await?.ok_or_else(|| Error::Missing { url: url.clone() })? {
            Conditional::Unchanged => Ok(Conditional::Unchanged),
            Conditional::Changed { value, validators } => {
                let value = Feed::read(&url, &value).map_err(|why| Error::Shape { url, why })?;
                Ok(Conditional::Changed { value, validators })
            }
        }
    }

    /// The releases of a distribution; none where the registry does not have it.
    ///
    /// Only this is read of dist.json: on an API server its other fields may be those of another release.
    pub async fn dist(&self, dist: &Name) -> Result<Option<Listing>> {
        let url = self.inner.index.url("dist", &[("dist", dist.as_str())])?;
        let Some(value) = self.value(&url).await? else { return Ok(None) };
        Listing::of_dist(&url, dist, &value).map(Some).map_err(|why| Error::Shape { url, why })
    }

    /// The META.json of a release as the registry serves it; none where it is not there, or not yet.
    pub async fn meta(&self, dist: &Name, version: &Version) -> Result<Option<Meta>> {
        let url = self.meta_url(dist, version)?;
        let limit = self.inner.origin.options().max_document_bytes.min(MAX_META_BYTES);
        match self.inner.origin.fetch(&url, &Validators::default(), limit).await? {
            Fetched::Missing | Fetched::Unchanged => Ok(None),
            Fetched::Body { bytes, .. } => {
                let meta = Meta::parse(&bytes).and_then(|meta| meta.of(dist, version));
                meta.map(Some).map_err(|error| match error {
                    MetaError::NotJson { found, source } => Error::NotJson { url, found, source },
                    source => Error::Meta { url, source: Box::new(source) },
                })
            }
        }
    }

    /// A user and their releases; none where the registry does not know them.
    pub async fn user(&self, user: &Name) -> Result<Option<User>> {
        let url = self.inner.index.url("user", &[("user", user.as_str())])?;
        let Some(value) = self.value(&url).await? else { return Ok(None) };
        User::read(&url, user, &value).map(Some).map_err(|why| Error::Shape { url, why })
    }

    /// The users whose key starts with a letter, and the entries that could not be read. Only an API server has the lists; it has none for a
    /// letter that no user has.
    pub async fn userlist(&self, letter: char) -> Result<Option<(Vec<UserEntry>, Vec<Unreadable>)>> {
        let url = self.inner.index.url("userlist", &[("letter", &letter.to_string())])?;
        let Some(value) = self.value(&url).await? else { return Ok(None) };
        users(&url, &value, "user").map(Some).map_err(|why| Error::Shape { url, why })
    }

    /// The releases that carry a tag.
    pub async fn tag(&self, tag: &str) -> Result<Option<Listing>> {
        let url = self.inner.index.url("tag", &[("tag", tag)])?;
        let value = self.value(&url).await?;
        Ok(value.map(|value| Listing::by_dist(&url, None, value.get("releases"))))
    }

    /// A statistics document as it is.
    pub async fn statistics(&self, which: Statistics) -> Result<Option<Value>> {
        self.value(&self.inner.index.url("stats", &[("stats", which.as_str())])?).await
    }

    /// The document of an extension as it is: which distributions provide it, in which versions.
    pub async fn extension(&self, extension: &Name) -> Result<Option<Value>> {
        self.value(&self.inner.index.url("extension", &[("extension", extension.as_str())])?).await
    }

    /// The releases that provide an extension; none where the registry does not have it.
    pub async fn providers(&self, extension: &Name) -> Result<Option<Vec<Provider>>> {
        Ok(self.extension(extension).await?.map(|document| Provider::of_extension(&document)))
    }

    /// The list of mirrors as it is.
    pub async fn mirrors(&self) -> Result<Option<Value>> {
        self.value(&self.inner.index.url("mirrors", &[])?).await
    }

    /// The text of a release's README.
    pub async fn readme(&self, dist: &Name, version: &Version) -> Result<Option<String>> {
        let values = [("dist", dist.as_str()), ("version", version.as_str())];
        self.text(&self.inner.index.url("readme", &values)?).await
    }

    /// The text of the META specification.
    pub async fn spec(&self) -> Result<Option<String>> {
        self.text(&self.inner.index.url("spec", &[("format", "txt")])?).await
    }

    /// Where the META.json of a release is.
    pub fn meta_url(&self, dist: &Name, version: &Version) -> Result<Url> {
        self.inner.index.url("meta", &[("dist", dist.as_str()), ("version", version.as_str())])
    }

    /// Where the archive of a release is.
    pub fn download_url(&self, dist: &Name, version: &Version) -> Result<Url> {
        self.inner.index.url("download", &[("dist", dist.as_str()), ("version", version.as_str())])
    }

    async fn json(&self, url: &Url, seen: &Validators) -> Result<Option<Conditional<Value>>> {
        self.inner.origin.json(url, seen).await
    }

    pub(crate) async fn value(&self, url: &Url) -> Result<Option<Value>> {
        match self.json(url, &Validators::default()).await? {
            Some(Conditional::Changed { value, .. }) => Ok(Some(value)),
            Some(Conditional::Unchanged) | None => Ok(None),
        }
    }

    async fn text(&self, url: &Url) -> Result<Option<String>> {
        match self
            .inner
            .origin
            .fetch(url, &Validators::default(), self.inner.origin.options().max_document_bytes)
            .await?
        {
            Fetched::Body { bytes, .. } => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Fetched::Missing | Fetched::Unchanged => Ok(None),
        }
    }
}

/// One document, in the words of `/index.json`.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The template.
    pub name: &'static str,
    /// Its variables.
    pub values: &'a [(&'a str, &'a str)],
    /// What stands after a `?`, encoded.
    pub query: Option<&'a str>,
}

#[cfg(test)]
mod tests;
