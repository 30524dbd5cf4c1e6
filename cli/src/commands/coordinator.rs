//! `pgxn-testers coordinator`: watch, plan, API and dashboard, for runners elsewhere.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::args::CoordinatorArgs;
use crate::console::{Colour, Console};
use crate::farm::{DataDir, Farm, WatchedRegistry, bind};
use crate::task;

pub(crate) async fn run(args: CoordinatorArgs, console: Console) -> Result<ExitCode> {
    let shutdown = CancellationToken::new();
    let dir = DataDir::open(&args.data.data_dir)?;
    let listener = bind(args.at.listen).await?;
    let registry = WatchedRegistry { url: args.registry.clone(), sample: false };
    let farm = Farm::open((&args.data, &dir), (listener, &args.at), registry, |config| {
        config.majors.clone_from(&args.majors.pg);
        config.platforms.clone_from(&args.platform);
        config.poll = Duration::from_secs(args.poll);
        config.lease = Duration::from_secs(args.lease);
        config.retries.pause = Duration::from_secs(args.retry_pause);
        // A lease that is over is not over for much longer than it lasted.
        config.expire_every = config.expire_every.min(config.lease / 3);
    })
    .await?;
    console.line(&format!("Watching {}", args.registry));
    console.line(&format!("Open {}", console.paint(Colour::Bold, farm.address.as_str())));
    let (coordinator, pages, desk) = (farm.coordinator.clone(), farm.pages.clone(), farm.desk.clone());
    let mut tasks = task::Tasks::new(shutdown.clone())?;
    tasks.spawn("the web server", farm.serve(shutdown.clone()));
    tasks.spawn("notifications", task::fallible(notify::run(desk, shutdown.clone())));
    tasks.spawn("the search index", task::until(shutdown.clone(), async move { dashboard::keep_index(&pages).await }));
    tasks.spawn("the coordinator", task::fallible(coordinator::run(coordinator.clone(), shutdown.clone())));
    tasks.spawn("the terminal", crate::events::show(coordinator, console, shutdown));
    tasks.ended().await?;
    console.line("Stopped.");
    Ok(ExitCode::SUCCESS)
}
