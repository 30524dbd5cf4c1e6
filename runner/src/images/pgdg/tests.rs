use std::io::Write;

use axum::Router;
use axum::routing::get;
use protocol::{Source, SourceKind};

use super::*;

fn recipe(target: &str) -> Recipe {
    let source = Source { kind: SourceKind::Pgdg, suite: "trixie".into(), overlay: None };
    Recipe { target: target.parse().unwrap(), source }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// A repository on this machine, and its address.
async fn serve(router: Router) -> Pgdg {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    crate::Tasks::new().spawn(async move { axum::serve(listener, router).await.unwrap() });
    Pgdg { repository: format!("{root}/apt/").parse().unwrap(), key: format!("{root}/key.asc").parse().unwrap() }
}

fn repository() -> Router {
    let main = gzip("Package: postgresql-17-dirtyread\n\nPackage: postgresql-17\nVersion: 17.6\n");
    let nineteen = gzip("Package: postgresql-19\n");
    Router::new()
        .route("/key.asc", get(|| async { "the key" }))
        .route("/apt/dists/trixie-pgdg/InRelease", get(|| async { "Suite: trixie-pgdg\n" }))
        .route("/apt/dists/trixie-pgdg/main/binary-amd64/Packages.gz", get(move || async { main }))
        .route("/apt/dists/trixie-pgdg/19/binary-amd64/Packages.gz", get(move || async { nineteen }))
}

#[tokio::test]
async fn a_repository_with_the_major_gives_its_key_and_address_to_the_build() {
    let (pgdg, client) = (serve(repository()).await, web::client().unwrap());
    pgdg.answers(&client, "trixie").await.unwrap();
    for target in ["pg17-amd64", "pg19-amd64"] {
        let input = pgdg.input(&client, &recipe(target)).await.unwrap();
        assert_eq!(input.server[0], ("pgdg.asc", b"the key".to_vec()));
        assert!(input.server[1].1.ends_with(b"/apt"), "{:?}", input.server[1]);
    }
}

#[tokio::test]
async fn a_repository_without_the_major_or_the_platform_says_so() {
    let (pgdg, client) = (serve(repository()).await, web::client().unwrap());
    for target in ["pg18-amd64", "pg17-arm64"] {
        let why = pgdg.input(&client, &recipe(target)).await.unwrap_err();
        assert!(why.contains("has no postgresql-") && why.contains("trixie-pgdg"), "{why}");
    }
}

#[tokio::test]
async fn a_repository_that_does_not_know_the_suite_or_is_not_there_is_named() {
    let client = web::client().unwrap();
    let pgdg = serve(Router::new()).await;
    let why = pgdg.answers(&client, "trixie").await.unwrap_err();
    assert!(why.contains("trixie-pgdg/InRelease") && why.contains("404"), "{why}");

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let pgdg = Pgdg { repository: format!("http://{closed}").parse().unwrap(), ..Pgdg::default() };
    let why = pgdg.answers(&client, "trixie").await.unwrap_err();
    assert!(why.contains("refused"), "{why}");
}

#[test]
fn the_default_addresses_are_the_project_s_own() {
    let pgdg = Pgdg::default();
    assert_eq!(pgdg.repository.host_str(), Some("apt.postgresql.org"));
    assert_eq!(pgdg.key.host_str(), Some("www.postgresql.org"));
}
