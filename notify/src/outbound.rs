//! Requests to addresses that strangers wrote: to the internet only (see [`crate::address`]), by nobody's proxy, following no redirect, within
//! seconds, and reading next to nothing of the answer.
//!
//! What is said of a failure never has the address, as that may be a secret.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use url::Url;

use crate::address::{Forbidden, Reach};
use crate::{Error, Result};

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// A server that asks for more patience gets this much.
const MOST_PATIENCE: Duration = Duration::from_hours(24);

/// The client.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    client: Client,
    pub(crate) reach: Reach,
}

/// What a server made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    /// After how long it wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
}

impl Outbound {
    pub(crate) fn new(reach: Reach) -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("pgxn-testers/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            // A connection that is kept would outlive the check of its address.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(reach))
            .tls_backend_preconfigured(pgxn::tls::client())
            .build()
            .map_err(Error::Client)?;
        Ok(Self { client, reach })
    }

    /// Sends a body; nothing of the answer's is read.
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: String) -> Result<Answered, String> {
        self.reach.check(url.as_str()).map_err(|refusal| refusal.sentence().to_owned())?;
        let sent = self.client.post(url.clone()).headers(headers).body(body).send().await;
        let response = sent.map_err(|error| said(&error))?;
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(MOST_PATIENCE));
        Ok(Answered { status: response.status(), retry_after })
    }

    /// A small file; none where there is none.
    pub(crate) async fn get(&self, url: &Url, limit: usize) -> Result<Option<Vec<u8>>, String> {
        self.reach.check(url.as_str()).map_err(|refusal| refusal.sentence().to_owned())?;
        let mut response = self.client.get(url.clone()).send().await.map_err(|error| said(&error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            status => return Err(format!("it answers {status}")),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| said(&error))? {
            if bytes.len() + chunk.len() > limit {
                return Err(format!("it has more than {limit} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
}

/// What an error means, without the address.
fn said(error: &reqwest::Error) -> String {
    let mut causes = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
    if causes.any(<dyn std::error::Error>::is::<Forbidden>) {
        return Forbidden.to_string();
    }
    let words = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection could be made"
    } else {
        "the connection broke"
    };
    words.to_owned()
}
