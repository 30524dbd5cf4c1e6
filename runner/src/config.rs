//! How a runner is set up. This is the only file of the crate that reads the environment.

use std::path::PathBuf;
use std::sync::Arc;

use protocol::{Overrides, PgMajor, Platform, Target};
use url::Url;

use crate::courtesy::Shares;
use crate::engines::{self, Found};
use crate::limits::WantedLimits;

/// A volunteer's runner.
#[derive(Clone, Debug)]
pub struct RunnerConfig {
    /// The coordinator to work for.
    pub coordinator: Url,
    /// The bearer token that it gave to this runner.
    pub token: String,
    /// How many runs go on at a time.
    pub jobs: u16,
    /// What it offers to test.
    pub targets: Vec<Target>,
}

/// Which lanes beyond installcheck a run has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lanes {
    /// Upgrade, reload, uninstall.
    #[default]
    All,
    /// None of them.
    None,
}

/// Where and by what runs are made, with a coordinator or without.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// The directory for downloads, unpacked archives and the list of living runners.
    pub data_dir: PathBuf,
    /// The address of the container engine.
    pub engine: String,
    /// How many runs go on at a time, which share the machine.
    pub jobs: u16,
    /// Limits other than the usual ones.
    pub limits: WantedLimits,
    /// What releases need beyond the plain image.
    pub overrides: Arc<Overrides>,
    /// What runs have beyond installcheck.
    pub lanes: Lanes,
    /// What all runs together take at most.
    pub shares: Shares,
    /// What containers and the making of images weigh where others want the machine, too: 1024 is as much as anything else.
    pub weight: Option<u16>,
    /// Whether nothing is fetched or built beside the distribution itself: what is not here ends a run.
    pub offline: bool,
}

impl SiteConfig {
    /// A site in that directory, with the engine that `DOCKER_HOST` names, or the first that is found.
    pub fn new(data_dir: PathBuf, jobs: u16) -> Self {
        Self {
            data_dir,
            engine: engine_host(),
            jobs: jobs.max(1),
            limits: WantedLimits::default(),
            overrides: Arc::new(Overrides::embedded()),
            lanes: Lanes::All,
            shares: Shares::default(),
            weight: None,
            offline: false,
        }
    }

    /// The same site with other overrides than those that are part of the program.
    #[must_use]
    pub fn with_overrides(self, overrides: Arc<Overrides>) -> Self {
        Self { overrides, ..self }
    }

    /// The same site with other limits.
    #[must_use]
    pub fn with_limits(self, limits: WantedLimits) -> Self {
        Self { limits, ..self }
    }

    /// The same site, which takes no more than that of the machine, and gives way to others.
    #[must_use]
    pub fn with_shares(self, shares: Shares, weight: u16) -> Self {
        Self { shares, weight: Some(weight), ..self }
    }

    /// The same site, which fetches and builds nothing where `offline` says so.
    #[must_use]
    pub fn offline(self, offline: bool) -> Self {
        Self { offline, ..self }
    }

    /// The same site with these lanes.
    #[must_use]
    pub fn with_lanes(self, lanes: Lanes) -> Self {
        Self { lanes, ..self }
    }
}

/// The address of the container engine that `DOCKER_HOST` names, or of the first that is found.
pub fn engine_host() -> String {
    engine_found().host
}

/// The same, with what named it.
#[expect(clippy::disallowed_methods, reason = "this is the crate's config.rs")]
pub fn engine_found() -> Found {
    let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty());
    engines::find(std::env::var("DOCKER_HOST").ok(), runtime_dir.map(PathBuf::from))
}

/// The certificates that `SSL_CERT_FILE` names: what this machine trusts, for builds of images behind a proxy that signs by itself.
#[expect(clippy::disallowed_methods, reason = "this is the crate's config.rs")]
pub(crate) fn ca_bundle() -> Option<PathBuf> {
    std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The targets that this machine runs natively, of these majors.
pub fn native_targets(majors: &[PgMajor]) -> Vec<Target> {
    majors.iter().map(|major| Target { major: *major, platform: Platform::native() }).collect()
}
