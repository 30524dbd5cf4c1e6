//! Serves every page on a believable farm: `cargo run -p dashboard --example gallery [PORT [MANY]]`, then look. With a number of further
//! distributions, it also has one with sixty releases.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be built should end at once")]

mod believable;
mod watched;

use std::sync::Arc;

use dashboard::{Dashboard, Site, Source};
use protocol::{ManualClock, Matrix};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(8088), |port| port.parse())?;
    let directory = tempfile::tempdir()?;
    let (store, blobs) = believable::build(directory.path()).await;
    believable::more(&store, &blobs).await;
    believable::late_again(&store, &blobs).await;
    let [signed, withdrawn] = believable::lent(&store, &blobs).await;
    believable::pre_released(&store).await;
    if let Some(dists) = std::env::args().nth(2) {
        believable::many(&store, dists.parse()?).await;
    }
    let site = Site {
        registry_url: believable::REGISTRY.parse()?,
        sample: true,
        public_url: format!("http://127.0.0.1:{port}/").parse()?,
        version: "0.1.0".into(),
    };
    let clock = Arc::new(ManualClock::at(believable::NOW));
    let documents = believable::documents(&store, directory.path(), clock.clone()).await;
    let server = notify::SmtpServer { url: "smtp://127.0.0.1:25".parse()?, password: None };
    let mail = notify::Mail { from: "PGXN Testers <noreply@example.org>".into(), server };
    let watched = watched::watch(&store, directory.path(), believable::NOW, Some(mail)).await;
    let source = Source { store, blobs, documents: documents.clone(), live: believable::live() };
    let pages = Dashboard::new(source, Matrix::embedded(), clock, site).with_desk(watched.desk.clone());
    dashboard::make_index(&pages).await.unwrap();
    let router = dashboard::router(pages).merge(notify::router(watched.desk.clone()));
    let router = proxy::before(documents, router, dashboard::OFFERS);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/", listener.local_addr()?);
    println!("/run/{signed}\n/run/{withdrawn}");
    println!("/subscriptions/{}\n/subscribe/{}", watched.token, watched.wish);
    axum::serve(listener, router).await?;
    Ok(())
}
