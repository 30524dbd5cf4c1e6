//! Where a registry is, before anything is known of what it has: its address, the client that asks it, and its index.

use std::sync::Arc;

use serde_json::Value;
use url::Url;

use crate::error::{Error, Result};
use crate::fetch::{Conditional, Fetched, Validators};
use crate::files::Files;
use crate::http::Http;
use crate::index;
use crate::json;
use crate::options::ClientOptions;

/// The server or directory of a registry. Clones share one client.
#[derive(Clone)]
pub struct Origin(Arc<Inner>);

struct Inner {
    base: Url,
    transport: Transport,
    options: ClientOptions,
}

pub(crate) enum Transport {
    Http(Box<Http>),
    Files(Files),
}

impl Origin {
    /// A client of the registry at `url`, the address to which `/index.json` is appended. Asks for nothing yet.
    pub fn new(url: &Url, options: ClientOptions) -> Result<Self> {
        let base = index::base(url)?;
        if !options.reach.allows(&base) {
            return Err(Error::Forbidden { url: base });
        }
        let transport = if base.scheme() == "file" {
            Transport::Files(Files::new(&base)?)
        } else {
            Transport::Http(Box::new(Http::new(&base, options.clone())?))
        };
        Ok(Self(Arc::new(Inner { base, transport, options })))
    }

    /// The address, in the one form in which it is logged and stored.
    pub fn base(&self) -> &Url {
        &self.0.base
    }

    /// `/index.json` as it is; none where there is no such thing, so that this is no registry.
    pub async fn index(&self, seen: &Validators) -> Result<Option<Conditional<Vec<u8>>>> {
        self.fetch(&self.index_url()?, seen, self.0.options.max_document_bytes).await.map(Fetched::into_document)
    }

    pub(crate) fn index_url(&self) -> Result<Url> {
        index::address(&self.0.base, "/index.json")
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.0.options
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) async fn fetch(&self, url: &Url, seen: &Validators, limit: u64) -> Result<Fetched> {
        match &self.0.transport {
            Transport::Http(http) => match &self.0.options.memory {
                Some(memory) => memory.document(url, http.document(url, &Validators::default(), limit)).await,
                None => http.document(url, seen, limit).await,
            },
            Transport::Files(files) => files.document(url, seen, limit).await,
        }
    }

    pub(crate) async fn json(&self, url: &Url, seen: &Validators) -> Result<Option<Conditional<Value>>> {
        match self.fetch(url, seen, self.0.options.max_document_bytes).await? {
            Fetched::Missing => Ok(None),
            Fetched::Unchanged => Ok(Some(Conditional::Unchanged)),
            Fetched::Body { bytes, validators } => {
                Ok(Some(Conditional::Changed { value: json::document(url, &bytes)?, validators }))
            }
        }
    }
}
