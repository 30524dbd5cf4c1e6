//! A believable farm in a real store: distributions of several fates, every grade, running, waiting and lost runs, and a hostile one.
//!
//! Shared by the gallery and the tests of pages. Ids and times are fixed, so that pages can be compared.

mod fate;
mod going;
mod history;
mod lent;
mod more;
mod pre;
mod report;
mod scene;
mod steps;
mod story;
mod writing;

pub(crate) use lent::lent;
pub(crate) use more::{late_again, many, more};
pub(crate) use pre::pre_released;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Clock, Timestamp};
use proxy::Proxy;
use sample::{Mirror, Tree, Upload, User};
use store::{Blobs, Store, releases};
use url::Url;

pub(crate) use going::live;

/// The farm's time: 2026-11-20T22:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);
/// The registry that it watches.
pub(crate) const REGISTRY: &str = "http://127.0.0.1:8081/";

/// What every distribution says of itself; somebody hostile has had a hand in it.
const README: &str = "# NAME\n\nSome *words* on it, <script>alert(1)</script> and [more](doc/guide.md).\n\n\
    ![A badge](https://example.org/badge.svg)\n\n```sql\nCREATE EXTENSION \"NAME\";\n```\n\n\
    | option | meaning |\n|---|---|\n| `a` | [x](javascript:alert) <b onclick=alert(1)>bold</b> |\n";

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;
const LEASE: Duration = Duration::from_mins(5);

/// Builds the farm in a directory.
pub(crate) async fn build(directory: &Path) -> (Store, Blobs) {
    let store = Store::connect(&format!("sqlite://{}/farm.db", directory.display())).await.unwrap();
    let blobs = Blobs::open(directory.join("blobs").to_str().unwrap()).unwrap();
    let mut builder = Builder { store, blobs, ids: 0, seconds: 0, clock: before(40 * MINUTE) };
    builder.runners().await;
    builder.history().await;
    builder.finished().await;
    builder.unfinished().await;
    builder.registry().await;
    builder.turned().await;
    (builder.store, builder.blobs)
}

/// The documents of the registry that the farm's releases come from, as a mirror on disk.
pub(crate) async fn documents(store: &Store, directory: &Path, clock: Arc<dyn Clock>) -> Proxy {
    let mut mirror = Mirror::open(&directory.join("mirror")).unwrap();
    let mut conn = store.read().await.unwrap();
    let mut uploads = Vec::new();
    for (_, _, id) in releases::all(&mut conn).await.unwrap() {
        let stored = releases::by_id(&mut conn, id).await.unwrap().unwrap();
        let mut meta = releases::meta(&mut conn, id).await.unwrap().unwrap_or_default();
        let release = &stored.release;
        for (key, value) in [("name", release.dist.as_str()), ("version", release.version.as_str())] {
            meta[key] = value.into();
        }
        meta["abstract"] = stored.summary.clone().into();
        let user = User { name: release.user.to_string(), nickname: release.user.clone(), ..User::named("ann") };
        let mut tree = Tree::default();
        tree.put_text("META.json", &meta.to_string()).unwrap();
        tree.put_text(
            "README.md",
            &README.replace("NAME", &release.dist.as_str().replace(|c: char| !c.is_alphanumeric(), "")),
        )
        .unwrap();
        tree.put_text("doc/guide.md", "# Guide\n\nBack to the [README](../README.md).\n").unwrap();
        tree.put_text("Changes", "Revision history\n\n1.0 <b>first</b>\n").unwrap();
        tree.put_text("LICENSE", "Do what you like.\n").unwrap();
        // The latest release of this one alone has what came with it.
        if release.to_string() == "pgTAP 1.3.4" {
            for (path, text) in writing::DOCUMENTS {
                tree.put_text(path, text).unwrap();
            }
        }
        tree.put_text("sql/install.sql", "SELECT '<script>alert(1)</script>';\n").unwrap();
        uploads.push(Upload::of_tree(&tree, user, release.released_at).unwrap());
    }
    mirror.publish_all(uploads).unwrap();
    let mut config = proxy::Config::new(Url::from_file_path(mirror.dir()).unwrap(), directory.join("registry"));
    config.patience = Duration::from_mins(1);
    Proxy::open(config, clock).unwrap()
}

/// The moment that many seconds before now.
pub(crate) fn before(seconds: u64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - i64::try_from(seconds * 1000).unwrap())
}

struct Builder {
    store: Store,
    blobs: Blobs,
    ids: u64,
    /// Second runs have ids of their own, so that those of the first ones stay as they are.
    seconds: u64,
    clock: Timestamp,
}
