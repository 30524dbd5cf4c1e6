//! Archives: none is given that is not the one that the release's META.json states, now, by its SHA-1.

use std::io::Cursor;

use pgxn::archive::{Contents, Limits, Rest, UnpackError};
use protocol::{Name, Version};

use crate::Proxy;
use crate::cache::Content;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::fresh::{Answer, Body, State};
use crate::recall::Fate;

impl Proxy {
    /// An archive: what is kept where META.json states its digest, else what the registry sends and META.json states.
    pub(crate) async fn archive(&self, document: &Document) -> Result<Option<Answer>> {
        let Some((dist, version)) = document.release() else { return Ok(None) };
        let Some((sha1, meta)) = self.digest(&dist, &version).await? else { return Ok(None) };
        let (inner, address) = (&self.0, document.address());
        let kept = inner.cache.get(&address).await.filter(|kept| kept.head.sha1.as_deref() == Some(&*sha1));
        if let Some(kept) = kept {
            // What is kept is what META.json states: it is as fresh as that.
            let mut answer = inner.answer(document, kept, meta.state);
            answer.fresh_for = meta.fresh_for;
            return Ok(Some(answer));
        }
        match inner.recall.of(&address, inner.clock.now()) {
            Some(Fate::Missing) => return Ok(None),
            Some(Fate::Failed(what)) => return Err(Error::Again { what }),
            None => {}
        }
        let (proxy, asked) = (self.clone(), document.clone());
        let fetching = inner.tasks.spawn(async move { proxy.fetch(&asked, (&dist, &version), &sha1).await });
        match fetching.await {
            Ok(fetched) => fetched,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// The SHA-1 that a release's META.json states, and the answer that it comes from.
    async fn digest(&self, dist: &Name, version: &Version) -> Result<Option<(String, Answer)>> {
        let Some(document) = Document::meta(dist, version) else { return Ok(None) };
        let Some(answer) = self.document(&document).await? else { return Ok(None) };
        let garbage = |why: String| Error::Garbage { path: document.address(), why };
        let (state, fresh_for) = (answer.state.clone(), answer.fresh_for);
        let kept = answer.kept;
        let Content::Bytes(bytes) = &kept.content else {
            return Err(garbage("it is too large".to_owned()));
        };
        let meta = pgxn::Meta::parse(bytes).and_then(|meta| meta.of(dist, version));
        let meta = meta.map_err(|error| garbage(error.to_string()))?;
        let sha1 = meta.sha1.ok_or_else(|| garbage("it states no sha1".to_owned()))?;
        Ok(Some((sha1.to_ascii_lowercase(), Answer { kept, state, fresh_for })))
    }

    async fn fetch(
        &self,
        document: &Document,
        (dist, version): (&Name, &Version),
        sha1: &str,
    ) -> Result<Option<Answer>> {
        let (inner, address) = (&self.0, document.address());
        let _flight = inner.flights.board(&address).await;
        if let Some(kept) = inner.cache.get(&address).await.filter(|kept| kept.head.sha1.as_deref() == Some(sha1)) {
            return Ok(Some(inner.answer(document, kept, State::Hit)));
        }
        if let Some(Fate::Failed(what)) = inner.recall.of(&address, inner.clock.now()) {
            return Err(Error::Again { what });
        }
        let registry = self.registry().await?;
        let dir = inner.cache.scratch()?;
        let fetched = {
            let _line = inner.lines.acquire().await;
            registry.fetch_archive(dist, version, sha1, dir.path()).await
        };
        let now = inner.clock.now();
        match fetched {
            Ok(archive) => {
                let kept = inner.cache.put_archive(&address, archive, now).await?;
                inner.recall.answered(&address);
                Ok(Some(inner.answer(document, kept, State::Fetched)))
            }
            Err(pgxn::Error::Missing { .. }) => {
                inner.recall.missed(address, now);
                Ok(None)
            }
            Err(error) => {
                let error = Error::from(error);
                inner.recall.failed(address, &error, now);
                Err(error)
            }
        }
    }

    /// What is in the archive of a release; none where the registry does not have it. The SHA-1 tells it from one that replaces it.
    pub async fn contents(&self, dist: &Name, version: &Version) -> Result<Option<(String, Contents)>> {
        let values = [("dist", dist.as_str()), ("version", version.as_str())];
        let Some(document) = Document::of("download", &values) else { return Ok(None) };
        let Some(answer) = self.archive(&document).await? else { return Ok(None) };
        let sha1 = answer.sha1().unwrap_or_default().to_owned();
        let opened = tokio::task::spawn_blocking(move || match answer.into_body() {
            Body::Bytes(bytes) => Contents::open(Cursor::new(bytes), &Limits::default()),
            Body::File(file) => {
                let failed = |source| UnpackError::File { path: "the archive".into(), act: "read", source };
                Contents::open(Rest::of(file).map_err(failed)?, &Limits::default())
            }
        });
        let garbage = |why: String| Error::Garbage { path: document.address(), why };
        match opened.await {
            Ok(Ok(contents)) => Ok(Some((sha1, contents))),
            Ok(Err(error)) => Err(garbage(error.to_string())),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}
