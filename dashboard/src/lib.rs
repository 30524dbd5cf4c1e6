//! The pages, the badges and the same as JSON.
//!
//! A request becomes a page in three steps, each in a file of its own under `pages`: rows of the store, a view (plain data, built by a
//! pure function, which is also the page's JSON), and a template. Nothing here writes, and no page needs a script; that of a run has one.

mod address;
mod answer;
mod asset;
mod badge;
mod catalogue;
mod chart;
mod client;
mod crawl;
mod csv;
mod fault;
mod feed;
mod frame;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod grid;
mod hot;
mod kept;
mod known;
mod leaves;
mod limit;
mod log;
mod mark;
mod pages;
mod text;
mod wide;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::routing::get;
use live::Live;
use protocol::{Clock, Matrix, Timestamp};
use proxy::Proxy;
use store::{Blobs, Store};
use url::Url;

use catalogue::Catalogue;

pub use catalogue::{keep as keep_index, tick as make_index};
pub use fault::Fault;
pub use hot::hot;
pub use limit::{Limits, limited};

/// The kinds of the registry's documents that the pages answer for, be it because the registry has none: names of `/index.json`.
pub const OFFERS: proxy::Offers = &[
    ("search", "/search/{in}/"),
    ("source", "/src/{dist}/{dist}-{version}/"),
    ("tag", "/tag/{tag}.json"),
    ("userlist", "/users/{letter}.json"),
];

/// What the pages say of the farm itself.
#[derive(Clone, Debug)]
pub struct Site {
    /// The registry that the farm watches.
    pub registry_url: Url,
    /// Whether that is the sample registry, which the farm made itself.
    pub sample: bool,
    /// The address under which people reach the farm, for badges to copy.
    pub public_url: Url,
    /// The version of the program.
    pub version: String,
}

/// Where the pages' data comes from.
pub struct Source {
    /// Releases, jobs and results.
    pub store: Store,
    /// Logs and artifacts.
    pub blobs: Blobs,
    /// The registry's documents.
    pub documents: Proxy,
    /// What runs tell while they go on.
    pub live: Live,
}

/// Everything that the pages read from. Clones share it.
#[derive(Clone)]
pub struct Dashboard(Arc<Inner>);

struct Inner {
    store: Store,
    blobs: Blobs,
    documents: Proxy,
    live: Live,
    catalogue: Catalogue,
    shelf: leaves::Shelf,
    matrix: Matrix,
    clock: Arc<dyn Clock>,
    site: Site,
    desk: OnceLock<notify::Desk>,
}

impl Dashboard {
    /// The pages of a farm: its own state, and the registry's documents.
    pub fn new(source: Source, matrix: Matrix, clock: Arc<dyn Clock>, site: Site) -> Self {
        let Source { store, blobs, documents, live } = source;
        Self(Arc::new(Inner {
            store,
            blobs,
            documents,
            live,
            catalogue: Catalogue::default(),
            shelf: leaves::Shelf::default(),
            matrix,
            clock,
            site,
            desk: OnceLock::new(),
        }))
    }

    /// Lets people subscribe at a desk. Without one, or with one where nothing is turned on, the pages say that there are feeds alone.
    #[must_use]
    pub fn with_desk(self, desk: notify::Desk) -> Self {
        // A second desk is none: the first one stays.
        let _ = self.0.desk.set(desk);
        self
    }

    fn desk(&self) -> Option<&notify::Desk> {
        self.0.desk.get()
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    fn documents(&self) -> &Proxy {
        &self.0.documents
    }

    fn live(&self) -> &Live {
        &self.0.live
    }

    fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    fn shelf(&self) -> &leaves::Shelf {
        &self.0.shelf
    }

    fn matrix(&self) -> &Matrix {
        &self.0.matrix
    }

    /// The majors that PostgreSQL maintains now, newest first: the columns of lists.
    fn supported(&self) -> Vec<u16> {
        self.matrix().supported(self.now()).iter().map(|major| major.number()).collect()
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn site(&self) -> &Site {
        &self.0.site
    }
}

/// Every page, badge and asset; HEAD works where GET does. Merge it beside the API.
pub fn router(dashboard: Dashboard) -> Router {
    answer::dress(frontend(pages()), dashboard)
}

/// The registry's pages, at the addresses of pgxn.org.
fn frontend(router: Router<Dashboard>) -> Router<Dashboard> {
    use pages::frontend::{
        extension, feed, machines, mirrors, moved, recent, search, source, spec, tag, tags, text, user, users,
    };
    let mut router = router
        .route("/search", get(search::show))
        .route("/search/", get(search::show))
        .route("/search/{in}", get(search::answer))
        .route("/search/{in}/", get(search::answer))
        .route("/src/{dist}/{root}", get(pages::with_slash))
        .route("/src/{dist}/{root}/", get(source::top))
        .route("/src/{dist}/{root}/{*path}", get(source::show))
        .route("/dist/{dist}/{version}/{*path}", get(pages::release::document))
        .route("/recent/feed.atom", get(feed::recent))
        .route("/dist/{dist}/feed.atom", get(feed::dist))
        .route("/dist/{dist}/verdicts.atom", get(pages::turns::dist))
        .route("/user/{user}/verdicts.atom", get(pages::turns::user))
        .route("/pg/{major}/verdicts.atom", get(pages::turns::major))
        .route("/user/{user}/feed.atom", get(feed::user))
        .route("/tag/{tag}/feed.atom", get(feed::tag))
        .route("/sitemap.xml", get(machines::sitemap))
        .route("/opensearch.xml", get(machines::open_search))
        .route("/recent/", get(recent::show))
        .route("/users/", get(users::show))
        .route("/users/{file}", get(users::document))
        .route("/user/{user}", get(user::redirect))
        .route("/user/{user}/", get(user::show))
        .route("/tags/", get(tags::show))
        .route("/tag/{tag}", get(tag::leaf))
        .route("/tag/{tag}/", get(tag::show))
        .route("/extension/{extension}", get(extension::redirect))
        .route("/extension/{extension}/", get(extension::show))
        .route("/mirrors/", get(mirrors::show))
        .route("/spec/", get(spec::show));
    for (address, ..) in text::PAGES {
        router = router.route(address, get(text::show));
    }
    let slashed = text::PAGES.iter().map(|(address, ..)| *address);
    for address in slashed.chain(["/recent/", "/users/", "/tags/", "/mirrors/", "/spec/"]) {
        router = router.route(address.trim_end_matches('/'), get(pages::with_slash));
    }
    for (old, _) in moved::MOVED {
        router = router.route(old, get(moved::show));
    }
    router
}

fn pages() -> Router<Dashboard> {
    Router::new()
        .route("/", get(pages::home::show))
        .route("/status.json", get(pages::farm::show))
        .route("/dists", get(pages::with_slash))
        .route("/dists/", get(pages::dists::show))
        .route("/dist/{dist}", get(pages::dist::redirect))
        .route("/dist/{dist}/", get(pages::dist::show))
        .route("/dist/{dist}/matrix.json", get(pages::dist::show))
        .route("/dist/{dist}/matrix.csv", get(pages::dist::show))
        .route("/dist/{dist}/pre-releases", get(pages::pre_releases::redirect))
        .route("/dist/{dist}/pre-releases/", get(pages::pre_releases::show))
        .route("/dist/{dist}/pre-releases.json", get(pages::pre_releases::show))
        .route("/matrix", get(pages::with_slash))
        .route("/matrix/", get(pages::matrix::show))
        .route("/readiness", get(pages::with_slash))
        .route("/readiness/", get(pages::readiness::show))
        .route("/readiness/{major}", get(pages::with_slash))
        .route("/readiness/{major}/", get(pages::readiness::major::show))
        .route("/dist/{dist}/{version}", get(pages::release::redirect))
        .route("/dist/{dist}/{version}/", get(pages::release::show))
        .route("/run/{id}", get(pages::run::show))
        .route("/run/{id}/events", get(pages::run::follow))
        .route("/run/{id}/report.json", get(pages::run::report))
        .route("/run/{id}/{file}", get(pages::file::show))
        .route("/queue", get(pages::with_slash))
        .route("/queue/", get(pages::queue::show))
        .route("/symptoms", get(pages::with_slash))
        .route("/symptoms/", get(pages::symptoms::list))
        .route("/symptoms/{signature}", get(pages::symptoms::show))
        .route("/subscribe", get(pages::with_slash))
        .route("/subscribe/", get(pages::subscribe::show))
        .route("/subscribe/{wish}", get(pages::subscribe::prove))
        .route("/subscriptions/{token}", get(pages::subscription::show))
        .route("/vocabulary", get(pages::with_slash))
        .route("/vocabulary/", get(pages::vocabulary::show))
        .route("/status", get(pages::with_slash))
        .route("/status/", get(pages::farm::show))
        .route("/charts", get(pages::with_slash))
        .route("/charts/", get(pages::charts::show))
        .route("/badge/{dist}", get(pages::badge::show))
        .route("/badge/{dist}/", get(pages::badge::all::show))
        .route("/badge/{dist}/{version}", get(pages::badge::of_version))
        .route("/design", get(pages::with_slash))
        .route("/design/", get(pages::design::show))
        .route("/static/{name}", get(asset::serve))
        .route("/favicon.svg", get(asset::icon))
        .route("/favicon.ico", get(asset::icon))
        .route("/robots.txt", get(asset::robots))
        .fallback(pages::nothing_here)
}
