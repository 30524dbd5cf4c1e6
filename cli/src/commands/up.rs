//! `pgxn-testers up`: a whole farm on this machine, in one process.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use coordinator::{Coordinator, operate};
use protocol::{Clock, Name, PgMajor, SystemClock};
use runner::sandbox::docker::Engine;
use runner::{Agent, Keys, Offer, Site, engine_host};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::agent::quiet_listener;
use crate::args::{RegistryChoice, UpArgs};
use crate::commands::doctor::{self, Offered};
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
    let listener = bind(args.at.listen).await?;
    let address = address_of(&listener)?;
    // Before anything is made: an engine that is gone is said at once.
    Engine::connect(&engine_host()).await?;
    let runner_dir = dir.join("runner");
    let site = args.work.site(runner_dir.clone());
    let choice = registry::choose(args.registry.clone(), &dir, console).await?;
    let watched = watched(&choice, &address)?;
    let majors = args.work.majors.or_newest(2);
    let farm = Farm::open((&args.data, &dir), (listener, &args.at), watched.clone(), |config| {
        config.majors.clone_from(&majors);
        config.platforms.extend(args.work.emulate.emulate);
        config.overrides = args.work.overrides.or_embedded();
    })
    .await?;
    let farm = if watched.sample {
        farm.nest(SAMPLE_PATH, sample::serve::router(&sample::debian::tree(&Sample::home(&dir))))
    } else {
        farm
    };
    let site = Site::open(&site, Arc::new(SystemClock)).await?;
    greet(&farm.address, &watched, &majors, console);
    let shutdown = CancellationToken::new();
    let (coordinator, pages, desk) = (farm.coordinator.clone(), farm.pages.clone(), farm.desk.clone());
    let mut tasks = task::Tasks::new(shutdown.clone())?;
    tasks.spawn("the terminal", events::show(coordinator.clone(), console, shutdown.clone()));
    // It serves until the runner has given its jobs back.
    let served = CancellationToken::new();
    tasks.spawn("the web server", farm.serve(served.clone()));
    tasks.spawn("notifications", task::fallible(notify::run(desk, shutdown.clone())));
    tasks.spawn("the search index", task::until(shutdown.clone(), async move { dashboard::keep_index(&pages).await }));
    let imaging = Imaging::of(&site, console);
    let Offered { targets, jobs } =
        doctor::offer((&site, &runner_dir), (&imaging, &args.work), &majors, console).await?;
    let sample =
        watched.sample.then(|| Sample { dir, size: args.sample, imaging: imaging.clone(), target: targets[0] });
    let client = own_client(&coordinator, &address).await?.signing(Keys::open(&runner_dir)?);
    let agent = Agent::new(site, client, targets, imaging.ensure(), quiet_listener(console));
    let agent = agent.with_registry(&watched.url)?.renewing(imaging.renew());
    if args.until_idle {
        tasks
            .spawn("the wait for an idle farm", until_idle(coordinator.clone(), agent.offer.clone(), shutdown.clone()));
    }
    let stop = shutdown.clone();
    tasks.spawn("the coordinator", async move {
        if let Some(sample) = sample {
            sample.build(console, &stop).await?;
        }
        coordinator::run(coordinator, stop).await.map_err(Into::into)
    });
    tasks.spawn("the runner", async move {
        let ended = runner::work(agent, jobs, shutdown.clone()).await;
        // Also one that has drained ends the farm.
        shutdown.cancel();
        served.cancel();
        ended.map_err(Into::into)
    });
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

/// What speaks to the coordinator for the runner inside.
async fn own_client(coordinator: &Coordinator, address: &Url) -> Result<runner::Coordinator> {
    let name: Name = RUNNER.parse().context("read the local runner's name")?;
    let admitted = operate::own_runner(coordinator, &name).await?;
    Ok(runner::Coordinator::new(address, &admitted.token)?)
}

/// Asks for the end once the whole registry is read and nothing waits or runs, at two looks: by the second, the runner has heard that its last
/// report was taken, and the terminal of the verdict. What an earlier farm on the same data has read is not enough: there may be more by now, as
/// where the sample registry is still made.
async fn until_idle(coordinator: Coordinator, offer: Offer, shutdown: CancellationToken) -> Result<()> {
    let mut pause = tokio::time::interval(Duration::from_millis(500));
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let began = SystemClock.now();
    let mut was_idle = false;
    while !shutdown.is_cancelled() {
        pause.tick().await;
        let mut conn = coordinator.store().read().await?;
        let now = SystemClock.now();
        let targets = coordinator.targets(now);
        let watch = store::registry::current(&mut conn).await?;
        let is_read =
            watch.is_some_and(|watch| watch.polled_at.is_some_and(|at| at >= began) && watch.reconciled_at.is_some());
        // What waits for a major that this farm was asked for once, and no longer tests, waits for ever; so does what there is no image for.
        let failed = offer.failed();
        let is_waited_for = |target| targets.contains(target) && !failed.contains(target);
        let waits = store::queue::counts(&mut conn).await?.iter().any(|count| is_waited_for(&count.target));
        let is_idle = is_read && !waits && store::farm::counts(&mut conn, now).await?.running == 0;
        if is_idle && was_idle {
            shutdown.cancel();
        }
        was_idle = is_idle;
    }
    Ok(())
}
