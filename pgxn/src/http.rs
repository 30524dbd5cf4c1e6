//! Registries over HTTP: one client per registry, with its limits, and the one place that knows reqwest's errors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use crate::address::{self, ForbiddenAddress, Reach};
use crate::error::{Error, Result};
use crate::fetch::{Fetched, Validators};
use crate::options::ClientOptions;
use crate::retry::{Attempts, Failure, retry_after};
use crate::tls;

/// A client of one registry.
pub(crate) struct Http {
    client: Client,
    pub(crate) options: ClientOptions,
}

/// One request and when it was made, to say how long it took when it fails.
pub(crate) struct Request<'a> {
    pub(crate) url: &'a Url,
    started: Instant,
}

impl Http {
    /// A client that can speak TLS, or, where the machine has no CA certificates, one that only speaks plain HTTP.
    pub(crate) fn new(base: &Url, options: ClientOptions) -> Result<Self> {
        let mut builder = Client::builder()
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.idle_timeout)
            .referer(false)
            .redirect(redirects(options.max_redirects, options.reach.clone()))
            .tls_backend_preconfigured(tls(base)?);
        if let Reach::Internet { .. } = options.reach {
            builder = builder.no_proxy().dns_resolver(Arc::new(options.reach.clone()));
        }
        let client = builder.build().map_err(|source| Error::Client { source })?;
        Ok(Self { client, options })
    }

    /// One document of at most `limit` bytes, asked for again when the failure is a passing one.
    pub(crate) async fn document(&self, url: &Url, seen: &Validators, limit: u64) -> Result<Fetched> {
        let mut attempts = Attempts::new(&self.options);
        loop {
            match self.document_once(url, seen, limit).await {
                Ok(fetched) => return Ok(fetched),
                Err(failure) => attempts.after(failure).await?,
            }
        }
    }

    async fn document_once(&self, url: &Url, seen: &Validators, limit: u64) -> Result<Fetched, Failure> {
        let mut headers = HeaderMap::new();
        conditional(&mut headers, IF_NONE_MATCH, seen.etag.as_deref());
        conditional(&mut headers, IF_MODIFIED_SINCE, seen.last_modified.as_deref());
        let (request, mut response) = self.send(url, headers, self.options.document_timeout).await?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(Fetched::Unchanged),
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Fetched::Missing),
            _ => Self::check(url, &response, limit)?,
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let validators = Validators { etag: header(ETAG), last_modified: header(LAST_MODIFIED) };
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| request.failed(error))? {
            if bytes.len() as u64 + chunk.len() as u64 > limit {
                return Err(Error::TooLarge { url: url.clone(), limit }.into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Fetched::Body { bytes, validators })
    }

    /// Opens an archive; `fresh` asks caches on the way for the original.
    pub(crate) async fn archive<'a>(&self, url: &'a Url, fresh: bool) -> Result<(Request<'a>, Response), Failure> {
        let mut headers = HeaderMap::new();
        conditional(&mut headers, CACHE_CONTROL, fresh.then_some("no-cache"));
        let (request, response) = self.send(url, headers, self.options.archive_timeout).await?;
        match response.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(Error::Missing { url: url.clone() }.into()),
            _ => {
                Self::check(url, &response, self.options.max_archive_bytes)?;
                Ok((request, response))
            }
        }
    }

    async fn send<'a>(
        &self,
        url: &'a Url,
        headers: HeaderMap,
        timeout: Duration,
    ) -> Result<(Request<'a>, Response), Failure> {
        if !self.options.reach.allows(url) {
            return Err(Error::Forbidden { url: url.clone() }.into());
        }
        let request = Request { url, started: Instant::now() };
        let sent = self.client.get(url.clone()).headers(headers).timeout(timeout).send().await;
        let response = sent.map_err(|error| request.failed(error))?;
        Ok((request, response))
    }

    /// Refuses every status but 200, and a body that declares itself too large.
    fn check(url: &Url, response: &Response, limit: u64) -> Result<(), Failure> {
        let url = url.clone();
        if response.status().is_redirection() {
            return Err(Error::Redirect { url, why: "to where this program does not go".to_owned() }.into());
        }
        if response.status() != StatusCode::OK {
            let error = Box::new(Error::Status { url, status: response.status().as_u16() });
            return Err(Failure { error, retry_after: retry_after(response.headers()) });
        }
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(Error::TooLarge { url, limit }.into());
        }
        Ok(())
    }
}

impl Request<'_> {
    /// What an error of reqwest means for this request.
    pub(crate) fn failed(&self, error: reqwest::Error) -> Error {
        let (url, source) = (self.url.clone(), error.without_url());
        if address::is_forbidden(&source) {
            Error::Forbidden { url }
        } else if source.is_redirect() {
            let why = std::error::Error::source(&source).map_or_else(|| "too often".to_owned(), ToString::to_string);
            Error::Redirect { url, why }
        } else if source.is_timeout() {
            Error::Timeout { url, after: self.started.elapsed() }
        } else if source.is_connect() {
            Error::Unreachable { url, source }
        } else {
            Error::Truncated { url, source }
        }
    }
}

/// Adds a header that has a value; one that cannot stand in a request is left out, and the answer is then simply complete.
fn conditional(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| value.parse().ok()) {
        headers.insert(name, value);
    }
}

/// Without anything to trust, a registry over TLS is an error, and any other is none.
fn tls(base: &Url) -> Result<rustls::ClientConfig> {
    if base.scheme() == "https" { tls::trusting().map_err(|source| Error::Tls { source }) } else { Ok(tls::client()) }
}

/// Follows a few redirects, never from https to http, never to where the client may not connect to.
fn redirects(max: usize, reach: Reach) -> Policy {
    Policy::custom(move |attempt: Attempt<'_>| {
        let downgrade = attempt.url().scheme() != "https"
            && attempt.previous().first().is_some_and(|first| first.scheme() == "https");
        if attempt.previous().len() > max {
            attempt.error(format!("more than {max} times"))
        } else if downgrade {
            let why = format!("from https to {}", attempt.url().scheme());
            attempt.error(why)
        } else if reach.allows(attempt.url()) {
            attempt.follow()
        } else {
            attempt.error(ForbiddenAddress)
        }
    })
}
