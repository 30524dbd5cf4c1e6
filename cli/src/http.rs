//! The HTTP client of commands that call a farm.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::Problem;
use reqwest::Response;
use rustls::crypto::ring;
use serde::de::DeserializeOwned;
use url::Url;

/// No answer of a farm is larger, and none is read further.
const MOST: usize = 16 << 20;

/// Makes ring the provider of cryptography for every TLS connection of the process.
pub(crate) fn install_crypto() {
    // An error means that there is one already, which is as good.
    let _ = ring::default_provider().install_default();
}

/// A client with limits on time.
pub(crate) fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("pgxn-testers/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_mins(1))
        .build()
        .context("set up the HTTP client")
}

/// What a farm answers; an error is the farm's own sentence. An answer without a body is `null`.
pub(crate) async fn answer<T: DeserializeOwned>(response: Response, url: &Url) -> Result<T> {
    let status = response.status();
    let body = body(response, url).await?;
    if !status.is_success() {
        let problem = serde_json::from_slice::<Problem>(&body);
        let problem = problem.map_or_else(|_| status.to_string(), |problem| problem.detail);
        bail!("{url} answered {}: {problem}", status.as_u16());
    }
    let body = if body.is_empty() { b"null" } else { body.as_slice() };
    serde_json::from_slice(body).with_context(|| format!("understand the answer of {url}"))
}

async fn body(mut response: Response, url: &Url) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.with_context(|| format!("read the answer of {url}"))? {
        if body.len() + chunk.len() > MOST {
            bail!(
                "the answer of {url} has more than {} MB, which no farm's has: is that the address of one?",
                MOST >> 20
            );
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_or_to_its_limit_and_a_problem_is_the_farms_own_sentence() {
        install_crypto();
        let endless =
            || async { Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 16]))) };
        let refused = || async {
            (StatusCode::CONFLICT, r#"{"type":"about:blank","title":"No","status":409,"detail":"not today"}"#)
        };
        let router = Router::new()
            .route("/number", get(|| async { "7" }))
            .route("/nothing", get(|| async { StatusCode::NO_CONTENT }))
            .route("/endless", get(endless))
            .route("/refused", get(refused));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await });
        let ask = async |path: &str| {
            let url = base.join(path).unwrap();
            answer::<Option<u32>>(client().unwrap().get(url.clone()).send().await.unwrap(), &url).await
        };
        assert_eq!(ask("number").await.unwrap(), Some(7));
        assert_eq!(ask("nothing").await.unwrap(), None);
        assert!(ask("endless").await.unwrap_err().to_string().contains("more than 16 MB"));
        assert!(ask("refused").await.unwrap_err().to_string().ends_with("answered 409: not today"));
    }
}
