//! The farm's own client reads what the writer wrote: over `file:` from the tree, over `http:` through the server.

use std::path::Path;

use crate::{Mirror, Tree, Upload, User};
use axum::Router;
use pgxn::{ClientOptions, Conditional, Registry, Validators};
use protocol::{Name, Timestamp, Version};
use serde_json::json;
use url::Url;

fn upload(name: &str, version: &str, date: &str) -> Upload {
    let meta = json!({
        "name": name, "version": version, "abstract": "A round trip", "maintainer": "Ann <ann@example.org>",
        "license": "postgresql", "tags": ["Round Trip"], "provides": {name: {"file": "trip.sql", "version": version}},
        "prereqs": {"runtime": {"requires": {"PostgreSQL": ">= 15.0.0, < 18.0.0"}}},
        "meta-spec": {"version": "1.0.0"},
    });
    let mut tree = Tree::default();
    tree.put_text("META.json", &meta.to_string()).unwrap();
    tree.put_text("README.md", "# Round trip\n").unwrap();
    Upload::of_tree(&tree, User::named("Ann"), Timestamp::parse_rfc3339(date).unwrap()).unwrap()
}

fn mirror(dir: &Path) -> Mirror {
    let mut mirror = Mirror::open(dir).unwrap();
    let uploads =
        [upload("RoundTrip", "1.0.0", "2025-01-02T03:04:05Z"), upload("other", "0.1.0b2", "2025-01-03T03:04:05Z")];
    mirror.publish_all(uploads).unwrap();
    mirror
}

/// Everything that the farm asks of a registry.
async fn check(registry: &Registry, mirror: &mut Mirror, scratch: &Path) {
    let dist: Name = "RoundTrip".parse().unwrap();
    let version: Version = "1.0.0".parse().unwrap();
    let release = mirror.release(&dist, &version).unwrap().clone();

    let Conditional::Changed { value: feed, validators } = registry.recent(&Validators::default()).await.unwrap()
    else {
        panic!("nothing was seen before")
    };
    assert_eq!(feed.recent.len(), 2);
    assert!(feed.unreadable.is_empty(), "{:?}", feed.unreadable);
    assert_eq!(feed.recent[0].version.as_str(), "0.1.0b2");
    assert!(matches!(registry.recent(&validators).await.unwrap(), Conditional::Unchanged));

    let meta = registry.meta(&dist, &version).await.unwrap().unwrap();
    assert_eq!(meta.problems, Vec::<String>::new());
    assert_eq!(meta.sha1.as_deref(), Some(release.sha1.as_str()));
    assert_eq!((meta.date, meta.user), (Some(release.date), Some(release.user)));
    let archive = registry.download(&dist, &version, scratch).await.unwrap();
    assert_eq!(archive.sha1, release.sha1);

    assert_eq!(registry.dist(&dist).await.unwrap().unwrap().releases.len(), 1);
    assert_eq!(registry.tag("round trip").await.unwrap().unwrap().releases.len(), 2);
    assert_eq!(registry.readme(&dist, &version).await.unwrap().unwrap(), "# Round trip\n");
    let census = registry.all_releases().await.unwrap();
    assert!(census.complete && census.unreadable.is_empty() && census.unread.is_empty(), "{census:?}");
    assert_eq!(census.releases.len(), 2);

    mirror.publish(upload("RoundTrip", "1.1.0", "2025-01-04T03:04:05Z")).unwrap();
    let Conditional::Changed { value: feed, .. } = registry.recent(&validators).await.unwrap() else {
        panic!("a release was missed")
    };
    assert_eq!(feed.recent[0].version.as_str(), "1.1.0");
    assert_eq!(registry.all_releases().await.unwrap().releases.len(), 3);
}

#[tokio::test]
async fn the_client_reads_a_tree_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("registry");
    let mut mirror = mirror(&tree);
    let registry = Registry::open(&Url::from_directory_path(&tree).unwrap(), ClientOptions::default()).await.unwrap();
    check(&registry, &mut mirror, dir.path()).await;
}

#[tokio::test]
async fn the_client_reads_a_tree_that_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("registry");
    let mut mirror = mirror(&tree);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/registry/", listener.local_addr().unwrap());
    let app = Router::new().nest("/registry", crate::serve::router(&tree));
    let asked = async {
        let registry = Registry::open(&url.parse().unwrap(), ClientOptions::default()).await.unwrap();
        check(&registry, &mut mirror, dir.path()).await;
    };
    tokio::select! {
        () = asked => {}
        served = axum::serve(listener, app) => panic!("the server ended: {served:?}"),
    }
}
