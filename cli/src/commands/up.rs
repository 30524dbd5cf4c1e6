//! `pgxn-testers up`: a whole farm on this machine, in one process.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use coordinator::{Coordinator, operate};
use protocol::{Clock, Name, PgMajor, SystemClock, Target};
use runner::{Agent, Site, SiteConfig, native_targets};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::agent::quiet_listener;
use crate::args::{RegistryChoice, UpArgs};
use crate::console::{Colour, Console};
use crate::farm::{DataDir, Farm, WatchedRegistry, address_of, bind};
use crate::imaging::Imaging;
use crate::sample_registry::Sample;
use crate::{events, registry, task};

/// The name of the runner inside.
const RUNNER: &str = "local";

/// Below which path the sample registry is served.
const SAMPLE_PATH: &str = "/registry";

pub(crate) async fn run(args: UpArgs, console: Console) -> Result<ExitCode> {
    let dir = DataDir::open(&args.data.data_dir)?;
    let listener = bind(args.listen).await?;
    let address = address_of(&listener)?;
    // Before anything is made: a second `up` on the same data directory ends here, and an engine that is gone is said at once.
    let site = SiteConfig::new(dir.join("runner"), args.jobs).with_limits((&args.limits).into());
    let choice = registry::choose(args.registry.clone(), &dir, console).await?;
    let watched = watched(&choice, &address)?;
    let majors = crate::commands::test::majors(&args.pg);
    let farm =
        Farm::open((&args.data, &dir), listener, watched.clone(), |config| config.majors.clone_from(&majors)).await?;
    let farm = if watched.sample {
        farm.nest(SAMPLE_PATH, sample::serve::router(&sample::debian::tree(&Sample::home(&dir))))
    } else {
        farm
    };
    let site = Site::open(&site, Arc::new(SystemClock)).await?;
    greet(&farm.address, &watched, &majors, console);
    let shutdown = CancellationToken::new();
    let coordinator = farm.coordinator.clone();
    let mut tasks = task::Tasks::new(shutdown.clone())?;
    tasks.spawn("the terminal", events::show(coordinator.clone(), console, shutdown.clone()));
    // It serves until the runner has given its jobs back.
    let served = CancellationToken::new();
    tasks.spawn("the web server", farm.serve(served.clone()));
    let imaging = Imaging::new(site.place.engine.clone(), console);
    let targets = native_targets(&majors);
    let sample =
        watched.sample.then(|| Sample { dir, size: args.sample, imaging: imaging.clone(), target: targets[0] });
    let (watching, stop) = (coordinator.clone(), shutdown.clone());
    tasks.spawn("the coordinator", async move {
        if let Some(sample) = sample {
            sample.build(console, &stop).await?;
        }
        coordinator::run(watching, stop).await.map_err(Into::into)
    });
    let worker = Worker { site, coordinator: coordinator.clone(), address, jobs: args.jobs, targets, imaging };
    let stop = shutdown.clone();
    tasks.spawn("the runner", async move {
        let ended = worker.work(console, stop.clone()).await;
        if ended.is_err() {
            stop.cancel();
        }
        served.cancel();
        ended
    });
    if args.until_idle {
        tasks.spawn("the wait for an idle farm", until_idle(coordinator, shutdown));
    }
    tasks.ended().await?;
    console.line("Stopped. Started again, it goes on where it stopped.");
    Ok(ExitCode::SUCCESS)
}

/// What is watched, by its address.
fn watched(choice: &RegistryChoice, address: &Url) -> Result<WatchedRegistry> {
    match choice {
        RegistryChoice::At(url) => Ok(WatchedRegistry { url: url.clone(), sample: false }),
        RegistryChoice::Sample => {
            let url = address.join(&format!("{SAMPLE_PATH}/")).context("write the address of the sample registry")?;
            Ok(WatchedRegistry { url, sample: true })
        }
    }
}

fn greet(address: &Url, watched: &WatchedRegistry, majors: &[PgMajor], console: Console) {
    let majors: Vec<String> = majors.iter().map(ToString::to_string).collect();
    let kind = if watched.sample { "sample registry" } else { "registry" };
    console.line(&format!("Watching the {kind} {} for PostgreSQL {}", watched.url, majors.join(" and ")));
    console.line(&format!("Open {}   (Ctrl-C stops)", console.paint(Colour::Bold, address.as_str())));
}

/// The runner inside.
struct Worker {
    site: Site,
    coordinator: Coordinator,
    address: Url,
    jobs: u16,
    targets: Vec<Target>,
    imaging: Imaging,
}

impl Worker {
    /// Makes the images first, so that no lease waits for one, then works.
    async fn work(self, console: Console, shutdown: CancellationToken) -> Result<()> {
        let mut targets = Vec::new();
        for target in &self.targets {
            let image = tokio::select! {
                image = self.imaging.image(*target) => image,
                () = shutdown.cancelled() => return Ok(()),
            };
            match image {
                Ok(image) => {
                    let facts = &image.facts;
                    let words = format!("PostgreSQL {} from {} on {}", facts.postgresql, facts.source, facts.suite);
                    console.line(&console.paint(Colour::Dim, &format!("image    {words} is ready")));
                    targets.push(*target);
                }
                Err(error) => {
                    let words = format!("PostgreSQL {}: {:#}", target.major, anyhow::Error::new(error));
                    console.line(&format!("{} {words}", console.paint(Colour::Yellow, "image   ")));
                }
            }
        }
        if targets.is_empty() {
            bail!("there is no image to run anything in; why is said above");
        }
        let name: Name = RUNNER.parse().context("read the local runner's name")?;
        let admitted = operate::own_runner(&self.coordinator, &name).await?;
        let client = runner::Coordinator::new(&self.address, &admitted.token)?;
        let agent = Agent::new(self.site, client, targets, self.imaging.ensure(), quiet_listener(console));
        runner::work(agent, self.jobs, shutdown).await;
        Ok(())
    }
}

/// Asks for the end once the whole registry is read and nothing waits or runs.
async fn until_idle(coordinator: Coordinator, shutdown: CancellationToken) -> Result<()> {
    let mut pause = tokio::time::interval(Duration::from_millis(500));
    while !shutdown.is_cancelled() {
        pause.tick().await;
        let mut conn = coordinator.store().read().await?;
        let now = SystemClock.now();
        let targets = coordinator.targets(now);
        let watch = store::registry::current(&mut conn).await?;
        let is_read = watch.is_some_and(|watch| watch.polled_at.is_some() && watch.reconciled_at.is_some());
        // What waits for a major that this farm was asked for once, and no longer tests, waits for ever.
        let waits = store::queue::counts(&mut conn).await?.iter().any(|count| targets.contains(&count.target));
        if is_read && !waits && store::farm::counts(&mut conn, now).await?.running == 0 {
            shutdown.cancel();
        }
    }
    Ok(())
}
