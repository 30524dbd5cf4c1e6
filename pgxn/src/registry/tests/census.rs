//! The whole registry, listed.

use serde_json::json;

use super::mirror::{Kind, Mirror};
use super::options;
use super::server::{Fault, Server};
use crate::{Census, Registry};

fn releases(census: &Census) -> Vec<String> {
    census.releases.iter().map(|listed| format!("{} {}", listed.dist, listed.version)).collect()
}

#[tokio::test]
async fn an_api_server_shows_all_releases_through_its_user_lists() {
    let mut mirror = Mirror::empty(Kind::Api);
    for number in 0..80 {
        mirror.release(&format!("dist{number:02}"), "1.0.0", "stable", &format!("user{}", number % 7));
    }
    let server = Server::start(mirror.path()).await;
    let registry = Registry::open(&server.url, options()).await.unwrap();
    let census = registry.all_releases().await.unwrap();
    assert!(census.complete && census.unread.is_empty() && census.unreadable.is_empty());
    assert_eq!(releases(&census).len(), 80, "the feed has only 56");
    assert!(census.releases.iter().all(|listed| listed.status.is_some() && listed.user.is_some()));
    assert!(server.requests() < 26 + 7 + 5, "{} requests", server.requests());
}

#[tokio::test]
async fn a_registry_on_disk_shows_all_releases_through_its_directory() {
    let mirror = Mirror::filled(Kind::Mirror);
    mirror.write_text("dist/.json", "{}");
    mirror.write_text("dist/notes.txt", "x");
    let census = Registry::open(&mirror.file_url(), options()).await.unwrap().all_releases().await.unwrap();
    assert_eq!(releases(&census), ["pgTAP 1.3.0-beta1", "widget 1.0.0", "widget 1.2.0"]);
    assert!(census.complete);
}

#[tokio::test]
async fn a_bare_mirror_shows_what_its_statistics_lead_to_and_says_that_it_is_not_all() {
    let mut mirror = Mirror::filled(Kind::Mirror);
    mirror.release("hidden", "1.0.0", "stable", "nobody");
    mirror.release("tagged", "1.0.0", "stable", "tagger");
    mirror.release("tagged", "1.1.0", "stable", "tagger");
    mirror.release("extended", "1.0.0", "stable", "extender");
    mirror.release("much", "1.0.0", "stable", "prolific");
    mirror.write("stats/dist.json", &json!({"recent": [{"dist": "widget", "version": "1.2.0", "user": "ann"}]}));
    mirror.write("stats/user.json", &json!({"prolific": [{"nickname": "prolific"}, {"nickname": "no such"}]}));
    mirror.write("stats/extension.json", &json!({"recent": [{"extension": "x", "user": "extender"}]}));
    mirror.write("stats/tag.json", &json!({"popular": [{"tag": "Key Value"}, {"tag": "gone"}, {}]}));
    mirror.write(
        "tag/key value.json",
        &json!({"tag": "key value", "releases": {"tagged": {"stable": [{"version": "1.1.0"}]}}}),
    );
    let server = Server::start(mirror.path()).await;
    let census = Registry::open(&server.url, options()).await.unwrap().all_releases().await.unwrap();
    let expected = ["extended 1.0.0", "much 1.0.0", "tagged 1.0.0", "tagged 1.1.0", "widget 1.0.0", "widget 1.2.0"];
    assert_eq!(releases(&census), expected);
    assert!(!census.complete);
    assert_eq!(census.unreadable.len(), 1, "a nickname with a space");
}

#[tokio::test]
async fn a_user_that_cannot_be_read_does_not_hide_the_others() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    let registry = Registry::open(&server.url, options()).await.unwrap();
    mirror.write_text("stats/dist.json", "{\"recent\":[]}");
    server.fail("/user/ann.json", vec![Fault::Status(500, None, ""); 3]);
    let census = registry.all_releases().await.unwrap();
    assert_eq!(releases(&census), ["pgTAP 1.3.0-beta1"]);
    assert!(!census.complete);
    assert!(census.unread[0].to_string().contains("/user/ann.json"), "{:?}", census.unread);
}

#[tokio::test]
async fn a_registry_that_is_down_is_given_up_soon() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    let registry = Registry::open(&server.url, options()).await.unwrap();
    drop(server);
    let error = registry.all_releases().await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
}
