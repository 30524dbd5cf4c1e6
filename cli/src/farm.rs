//! A coordinator with its dashboard, put together from the data directory and served on one address.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use axum::Router;
use coordinator::config::AdminToken;
use coordinator::{Config, Coordinator};
use dashboard::{Dashboard, Limits, Site, Source};
use live::Live;
use notify::Desk;
use protocol::{Matrix, SystemClock};
use proxy::Proxy;
use store::{Blobs, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use url::Url;

use crate::args::{DataArgs, ListenArgs};
use crate::notices;

/// The file in the data directory that says where the coordinator listens, for `admin` and for people.
const ADDRESS_FILE: &str = "address";

/// The directory that holds all state.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Makes the directory where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).with_context(|| {
            format!("cannot make the data directory {}; choose another with --data-dir", path.display())
        })?;
        Self::existing(path)
    }

    /// The directory of a farm that there is already, for the commands of its operator.
    pub(crate) fn existing(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            bail!("there is no data directory {}; name the farm's with --data-dir", path.display());
        }
        let path = path.canonicalize().with_context(|| format!("find the data directory {}", path.display()))?;
        tempfile::tempfile_in(&path).with_context(|| {
            format!("cannot write into the data directory {}; choose another with --data-dir", path.display())
        })?;
        Ok(Self { path })
    }

    /// A file or directory in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The address of the coordinator that has last been started on it.
    pub(crate) fn address(path: &Path) -> Result<Url> {
        let file = path.join(ADDRESS_FILE);
        let text = std::fs::read_to_string(&file).with_context(|| {
            format!(
                "read {}: is a coordinator running on this data directory? give --coordinator or --data-dir",
                file.display()
            )
        })?;
        text.trim().parse().with_context(|| format!("read the address in {}", file.display()))
    }
}

/// What a farm's pages say of its registry.
#[derive(Clone, Debug)]
pub(crate) struct WatchedRegistry {
    pub(crate) url: Url,
    pub(crate) sample: bool,
}

/// A coordinator and the address that it will answer on.
pub(crate) struct Farm {
    pub(crate) coordinator: Coordinator,
    pub(crate) pages: Dashboard,
    pub(crate) desk: Desk,
    pub(crate) address: Url,
    live: Live,
    router: Router,
    listener: TcpListener,
}

/// Takes the address, before anything that takes long.
pub(crate) async fn bind(listen: SocketAddr) -> Result<TcpListener> {
    match TcpListener::bind(listen).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("{listen} is taken by another program; stop that one, or choose another address with --listen")
        }
        Err(error) => Err(error).with_context(|| format!("listen on {listen}; choose another address with --listen")),
    }
}

/// The address of a listener as a URL that a browser takes.
pub(crate) fn address_of(listener: &TcpListener) -> Result<Url> {
    let local = listener.local_addr().context("ask for the address that was taken")?;
    let shown = if local.ip().is_unspecified() { SocketAddr::new([127, 0, 0, 1].into(), local.port()) } else { local };
    format!("http://{shown}/").parse().context("write the address as a URL")
}

/// Opens the database of a data directory beside a coordinator that may be running on it.
pub(crate) async fn attach_store(data: &DataArgs, dir: &DataDir) -> Result<Store> {
    Ok(Store::attach(&database(data, dir)).await?)
}

/// Opens database and blobs of a data directory that no coordinator runs on.
pub(crate) async fn open_store(data: &DataArgs, dir: &DataDir) -> Result<(Store, Blobs)> {
    let store = Store::connect(&database(data, dir)).await?;
    Ok((store, Blobs::open(&dir.join("blobs").display().to_string())?))
}

fn database(data: &DataArgs, dir: &DataDir) -> String {
    match &data.database {
        Some(url) => url.to_string(),
        None => format!("sqlite://{}", dir.join("farm.db").display()),
    }
}

impl Farm {
    /// Puts a coordinator, its API and its pages together.
    pub(crate) async fn open(
        (data, dir): (&DataArgs, &DataDir),
        (listener, at): (TcpListener, &ListenArgs),
        registry: WatchedRegistry,
        adjust: impl FnOnce(&mut Config),
    ) -> Result<Self> {
        let (store, blobs) = open_store(data, dir).await?;
        let clock = Arc::new(SystemClock);
        let address = address_of(&listener)?;
        let mut config = Config::new(registry.url.clone(), AdminToken::open(&dir.path)?);
        config.public_url = Some(at.public_url.clone().unwrap_or_else(|| address.clone()));
        adjust(&mut config);
        let mut kept = proxy::Config::new(registry.url.clone(), dir.join("registry-cache"));
        kept.max_bytes = at.registry_cache * 1024 * 1024;
        let documents = Proxy::open(kept, clock.clone())?;
        let site = Site {
            registry_url: registry.url,
            sample: registry.sample,
            public_url: at.public_url.clone().unwrap_or_else(|| address.clone()),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        let coordinator = Coordinator::new(store.clone(), blobs.clone(), Matrix::embedded(), clock.clone(), config)?;
        let told = notices::config(&at.notify, site.public_url.clone())?;
        let desk = Desk::open(store.clone(), clock.clone(), told, &dir.path)?;
        let live = coordinator.live().clone();
        let source = Source { store: store.clone(), blobs, documents: documents.clone(), live: live.clone() };
        let pages = Dashboard::new(source, Matrix::embedded(), clock.clone(), site).with_desk(desk.clone());
        let router = coordinator::api::router(coordinator.clone(), notify::described());
        let router = router.merge(notify::router(desk.clone())).merge(dashboard::router(pages.clone()));
        let router = proxy::before(documents, router, dashboard::OFFERS);
        let limits = Limits { per_minute: NonZeroU32::new(at.client_rate), trusted: at.trusted_proxy.clone() };
        let router = dashboard::hot(dashboard::limited(router, pages.clone(), limits), store, clock);
        std::fs::write(dir.join(ADDRESS_FILE), format!("{address}\n"))
            .context("write the address into the data directory")?;
        Ok(Self { coordinator, pages, desk, address, live, router, listener })
    }

    /// Serves a further router below a path, such as the sample registry.
    pub(crate) fn nest(mut self, path: &str, router: Router) -> Self {
        self.router = self.router.nest(path, router);
        self
    }

    /// Answers requests until `shutdown`, then lets those that are under way end; who follows a run would never.
    pub(crate) async fn serve(self, shutdown: CancellationToken) -> Result<()> {
        let compressible = DefaultPredicate::new()
            .and(NotForContentType::const_new("application/zip"))
            .and(NotForContentType::const_new("application/zstd"));
        let router = self.router.layer(CompressionLayer::new().compress_when(compressible));
        let ending = async move {
            shutdown.cancelled().await;
            self.live.close();
        };
        axum::serve(self.listener, router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(ending)
            .await
            .context("serve pages and API")
    }
}
