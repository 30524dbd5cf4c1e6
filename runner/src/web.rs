//! What is fetched beside the registry and Debian's archive: bounded downloads, TLS by rustls.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

use crate::error::innermost;

/// An HTTP client that trusts what the system trusts, or the bundle in `SSL_CERT_FILE`; none where it cannot be set up, in words.
pub(crate) fn client() -> Result<Client, String> {
    builder().build().map_err(|error| error.to_string())
}

/// The same, through a proxy.
pub(crate) fn client_through(proxy: &str) -> Result<Client, String> {
    let built = reqwest::Proxy::all(proxy).and_then(|proxy| builder().proxy(proxy).build());
    built.map_err(|error| error.to_string())
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("pgxn-testers/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .redirect(Policy::limited(5))
        .tls_backend_preconfigured(pgxn::tls::client())
}

/// The document at `url`, at most `limit` bytes of it; else why not, in words that name the address.
pub(crate) async fn get(client: &Client, url: &Url, limit: usize, within: Duration) -> Result<Vec<u8>, String> {
    let download = async {
        let mut response = client.get(url.clone()).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await? {
            if bytes.len() + piece.len() > limit {
                return Ok(None);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok::<_, reqwest::Error>(Some(bytes))
    };
    match tokio::time::timeout(within, download).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => Err(format!("{url} is longer than {limit} bytes")),
        Ok(Err(error)) => Err(format!("{url}: {}", innermost(&error.without_url()))),
        Err(_) => Err(format!("{url} did not answer within {} s", within.as_secs())),
    }
}
