//! Registries on a bad day: each fault gives one clear error that names the address and says what to do.

use std::time::{Duration, Instant};

use protocol::Reason;
use url::Url;

use super::mirror::{Kind, Mirror};
use super::server::{Fault, Server};
use super::{chain, name, options, version};
use crate::{ClientOptions, Error, Registry, Validators};

/// Opens a registry whose index fails, and gives the error and how often it was asked for.
async fn opened(faults: impl IntoIterator<Item = Fault>, options: ClientOptions) -> (Error, usize) {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    server.fail("/index.json", faults);
    let Err(error) = Registry::open(&server.url, options).await else { panic!("it should not have opened") };
    assert!(error.to_string().contains(&server.at("/index.json")), "{error} does not name the address");
    (error, server.seen("/index.json").len())
}

#[tokio::test]
async fn a_registry_that_hangs_is_given_up_in_time() {
    let patience = ClientOptions { idle_timeout: Duration::from_millis(200), ..options() };
    let started = Instant::now();
    let (error, asked) = opened(vec![Fault::Hang; 3], patience).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(error.to_string().contains("did not answer in full within 0.2"), "{error}");
    assert!(error.is_temporary() && error.reason(false) == Reason::RegistryUnreachable);
    assert_eq!(asked, 3);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_registry_that_drips_is_given_up_in_time() {
    let patience = ClientOptions { document_timeout: Duration::from_millis(300), attempts: 1, ..options() };
    let (error, _) = opened([Fault::Drip], patience).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn passing_failures_are_overcome() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    for faults in [
        [Fault::Status(500, None, "internal server error"), Fault::Status(502, None, "<html>")],
        [Fault::Status(503, Some(("retry-after", "0")), ""), Fault::Status(429, Some(("retry-after", "9999")), "")],
        [Fault::CutOff, Fault::CutOff],
    ] {
        server.fail("/index.json", faults);
        Registry::open(&server.url, options()).await.unwrap();
    }
    assert_eq!(server.seen("/index.json").len(), 9);
}

#[tokio::test]
async fn an_error_that_does_not_pass_is_told_at_once_or_after_the_last_attempt() {
    let (error, asked) = opened(vec![Fault::Status(500, None, "internal server error"); 3], options()).await;
    assert!(error.to_string().contains("HTTP status 500; try again later"), "{error}");
    assert_eq!((asked, error.is_temporary()), (3, true));
    let (error, asked) = opened([Fault::Status(403, None, "forbidden")], options()).await;
    assert!(error.to_string().contains("HTTP status 403; check that this machine may"), "{error}");
    assert_eq!((asked, error.is_temporary()), (1, false));
    let (error, asked) = opened([Fault::Status(404, None, "not found")], options()).await;
    assert!(matches!(error, Error::NoIndex { .. }), "{error:?}");
    assert_eq!(asked, 1);
    let (error, _) = opened([Fault::Status(204, None, "")], options()).await;
    assert!(matches!(error, Error::Status { status: 204, .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_json_is_said_to_be_none() {
    for (body, word) in [
        ("<!DOCTYPE html><title>Log in</title>", "an HTML or XML page"),
        ("", "empty"),
        ("{\"dist\": \"/dist/", "JSON that breaks off"),
        ("{\"dist\": \"\u{fffd}", "JSON that breaks off"),
        ("not found", "something else"),
        ("{} {}", "something else"),
    ] {
        let (error, asked) = opened([Fault::Body(body.into())], options()).await;
        assert!(matches!(error, Error::NotJson { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("is {word} instead of JSON")), "{error}");
        assert_eq!(asked, 1);
    }
    let (error, _) = opened([Fault::Body(vec![b'{', b'"', 0xff, 0xfe, b'"', b'}'])], options()).await;
    assert!(matches!(error, Error::NotJson { .. }), "{error:?}");
    let (error, _) = opened([Fault::Body("[".repeat(1_000_000).into())], options()).await;
    assert!(chain(&error).contains("recursion limit"), "{error:?}");
}

#[tokio::test]
async fn json_of_another_shape_is_said_to_be_no_registry() {
    let (error, _) = opened([Fault::Body(b"[1,2]".to_vec())], options()).await;
    assert!(error.to_string().contains("not a document of a PGXN registry"), "{error}");
    let mirror = Mirror::filled(Kind::Api);
    mirror.write_text("stats/dist.json", "{\"recent\":{}}");
    mirror.write_text("dist/widget.json", "[]");
    mirror.write_text("user/ann.json", "17");
    mirror.write_text("users/a.json", "{}");
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    let errors = [
        registry.recent(&Validators::default()).await.unwrap_err(),
        registry.dist(&name("widget")).await.unwrap_err(),
        registry.user(&name("ann")).await.unwrap_err(),
        registry.userlist('a').await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Shape { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_document_without_end_is_not_read_to_the_end() {
    let small = ClientOptions { max_document_bytes: 100_000, ..options() };
    for fault in [Fault::Endless, Fault::Huge, Fault::Body(vec![b' '; 100_001])] {
        let (error, asked) = opened([fault], small.clone()).await;
        assert!(error.to_string().contains("larger than 100000 bytes"), "{error}");
        assert_eq!((asked, error.is_temporary()), (1, false));
    }
    let mirror = Mirror::filled(Kind::Api);
    mirror.write_text("dist/widget.json", &" ".repeat(100_001));
    let registry = Registry::open(&mirror.file_url(), small).await.unwrap();
    assert!(matches!(registry.dist(&name("widget")).await.unwrap_err(), Error::TooLarge { .. }));
}

#[tokio::test]
async fn a_meta_json_of_more_than_a_mebibyte_is_not_read() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    let mut meta = br#"{"name": "widget", "version": "1.0.0"}"#.to_vec();
    for (length, is_read) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        meta.resize(length, b' ');
        mirror.write_text("dist/widget/1.0.0/META.json", std::str::from_utf8(&meta).unwrap());
        for url in [mirror.file_url(), server.url.clone()] {
            let registry = Registry::open(&url, options()).await.unwrap();
            match registry.meta(&name("widget"), &version("1.0.0")).await {
                Ok(meta) => assert!(is_read && meta.is_some()),
                Err(error) => {
                    assert!(!is_read && matches!(error, Error::TooLarge { limit: 1_048_576, .. }), "{error:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_document_that_inflates_without_end_is_stopped_as_well() {
    let mut bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    bomb.extend(deflated(&vec![b' '; 8 << 20]));
    assert!(bomb.len() < 50_000);
    let small = ClientOptions { max_document_bytes: 1 << 20, ..options() };
    let (error, _) = opened([Fault::Gzip(bomb)], small).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

/// The raw deflate stream that a zip holds.
fn deflated(content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("x", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, content).unwrap();
    let mut zip = zip::ZipArchive::new(zip.finish().unwrap()).unwrap();
    let mut stream = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_index_raw(0).unwrap(), &mut stream).unwrap();
    stream
}

#[tokio::test]
async fn redirects_are_followed_but_not_for_ever() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    server.fail("/index.json", [Fault::Redirect("/registry/index.json".to_owned())]);
    Registry::open(&server.url, options()).await.unwrap();
    let circle = Fault::Redirect("/registry/index.json".to_owned());
    let (error, asked) = opened(vec![circle; 50], options()).await;
    assert!(error.to_string().contains("redirects more than 5 times"), "{error}");
    assert_eq!(asked, 6);
    let (error, _) = opened([Fault::Redirect("file:///etc/passwd".to_owned())], options()).await;
    assert!(matches!(error, Error::Redirect { .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_at_an_address_is_said_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let Err(error) = Registry::open(&url, options()).await else { panic!("nothing listens there") };
    assert!(error.to_string().contains(&format!("`{url}index.json` cannot be reached; check")), "{error}");
    assert!(chain(&error).contains("refused"), "{}", chain(&error));
    assert_eq!((error.is_temporary(), error.reason(false)), (true, Reason::RegistryUnreachable));
}

#[tokio::test]
async fn a_directory_that_is_no_registry_is_said_to_be_none() {
    let empty = tempfile::TempDir::new().unwrap();
    let url = Url::from_directory_path(empty.path()).unwrap();
    let Err(error) = Registry::open(&url, options()).await else { panic!("there is no registry") };
    assert!(matches!(error, Error::NoIndex { .. }), "{error:?}");
    std::fs::create_dir(empty.path().join("index.json")).unwrap();
    let Err(error) = Registry::open(&url, options()).await else { panic!("there is no registry") };
    assert!(matches!(error, Error::NoIndex { .. }), "{error:?}");
}

#[tokio::test]
async fn no_template_reads_a_file_outside_the_registry() {
    let mirror = Mirror::filled(Kind::Mirror);
    let (outside, inside) = (mirror.path().join("secret.json"), mirror.path().join("tree"));
    std::fs::write(&outside, "{\"releases\":{}}").unwrap();
    std::fs::create_dir(&inside).unwrap();
    for template in ["/%2E%2E/secret.json", "/x/..%2F../secret.json", "/..%2Fsecret.json"] {
        let index = serde_json::json!({"dist": template, "meta": "/m", "download": "/d"});
        std::fs::write(inside.join("index.json"), index.to_string()).unwrap();
        let opened = Registry::open(&Url::from_directory_path(&inside).unwrap(), options()).await;
        if let Ok(registry) = opened {
            assert!(matches!(registry.dist(&name("widget")).await, Ok(None) | Err(_)), "{template}");
        }
    }
}
