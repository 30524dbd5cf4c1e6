//! What the fuzzer calls, and the tests with what it found: everything that a registry sends may be anything.

use std::fs;

use protocol::Name;
use serde_json::Value;
use url::Url;

use crate::archive::{Limits, unpack};
use crate::document::{Feed, Listing, User, users};
use crate::index::Index;
use crate::{Meta, Provider};

/// META.json of a release.
pub fn meta(bytes: &[u8]) {
    let Ok(meta) = Meta::parse(bytes) else { return };
    let _ = (meta.postgres_range().to_string(), meta.release().is_ok());
    assert!(meta.server_preload().all(|library| !library.is_empty()));
}

/// `/index.json`, and the addresses that its templates give.
pub fn index(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    let base = Url::parse("https://registry.example/").expect("it is an address");
    let Ok(index) = Index::read(base.clone(), &value) else { return };
    for name in ["dist", "meta", "download", "user", "userlist", "stats", "extension"] {
        let values = [("dist", "pair"), ("version", "1.0.0"), ("user", "theory"), ("char", "t"), ("extension", "pair")];
        if let Ok(url) = index.url(name, &values) {
            assert_eq!(url.origin(), base.origin(), "a template leads to another host: {url}");
        }
    }
}

/// The registry's other documents, each read as every kind.
pub fn documents(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    let url = Url::parse("https://registry.example/dist/pair.json").expect("it is an address");
    let name: Name = "pair".parse().expect("it is a name");
    let listings = [
        Listing::of_dist(&url, &name, &value).ok(),
        User::read(&url, &name, &value).ok().map(|user| user.listing),
        Some(Listing::by_dist(&url, Some(&name), Some(&value))),
    ];
    for listing in listings.into_iter().flatten() {
        assert!(listing.unreadable.iter().all(|entry| entry.dist.as_ref().is_none_or(|dist| dist.len() <= 800)));
    }
    let _ = (Feed::read(&url, &value), users(&url, &value, "user"), Provider::of_extension(&value));
}

/// An archive: whatever it holds, nothing comes to lie outside of its own directory, and nothing at all where it is refused.
pub fn archive(bytes: &[u8]) {
    let outer = tempfile::tempdir().expect("a directory can be made");
    let (zip, inner) = (outer.path().join("it.zip"), outer.path().join("tree"));
    fs::write(&zip, bytes).expect("a file can be written");
    let limits = Limits { max_members: 200, max_bytes: 1 << 20, ..Limits::default() };
    let unpacked = unpack(&zip, &inner, &limits);
    let names = |dir| fs::read_dir(dir).map(|list| list.flatten().map(|entry| entry.file_name()).collect::<Vec<_>>());
    let mut beside = names(outer.path()).expect("the directory is there");
    beside.retain(|name| name != "it.zip" && name != "tree");
    assert!(beside.is_empty(), "{beside:?} came to lie beside the tree");
    match unpacked {
        Ok(tree) => assert!(tree.root.starts_with(&inner) && tree.root.is_dir()),
        Err(_) => assert!(names(&inner).unwrap_or_default().is_empty(), "an archive that is refused leaves files"),
    }
}

#[cfg(test)]
#[path = "../../fuzz/found.rs"]
mod found;

#[cfg(test)]
mod tests {
    use super::found::on_all;

    #[test]
    fn everything_that_the_fuzzer_found_is_read_or_refused() {
        on_all("meta", super::meta);
        on_all("index", super::index);
        on_all("documents", super::documents);
        on_all("archive", super::archive);
    }
}
