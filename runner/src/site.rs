//! What the runs of one runner have in common: the engine, the limits, the directories.

use std::path::PathBuf;
use std::sync::Arc;

use pgxn::ClientOptions;
use protocol::{Clock, LimitFacts, LimitOverrides, Matrix, Overrides, Platform, RunnerFacts};
use url::Url;

use crate::config::{Lanes, SiteConfig};
use crate::error::{Error, Result};
use crate::images::{Images, Options};
use crate::limits::Limits;
use crate::prerequisites::Cache;
use crate::run::VERSION;
use crate::sandbox::docker::Engine;
use crate::sandbox::{Instance, Place};
use crate::status::Status;

/// What the runs of one runner have in common; clones share it.
#[derive(Clone)]
pub struct Site {
    /// Where containers are made.
    pub place: Place,
    /// What each run may use.
    pub limits: Limits,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The directory of everything that this runner keeps.
    pub(crate) data_dir: PathBuf,
    /// Where archives are unpacked; emptied after each run.
    pub work_dir: PathBuf,
    /// Where archives are kept between runs.
    pub download_dir: PathBuf,
    /// What prerequisites have installed, kept between runs.
    pub(crate) prerequisites: Cache,
    /// How registries are asked.
    pub client: ClientOptions,
    /// The registry in which prerequisites of what is no release are looked up.
    pub registry: Option<Url>,
    /// What releases need beyond the plain image; those that are part of the program where nobody says otherwise.
    pub overrides: Arc<Overrides>,
    /// Where images come from beyond the plain one of a target: with further packages, from another source.
    pub images: Arc<Images>,
    /// What runs have beyond installcheck.
    pub lanes: Lanes,
    /// What says that this runner lives, for as long as it does.
    instance: Arc<Instance>,
}

impl Site {
    /// Connects to the engine, and removes the containers of runners in the same directory that are dead.
    pub async fn open(config: &SiteConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let engine = Engine::connect(&config.engine).await?;
        std::fs::create_dir_all(&config.data_dir).map_err(Error::file("create", &config.data_dir))?;
        let reaped = Instance::reap(&engine, &config.data_dir).await?;
        if reaped > 0 {
            tracing::info!(containers = reaped, "removed what a runner that was killed had left behind");
        }
        let instance = Arc::new(Instance::claim(&config.data_dir)?);
        Status::forget_dead(&config.data_dir)?;
        let (cores, memory) = config.shares.of(engine.facts(), config.jobs, &config.limits)?;
        let limits = Limits::fitting(engine.facts(), u32::from(config.jobs)).within(cores, memory).with(&config.limits);
        let engine = engine.giving_way(config.weight, cores);
        let overrides = Arc::clone(&config.overrides);
        let place = Place::new(engine, instance.id().to_owned());
        let options = Options { offline: config.offline, ..Options::default() };
        let images = Arc::new(Images::at(place.clone(), Matrix::embedded(), options));
        let (work_dir, download_dir) = (instance.work_dir(&config.data_dir), config.data_dir.join("downloads"));
        let prerequisites = Cache::new(config.data_dir.join("prerequisites"));
        let client = ClientOptions::default();
        Ok(Self {
            place,
            limits,
            clock,
            data_dir: config.data_dir.clone(),
            work_dir,
            download_dir,
            prerequisites,
            client,
            registry: None,
            overrides,
            images,
            lanes: config.lanes,
            instance,
        })
    }

    /// What a report says of the runner.
    pub fn facts(&self) -> RunnerFacts {
        let engine = self.place.engine.facts();
        RunnerFacts {
            version: VERSION.to_owned(),
            kernel: engine.kernel.clone(),
            engine: engine.name.clone(),
            cpus: f64::from(self.limits.cpus.min(engine.cpus)),
            memory_bytes: self.limits.memory_bytes,
        }
    }

    /// The same, for a run on that platform, which takes longer where it is emulated.
    #[must_use]
    pub(crate) fn on(&self, platform: Platform) -> Self {
        Self { limits: self.limits.clone().on(platform), ..self.clone() }
    }

    /// The same, for a run that may have more than the others.
    #[must_use]
    pub(crate) fn lifted(&self, limits: &LimitOverrides) -> Self {
        Self { limits: self.limits.clone().lifted(limits, self.place.engine.facts()), ..self.clone() }
    }

    /// The limits of its runs, as a report has them.
    pub(crate) fn limit_facts(&self) -> LimitFacts {
        self.limits.facts(self.place.engine.facts())
    }

    /// Waits until every container is removed; a program that ends before leaves them to its next start.
    pub async fn idle(&self) {
        self.place.tasks.idle().await;
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("instance", &self.instance.id())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
