//! Archives: what arrives is what META.json states, or nothing does.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use protocol::Reason;
use sha1::Digest;
use tempfile::TempDir;

use super::mirror::{Kind, Mirror, archive};
use super::server::{Fault, Server};
use super::{chain, name, options, version};
use crate::archive::{Limits, unpack};
use crate::{ClientOptions, Error, Registry};

const ZIP: &str = "/dist/widget/1.2.0/widget-1.2.0.zip";

async fn open(mirror: &Mirror, options: ClientOptions) -> (Server, Registry) {
    let server = Server::start(mirror.path()).await;
    let registry = Registry::open(&server.url, options).await.unwrap();
    (server, registry)
}

fn files(dir: &TempDir) -> Vec<PathBuf> {
    fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into()).collect()
}

#[tokio::test]
async fn an_archive_arrives_whole_from_a_server_and_from_disk() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    for url in [server.url.clone(), mirror.file_url()] {
        let registry = Registry::open(&url, options()).await.unwrap();
        let dir = TempDir::new().unwrap();
        let got = registry.download(&name("Widget"), &version("1.2.0"), dir.path()).await.unwrap();
        let content = archive("widget", "1.2.0");
        assert_eq!(got.path, dir.path().join("widget-1.2.0.zip"));
        assert_eq!(fs::read(&got.path).unwrap(), content);
        assert_eq!(got.sha1, hex::encode(sha1::Sha1::digest(&content)));
        assert_eq!(got.sha256, hex::encode(sha2::Sha256::digest(&content)));
        assert_eq!(got.bytes, content.len() as u64);
        let tree = unpack(&got.path, &dir.path().join("tree"), &Limits::default()).unwrap();
        assert_eq!(tree.meta().unwrap().version, version("1.2.0"));
    }
}

#[tokio::test]
async fn a_wrong_archive_is_fetched_once_more_and_then_refused() {
    let mirror = Mirror::filled(Kind::Api);
    let (server, registry) = open(&mirror, options()).await;
    let dir = TempDir::new().unwrap();
    server.fail(ZIP, [Fault::Body(b"damaged on the way".to_vec())]);
    registry.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap();
    assert_eq!(server.seen(ZIP).len(), 2);
    assert_eq!(server.seen(ZIP)[1].headers["cache-control"], "no-cache");

    let dir = TempDir::new().unwrap();
    server.fail(ZIP, vec![Fault::Body(b"replaced".to_vec()); 2]);
    let error = registry.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap_err();
    let meta = registry.meta(&name("widget"), &version("1.2.0")).await.unwrap().unwrap();
    let (actual, stated) = (hex::encode(sha1::Sha1::digest(b"replaced")), meta.sha1.unwrap());
    assert!(error.to_string().contains(&format!("is {actual}, but its META.json states {stated}")), "{error}");
    assert_eq!(error.reason(true), Reason::DigestMismatch);
    assert_eq!(files(&dir), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_release_whose_archive_was_replaced_is_refused() {
    let mirror = Mirror::filled(Kind::Api);
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    let meta = registry.meta(&name("widget"), &version("1.2.0")).await.unwrap().unwrap();
    let mut release = meta.release().unwrap();
    let dir = TempDir::new().unwrap();
    registry.download_release(&release, dir.path()).await.unwrap();
    release.sha1 = "0".repeat(40);
    let dir = TempDir::new().unwrap();
    let error = registry.download_release(&release, dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Digest { .. }), "{error:?}");
    assert_eq!(files(&dir), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_broken_transfer_is_made_again_and_leaves_nothing() {
    let mirror = Mirror::filled(Kind::Api);
    let (server, registry) = open(&mirror, options()).await;
    let dir = TempDir::new().unwrap();
    server.fail(ZIP, [Fault::CutOff, Fault::Status(503, None, "")]);
    registry.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap();
    assert_eq!(files(&dir), [PathBuf::from("widget-1.2.0.zip")]);

    let dir = TempDir::new().unwrap();
    server.fail(ZIP, vec![Fault::CutOff; 3]);
    let error = registry.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error:?}");
    assert_eq!((error.reason(true), files(&dir)), (Reason::RegistryUnreachable, vec![]));
}

#[tokio::test]
async fn an_archive_that_is_not_there_is_not_waited_for() {
    let mirror = Mirror::filled(Kind::Api);
    mirror.remove(&ZIP[1..]);
    let (server, registry) = open(&mirror, options()).await;
    let dir = TempDir::new().unwrap();
    for dist in ["widget", "absent"] {
        let error = registry.download(&name(dist), &version("1.2.0"), dir.path()).await.unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{error:?}");
        assert_eq!((error.reason(true), error.is_temporary()), (Reason::ArchiveMissing, true));
    }
    assert_eq!(server.seen(ZIP).len(), 1);
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    let error = registry.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
    assert_eq!(files(&dir), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn an_archive_without_end_is_stopped_and_leaves_nothing() {
    let mirror = Mirror::filled(Kind::Api);
    let small = ClientOptions { max_archive_bytes: 100, ..options() };
    let (server, registry) = open(&mirror, small.clone()).await;
    let on_disk = Registry::open(&mirror.file_url(), small).await.unwrap();
    let dir = TempDir::new().unwrap();
    for fault in [Fault::Endless, Fault::Huge] {
        server.fail(ZIP, [fault]);
        let error = registry.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap_err();
        assert_eq!(error.reason(true), Reason::ArchiveTooLarge, "{error:?}");
    }
    let error = on_disk.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap_err();
    assert_eq!(error.reason(true), Reason::ArchiveTooLarge, "{error:?}");
    assert_eq!(files(&dir), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn an_archive_that_drips_is_given_up() {
    let mirror = Mirror::filled(Kind::Api);
    let hasty = ClientOptions { archive_timeout: Duration::from_millis(300), attempts: 1, ..options() };
    let (server, registry) = open(&mirror, hasty).await;
    server.fail(ZIP, [Fault::Drip]);
    let dir = TempDir::new().unwrap();
    let error = registry.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(files(&dir), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_file_that_is_there_is_not_replaced() {
    let mirror = Mirror::filled(Kind::Api);
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("widget-1.2.0.zip"), "mine").unwrap();
    let error = registry.download(&name("widget"), &version("1.2.0"), dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error:?}");
    assert_eq!(fs::read(dir.path().join("widget-1.2.0.zip")).unwrap(), b"mine");
    assert_eq!(files(&dir).len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_the_runners_own_affair() {
    let error = Error::File {
        path: "/x".into(),
        act: "written",
        source: std::io::Error::from(std::io::ErrorKind::StorageFull),
    };
    assert_eq!(error.reason(true), Reason::RunnerDiskFull);
    let mirror = Mirror::filled(Kind::Api);
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    let absent = TempDir::new().unwrap().path().join("gone");
    let error = registry.download(&name("widget"), &version("1.2.0"), &absent).await.unwrap_err();
    assert_eq!(error.reason(true), Reason::Internal);
    assert!(chain(&error).contains("gone` cannot be written"), "{}", chain(&error));
}
