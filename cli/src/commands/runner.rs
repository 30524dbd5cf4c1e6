//! `pgxn-testers runner`: lends this machine to a farm.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use protocol::{Clock, Matrix, SystemClock};
use runner::{Agent, Site, SiteConfig, native_targets};
use tokio_util::sync::CancellationToken;

use crate::agent::listener;
use crate::args::RunnerArgs;
use crate::console::Console;
use crate::imaging::Imaging;
use crate::task;

pub(crate) async fn run(args: RunnerArgs, console: Console) -> Result<ExitCode> {
    let token = token(&args.token_file)?;
    let clock = Arc::new(SystemClock);
    let majors = if args.pg.is_empty() { Matrix::embedded().supported(clock.now()) } else { args.pg.clone() };
    let site = SiteConfig::new(args.data_dir.clone(), args.jobs).with_limits((&args.limits).into());
    let site = Site::open(&site, clock).await?;
    let coordinator = runner::Coordinator::new(&args.coordinator, &token)?;
    let targets = native_targets(&majors);
    let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
    console.line(&format!("Working for {} on {}; {}", args.coordinator, site.facts().engine, names.join(", ")));
    let images = Imaging::new(site.place.engine.clone(), console).ensure();
    let agent = Agent::new(site, coordinator, targets, images, listener(console));
    let shutdown = CancellationToken::new();
    let mut tasks = task::Tasks::new(shutdown.clone())?;
    tasks.spawn("the runner", async move {
        runner::work(agent, args.jobs, shutdown).await;
        Ok(())
    });
    tasks.ended().await?;
    console.line("Stopped.");
    Ok(ExitCode::SUCCESS)
}

fn token(file: &std::path::Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!(
            "read the token in {}; `pgxn-testers admin runners add NAME` on the coordinator prints one",
            file.display()
        )
    })?;
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [token] => Ok(token.to_owned()),
        _ => bail!(
            "{} should hold one word, the token that `pgxn-testers admin runners add NAME` printed",
            file.display()
        ),
    }
}
