//! What is given of a document: what is kept while it is fresh, else what the registry says now, else what is kept all the same.
//!
//! Whoever can be given something kept waits for the registry only for a moment; the request goes on without them, so that a slow registry is asked
//! once, and the next one finds what it sent. What could not be had is not asked for again for some seconds (`recall.rs`).

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use pgxn::{Asked, Conditional, Registry, Validators};
use serde::de::IgnoredAny;

use crate::cache::{Cache, Content, Kept};
use crate::document::{Document, Media};
use crate::error::{Error, Result};
use crate::recall::Fate;
use crate::{Inner, Proxy};

/// A larger document is not passed on.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The registry never takes anything back, but a mirror that is being brought up to date may lack a document for a while: for so long what is kept
/// is given though the registry says that it is not there.
const GONE_AFTER: Duration = Duration::from_hours(24);

/// A document, and where it comes from.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) kept: Kept,
    /// How it came to be given.
    pub(crate) state: State,
    /// For how long it may be taken as it is.
    pub(crate) fresh_for: Duration,
}

/// A document's bytes.
#[derive(Debug)]
pub(crate) enum Body {
    /// In memory.
    Bytes(Bytes),
    /// In an open file, from where it stands to its end.
    File(std::fs::File),
}

/// How a document came to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was kept, and is fresh.
    Hit,
    /// The registry sent it.
    Fetched,
    /// It was kept, and the registry says that it is as it is.
    Revalidated,
    /// It was kept, and may have changed: the registry could not be asked.
    Stale {
        /// Why not.
        why: String,
    },
}

impl Answer {
    /// The SHA-1 of an archive, as META.json states it.
    pub(crate) fn sha1(&self) -> Option<&str> {
        self.kept.head.sha1.as_deref()
    }

    /// Its bytes.
    pub(crate) fn into_body(self) -> Body {
        match self.kept.content {
            Content::Bytes(bytes) => Body::Bytes(bytes),
            Content::File(file) => Body::File(file),
        }
    }
}

impl Proxy {
    /// A document; none where the registry does not have it.
    pub(crate) async fn get(&self, document: &Document) -> Result<Option<Answer>> {
        if document.kind.media == Media::Zip { self.archive(document).await } else { self.document(document).await }
    }

    /// A document that is not an archive.
    pub(crate) async fn document(&self, document: &Document) -> Result<Option<Answer>> {
        let (inner, address) = (&self.0, document.address());
        let now = inner.clock.now();
        let kept = inner.cache_of(document).get(&address).await;
        let kept = match kept {
            Some(kept) if fresh_for(&kept, document, inner) > Duration::ZERO => {
                return Ok(Some(inner.answer(document, kept, State::Hit)));
            }
            kept => kept,
        };
        let lately = match (inner.recall.of(&address, now), &kept) {
            (Some(Fate::Missing), None) => return Ok(None),
            (Some(Fate::Failed(what)), _) => Some(what),
            (_, Some(_)) => inner.recall.silence(now),
            (_, None) => None,
        };
        if let Some(what) = lately {
            return inner.stale_or(document, kept, Error::Again { what });
        }
        let wait = if kept.is_some() { inner.config.patience } else { inner.config.timeout };
        let (proxy, asked) = (self.clone(), document.clone());
        let asking = inner.tasks.spawn(async move { proxy.refresh(&asked).await });
        match tokio::time::timeout(wait, asking).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => inner.stale_or(document, kept, error),
            Ok(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
            Err(_) => {
                let slow = Error::Slow { path: address.clone(), seconds: wait.as_secs() };
                inner.recall.failed(address, &slow, inner.clock.now());
                inner.stale_or(document, kept, slow)
            }
        }
    }

    /// Asks the registry, unless somebody else just did.
    async fn refresh(&self, document: &Document) -> Result<Option<Answer>> {
        let (inner, address) = (&self.0, document.address());
        let _flight = inner.flights.board(&address).await;
        let cache = inner.cache_of(document);
        let kept = cache.get(&address).await;
        let seen = match kept {
            Some(kept) if fresh_for(&kept, document, inner) > Duration::ZERO => {
                return Ok(Some(inner.answer(document, kept, State::Hit)));
            }
            Some(kept) => Some((kept.head.validators, kept.checked_at)),
            None => None,
        };
        match inner.recall.of(&address, inner.clock.now()) {
            Some(Fate::Missing) if seen.is_none() => return Ok(None),
            Some(Fate::Failed(what)) => return Err(Error::Again { what }),
            Some(Fate::Missing) | None => {}
        }
        let validators = seen.as_ref().map(|(validators, _)| validators.clone()).unwrap_or_default();
        let said = self.ask(document, &validators).await;
        let now = inner.clock.now();
        let kept = match said {
            Ok(Some(Conditional::Changed { value, validators })) => {
                let kept = cache.put(&address, validators, value.into(), now).await;
                inner.recall.answered(&address);
                return Ok(Some(inner.answer(document, kept, State::Fetched)));
            }
            Ok(Some(Conditional::Unchanged)) => {
                cache.touch(&address, now).await;
                inner.recall.answered(&address);
                cache.get(&address).await
            }
            Ok(None) => {
                let gone = seen.is_none_or(|(_, checked_at)| now.since(checked_at) >= GONE_AFTER);
                if !gone {
                    let what = "the registry says that it is not there, which may pass".to_owned();
                    let error = Error::Again { what };
                    inner.recall.failed(address, &error, now);
                    return Err(error);
                }
                cache.remove(&address).await;
                inner.recall.missed(address, now);
                return Ok(None);
            }
            // Nothing failed: somebody else may have such documents.
            Err(error @ Error::NotOffered { .. }) => return Err(error),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, address, "the registry could not be asked");
                inner.recall.failed(address, &error, now);
                return Err(error);
            }
        };
        Ok(kept.map(|kept| inner.answer(document, kept, State::Revalidated)))
    }

    async fn ask(&self, document: &Document, seen: &Validators) -> Result<Option<Conditional<Vec<u8>>>> {
        let inner = &self.0;
        let said = if document.is_index() {
            let _line = inner.lines.acquire().await;
            inner.origin.index(seen).await?
        } else {
            let registry = self.registry().await?;
            if !registry.has(document.kind.name) {
                return Err(Error::NotOffered { kind: document.kind.name });
            }
            let _line = inner.lines.acquire().await;
            let values = document.values();
            let asked = Asked { name: document.kind.name, values: &values, query: document.query() };
            registry.document(&asked, seen, MAX_BYTES).await?
        };
        if let Some(Conditional::Changed { value, .. }) = &said {
            check(document, value)?;
        }
        Ok(said)
    }

    /// The registry as its index is now, or was when it could last be read.
    pub(crate) fn registry(&self) -> BoxFuture<'_, Result<Registry>> {
        // The index is a document as well, and the only one that is asked for without it: boxed, as the one leads to the other.
        Box::pin(async move {
            let index = Document::index();
            let Some(answer) = self.document(&index).await? else {
                return Err(pgxn::Error::NoIndex { url: self.0.origin.base().clone() }.into());
            };
            let digest = answer.kept.head.sha256;
            if let Some((_, registry)) = self.0.locked().as_ref().filter(|(known, _)| *known == digest) {
                return Ok(registry.clone());
            }
            let Content::Bytes(bytes) = answer.kept.content else {
                return Err(Error::Garbage { path: index.address(), why: "it is too large".to_owned() });
            };
            let registry = Registry::at(&self.0.origin, &bytes)?;
            *self.0.locked() = Some((digest, registry.clone()));
            Ok(registry)
        })
    }
}

impl Inner {
    pub(crate) fn cache_of(&self, document: &Document) -> &Cache {
        if document.is_search() { &self.searches } else { &self.cache }
    }

    pub(crate) fn answer(&self, document: &Document, kept: Kept, state: State) -> Answer {
        let fresh_for = match state {
            State::Stale { .. } => Duration::ZERO,
            State::Hit | State::Fetched | State::Revalidated => fresh_for(&kept, document, self),
        };
        Answer { kept, state, fresh_for }
    }

    /// What is kept, with why it may be out of date; where nothing is, that is what is wrong.
    pub(crate) fn stale_or(&self, document: &Document, kept: Option<Kept>, error: Error) -> Result<Option<Answer>> {
        let Some(kept) = kept else { return Err(error) };
        Ok(Some(self.answer(document, kept, State::Stale { why: error.to_string() })))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<(String, Registry)>> {
        self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// For how long what is kept may still be given without asking. A clock that was set back makes nothing last longer.
fn fresh_for(kept: &Kept, document: &Document, inner: &Inner) -> Duration {
    let now = inner.clock.now();
    if kept.checked_at > now {
        Duration::ZERO
    } else {
        document.kind.lifetime.saturating_sub(now.since(kept.checked_at))
    }
}

/// Refuses what cannot be the document, such as the page of a proxy on the way, so that it never replaces the document that is kept.
fn check(document: &Document, body: &[u8]) -> Result<()> {
    let garbage = |why: String| Error::Garbage { path: document.address(), why };
    match document.kind.media {
        Media::Json => {
            let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
            match serde_json::from_slice::<IgnoredAny>(body) {
                Ok(_) if body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[") => {
                    Ok(())
                }
                Ok(_) => Err(garbage("it is neither an object nor a list".to_owned())),
                Err(error) => Err(garbage(format!("it is not JSON: {error}"))),
            }
        }
        Media::Text if body.trim_ascii_start().to_ascii_lowercase().starts_with(b"<!doctype") => {
            Err(garbage("it is an HTML page".to_owned()))
        }
        Media::Text | Media::Zip => Ok(()),
    }
}
