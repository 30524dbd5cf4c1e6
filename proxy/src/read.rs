//! Documents as pages read them: the same that clients get, through the readers of `pgxn`.

use pgxn::{Listing, Provider, Statistics, User, UserEntry};
use protocol::{Name, Version};
use serde_json::Value;
use url::Url;

use crate::Proxy;
use crate::cache::Content;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::fresh::State;

/// What a document says.
#[derive(Debug)]
pub struct Read<T> {
    /// What it says.
    pub value: T,
    /// Why it may be out of date, where the registry could not be asked.
    pub stale: Option<String>,
}

impl Proxy {
    /// A user and their releases.
    pub async fn user(&self, user: &Name) -> Result<Option<Read<User>>> {
        let document = Document::of("user", &[("user", user.as_str())]);
        self.read(document, |url, body| User::parse(url, user, body)).await
    }

    /// The users whose key begins with a letter; nobody has every letter, and a mirror has no such lists.
    pub async fn userlist(&self, letter: char) -> Result<Option<Read<Vec<UserEntry>>>> {
        let document = Document::of("userlist", &[("letter", letter.encode_utf8(&mut [0; 4]))]);
        self.read(document, UserEntry::parse_list).await
    }

    /// The releases that carry a tag.
    pub async fn tag(&self, tag: &str) -> Result<Option<Read<Listing>>> {
        self.read(Document::of("tag", &[("tag", tag)]), Listing::parse_tag).await
    }

    /// The releases that provide an extension.
    pub async fn providers(&self, extension: &Name) -> Result<Option<Read<Vec<Provider>>>> {
        self.read(Document::of("extension", &[("extension", extension.as_str())]), Provider::parse).await
    }

    /// A statistics document as it is.
    pub async fn statistics(&self, which: Statistics) -> Result<Option<Read<Value>>> {
        self.read(Document::of("stats", &[("stats", which.as_str())]), |_, body| Ok(value(body))).await
    }

    /// The list of mirrors as it is.
    pub async fn mirrors(&self) -> Result<Option<Read<Value>>> {
        self.read(Document::of("mirrors", &[]), |_, body| Ok(value(body))).await
    }

    /// The text of a release's README.
    pub async fn readme(&self, dist: &Name, version: &Version) -> Result<Option<Read<String>>> {
        let document = Document::of("readme", &[("dist", dist.as_str()), ("version", version.as_str())]);
        self.read(document, |_, body| Ok(String::from_utf8_lossy(body).into_owned())).await
    }

    /// The text of the META specification.
    pub async fn spec(&self) -> Result<Option<Read<String>>> {
        let document = Document::of("spec", &[("format", "txt")]);
        self.read(document, |_, body| Ok(String::from_utf8_lossy(body).into_owned())).await
    }

    /// Reads a document; none where it is not there, or no document can be of that name, or the registry has none of the kind.
    async fn read<T>(
        &self,
        document: Option<Document>,
        parse: impl FnOnce(&Url, &[u8]) -> pgxn::Result<T>,
    ) -> Result<Option<Read<T>>> {
        let Some(document) = document else { return Ok(None) };
        let answer = match self.document(&document).await {
            Err(Error::NotOffered { .. }) => None,
            answer => answer?,
        };
        let Some(answer) = answer else { return Ok(None) };
        let stale = if let State::Stale { why } = answer.state { Some(why) } else { None };
        let address = document.address();
        let mut url = self.0.origin.base().clone();
        url.set_path(&format!("{}{address}", url.path().trim_end_matches('/')));
        let value = match &answer.kept.content {
            Content::Bytes(bytes) => parse(&url, bytes)?,
            Content::File(file) => {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut &*file, &mut bytes).map_err(Error::disk(&address, "read"))?;
                parse(&url, &bytes)?
            }
        };
        Ok(Some(Read { value, stale }))
    }
}

/// A document as JSON; what is none was never kept.
fn value(body: &[u8]) -> Value {
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).unwrap_or_default()
}
