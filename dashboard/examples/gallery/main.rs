//! Serves every page on a believable farm: `cargo run -p dashboard --example gallery [PORT]`, then look.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be built should end at once")]

mod believable;

use std::sync::Arc;

use dashboard::{Dashboard, Site, Source};
use protocol::{ManualClock, Matrix};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(8088), |port| port.parse())?;
    let directory = tempfile::tempdir()?;
    let (store, blobs) = believable::build(directory.path()).await;
    let site = Site {
        registry_url: believable::REGISTRY.parse()?,
        sample: true,
        public_url: format!("http://127.0.0.1:{port}/").parse()?,
        version: "0.1.0".into(),
    };
    let clock = Arc::new(ManualClock::at(believable::NOW));
    let documents = believable::documents(&store, directory.path(), clock.clone()).await;
    let source = Source { store, blobs, documents: documents.clone(), live: believable::live() };
    let pages = Dashboard::new(source, Matrix::embedded(), clock, site);
    dashboard::make_index(&pages).await.unwrap();
    let router = dashboard::router(pages);
    let router = proxy::before(documents, router, dashboard::OFFERS);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
