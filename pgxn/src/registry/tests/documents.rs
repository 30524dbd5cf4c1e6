//! Every document, from a server and from disk.

use protocol::{PgMajor, Status};

use super::mirror::{Kind, Mirror};
use super::server::{Fault, Server};
use super::{chain, name, options, version};
use crate::{Conditional, Registry, Statistics, Validators};

#[tokio::test]
async fn every_document_is_read_from_a_server_and_from_disk_alike() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    for url in [server.url.clone(), mirror.file_url()] {
        let registry = Registry::open(&url, options()).await.unwrap();
        assert!(registry.is_api());
        read_everything(&registry).await;
    }
    assert!(server.seen("/dist/pgtap/1.3.0-beta1/META.json").len() == 1, "variables are lower-cased");
    let agent = server.seen("/index.json")[0].headers["user-agent"].to_str().unwrap().to_owned();
    assert!(agent.starts_with(concat!("pgxn-testers/", env!("CARGO_PKG_VERSION"))), "{agent}");
}

async fn read_everything(registry: &Registry) {
    let feed = match registry.recent(&Validators::default()).await.unwrap() {
        Conditional::Changed { value, .. } => value,
        Conditional::Unchanged => panic!("nothing was known before"),
    };
    let recent: Vec<String> = feed.recent.iter().map(|entry| format!("{} {}", entry.dist, entry.version)).collect();
    assert_eq!(recent, ["pgTAP 1.3.0-beta1", "widget 1.2.0", "widget 1.0.0"]);
    assert_eq!(feed.recent[0].user, Some(name("theory")));
    assert_eq!(feed.recent[0].date.unwrap().to_string(), "2026-11-03T10:00:00Z");

    let dist = registry.dist(&name("Widget")).await.unwrap().unwrap();
    let versions: Vec<&str> = dist.releases.iter().map(|listed| listed.version.as_str()).collect();
    assert_eq!(versions, ["1.2.0", "1.0.0"]);
    assert_eq!(dist.releases[0].status, Some(Status::Stable));

    let meta = registry.meta(&name("pgTAP"), &version("1.3.0-beta1")).await.unwrap().unwrap();
    let release = meta.release().unwrap();
    assert_eq!((release.user.as_str(), release.status), ("Theory", Status::Testing));
    let allows = |major| meta.postgres_range().allows_postgres(PgMajor::try_from(major).unwrap());
    assert_eq!([11, 12, 16, 17].map(allows), [false, true, true, false]);

    let user = registry.user(&name("THEORY")).await.unwrap().unwrap();
    assert_eq!(user.nickname.as_str(), "Theory");
    assert_eq!(user.listing.releases[0].dist.as_str(), "pgTAP");
    let (users, unreadable) = registry.userlist('t').await.unwrap().unwrap();
    assert_eq!((users.len(), users[0].user.as_str(), unreadable.len()), (1, "theory", 0));
    assert_eq!(registry.userlist('z').await.unwrap(), None);

    let readme = registry.readme(&name("widget"), &version("1.0.0")).await.unwrap();
    assert_eq!(readme.as_deref(), Some("This is widget 1.0.0.\n"));
    assert_eq!(registry.statistics(Statistics::Summary).await.unwrap().unwrap()["dists"], 2);
    assert_eq!(registry.mirrors().await.unwrap().unwrap()[0]["uri"], "https://example.org/");
    assert!(registry.spec().await.unwrap().unwrap().contains("Specification"));
    assert_eq!(registry.dist(&name("nothing")).await.unwrap(), None);
    assert!(registry.meta(&name("widget"), &version("9.9.9")).await.unwrap().is_none());
    assert_eq!(registry.tag("no such/tag").await.unwrap(), None);
    assert_eq!(registry.extension(&name("nothing")).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_registry_does_can_be_awaited_by_any_task() {
    fn can_move<T: Send>(_: &T) {}
    let mirror = Mirror::filled(Kind::Api);
    can_move(&Registry::open(&mirror.file_url(), options()));
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    let (dist, version) = (name("widget"), version("1.0.0"));
    can_move(&registry.all_releases());
    can_move(&registry.recent(&Validators::default()));
    can_move(&registry.meta(&dist, &version));
    can_move(&registry.download(&dist, &version, mirror.path()));
}

#[tokio::test]
async fn a_bare_mirror_has_no_user_lists() {
    let mirror = Mirror::filled(Kind::Mirror);
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    assert!(!registry.is_api());
    let error = chain(&registry.userlist('a').await.unwrap_err());
    assert!(error.contains("no usable template `userlist`"), "{error}");
}

#[tokio::test]
async fn an_unchanged_feed_is_not_sent_again() {
    let mut mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    for url in [server.url.clone(), mirror.file_url()] {
        let registry = Registry::open(&url, options()).await.unwrap();
        let Conditional::Changed { validators, .. } = registry.recent(&Validators::default()).await.unwrap() else {
            panic!("nothing was known before")
        };
        assert!(validators.last_modified.is_some());
        assert_eq!(registry.recent(&validators).await.unwrap(), Conditional::Unchanged);
        let stored: Validators = serde_json::from_str(&serde_json::to_string(&validators).unwrap()).unwrap();
        assert_eq!(registry.recent(&stored).await.unwrap(), Conditional::Unchanged);
    }
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    let Conditional::Changed { validators, .. } = registry.recent(&Validators::default()).await.unwrap() else {
        panic!("nothing was known before")
    };
    mirror.release("widget", "2.0.0", "stable", "ann");
    let Conditional::Changed { value, .. } = registry.recent(&validators).await.unwrap() else {
        panic!("a release came")
    };
    assert_eq!(value.recent[0].version, version("2.0.0"));
}

#[tokio::test]
async fn validators_are_sent_back_as_they_came() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    let registry = Registry::open(&server.url, options()).await.unwrap();
    server.fail("/stats/dist.json", [Fault::Status(200, Some(("etag", "\"v1\"")), "{\"recent\":[]}")]);
    let Conditional::Changed { validators, .. } = registry.recent(&Validators::default()).await.unwrap() else {
        panic!("nothing was known before")
    };
    server.fail("/stats/dist.json", [Fault::Status(304, None, "")]);
    assert_eq!(registry.recent(&validators).await.unwrap(), Conditional::Unchanged);
    assert_eq!(server.seen("/stats/dist.json")[1].headers["if-none-match"], "\"v1\"");
    let odd = Validators { etag: Some("no\nheader".to_owned()), last_modified: None };
    assert!(matches!(registry.recent(&odd).await.unwrap(), Conditional::Changed { .. }));
}

#[tokio::test]
async fn one_bad_entry_does_not_hide_the_others() {
    let mirror = Mirror::filled(Kind::Api);
    mirror.write_text(
        "stats/dist.json",
        r#"{"count":"2","recent":[
            {"dist":"good","version":"1.0.0","date":"yesterday","user":"a b"},
            {"dist":"bad name","version":"1.0.0"}, {"dist":"noversion"}, {"dist":"num","version":1.5},
            "text", null, {"dist":"old","version":"1.0.0b3"}]}"#,
    );
    mirror.write_text(
        "user/ann.json",
        r#"{"nickname":"Ann","releases":{"widget":{"abstract":"x","stable":[{"version":"1.0.0"},{"version":"../etc"},
            "0.9.0",{}],"beta":[{"version":2}]},"broken":"x","bad name":{"stable":[{"version":"1.0.0"}]}}}"#,
    );
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    let Conditional::Changed { value: feed, .. } = registry.recent(&Validators::default()).await.unwrap() else {
        panic!("nothing was known before")
    };
    let recent: Vec<String> = feed.recent.iter().map(|entry| format!("{} {}", entry.dist, entry.version)).collect();
    assert_eq!(recent, ["good 1.0.0", "num 1.5", "old 1.0.0b3"]);
    assert_eq!((feed.recent[0].date, feed.recent[0].user.clone(), feed.dists), (None, None, Some(2)));
    let bad: Vec<(Option<&str>, &str)> =
        feed.unreadable.iter().map(|entry| (entry.dist.as_deref(), entry.why.as_str())).collect();
    assert_eq!(bad.len(), 4);
    assert_eq!(bad[0].0, Some("bad name"));
    assert_eq!(bad[1], (Some("noversion"), "it has no `version`"));

    let listing = registry.user(&name("ann")).await.unwrap().unwrap().listing;
    let good: Vec<(&str, Option<Status>)> =
        listing.releases.iter().map(|listed| (listed.version.as_str(), listed.status)).collect();
    assert_eq!(good, [("1.0.0", Some(Status::Stable)), ("0.9.0", Some(Status::Stable)), ("2", None)]);
    assert_eq!(listing.unreadable.len(), 4, "{:?}", listing.unreadable);
}

#[tokio::test]
async fn a_broken_meta_says_what_is_wrong_with_it() {
    let mirror = Mirror::filled(Kind::Api);
    let path = "dist/widget/1.0.0/META.json";
    let registry = Registry::open(&mirror.file_url(), options()).await.unwrap();
    for (text, word) in [
        ("{\"name\":\"widget\"", "is JSON that breaks off instead of JSON"),
        ("[]", "not a JSON object"),
        ("{\"name\":\"widget\"}", "has no `version`"),
        ("{\"name\":\"wid get\",\"version\":\"1\"}", "unusable `name`"),
        ("{\"name\":\"gadget\",\"version\":\"1.0.0\"}", "describes gadget 1.0.0, not widget 1.0.0"),
        ("{\"name\":\"widget\",\"version\":\"1.0.1\"}", "describes widget 1.0.1, not widget 1.0.0"),
    ] {
        mirror.write_text(path, text);
        let error = registry.meta(&name("widget"), &version("1.0.0")).await.unwrap_err();
        assert!(chain(&error).contains(word) && chain(&error).contains("widget/1.0.0/META.json"), "{}", chain(&error));
    }
    mirror.write_text(path, "{\"name\":\"widget\",\"version\":\"1.0.0\"}");
    let meta = registry.meta(&name("widget"), &version("1.0.0")).await.unwrap().unwrap();
    assert!(meta.release().unwrap_err().to_string().contains("no `user`"));
}
