//! `pgxn-testers runner`: lends this machine to a farm.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use protocol::SystemClock;
use runner::{Agent, Coordinator, Keys, Site};
use tokio_util::sync::CancellationToken;

use crate::agent::listener;
use crate::args::{RunnerArgs, RunnerCommand};
use crate::commands::doctor::{self, Offered};
use crate::commands::{control, join};
use crate::console::Console;
use crate::imaging::Imaging;
use crate::task;

pub(crate) async fn run(args: RunnerArgs, console: Console) -> Result<ExitCode> {
    if let Some(command) = args.command {
        return beside(command, console).await;
    }
    let known = told(&args)?;
    // Before an invitation is used: a machine that cannot work does not cost one.
    let (config, shares) = (args.work.site(args.data_dir.clone()), args.courtesy.shares());
    let site = Site::open(&config.with_shares(shares, args.courtesy.weight()), Arc::new(SystemClock)).await?;
    let courtesy = args.courtesy.courtesy(shares.disk_bytes(&args.data_dir)?);
    let keys = Keys::open(&args.data_dir)?;
    let shutdown = CancellationToken::new();
    let mut tasks = task::Tasks::new(shutdown.clone())?;
    let coordinator = match known {
        Some(coordinator) => coordinator,
        None => match join::member(&args.join, (&args.data_dir, &keys), (console, &shutdown)).await? {
            Some(member) => join::client(&member, &args.data_dir)?,
            None => return Ok(ExitCode::SUCCESS),
        },
    };
    let coordinator = coordinator.signing(keys);
    let imaging = Imaging::of(&site, console);
    let majors = args.work.majors.or_supported();
    let Offered { targets, jobs } =
        doctor::offer((&site, &args.data_dir), (&imaging, &args.work), &majors, console).await?;
    let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
    console.line(&format!("Working for {} on {}; {}", coordinator.url(), site.facts().engine, names.join(", ")));
    if let Some(hours) = &courtesy.hours {
        console.line(&format!("Takes work at {hours}, by the clock of this machine."));
    }
    let mut agent = Agent::new(site, coordinator, targets, imaging.ensure(), listener(console));
    agent = agent.with_courtesy(courtesy).renewing(imaging.renew());
    if let Some(registry) = &args.registry {
        agent = agent.with_registry(registry)?;
    }
    tasks.spawn("the runner", async move {
        let ended = runner::work(agent, jobs, shutdown.clone()).await;
        // One that has drained ends as one that was stopped.
        shutdown.cancel();
        ended.map_err(Into::into)
    });
    tasks.ended().await?;
    console.line("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// What is done beside a runner that works, or without one.
async fn beside(command: RunnerCommand, console: Console) -> Result<ExitCode> {
    match command {
        RunnerCommand::Control(command) => return control::run(command, console).await,
        RunnerCommand::Doctor(args) => return doctor::run(&args, console).await,
        RunnerCommand::Rotate { member, key } => join::rotate(&member, key, console).await?,
        RunnerCommand::Leave(member) => join::leave(&member, console).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes this process as nice as was asked; before it has threads, as each has a niceness of its own, and those that it starts have the same.
pub(crate) fn give_way(args: &RunnerArgs) {
    if args.command.is_none()
        && let Err(error) = rustix::process::setpriority_process(None, args.courtesy.nice())
    {
        tracing::warn!(%error, "could not give way to other programs");
    }
}

/// The coordinator that the command line names together with a token; none where the data directory has to know it.
fn told(args: &RunnerArgs) -> Result<Option<Coordinator>> {
    if args.token_file.is_some() && (args.join.join.is_some() || args.join.join_file.is_some()) {
        bail!("give either --join or --token-file: who joins gets a token of its own");
    }
    match (&args.coordinator, &args.token_file) {
        (Some(coordinator), Some(file)) => Ok(Some(Coordinator::new(coordinator, &token(file)?)?)),
        (None, Some(_)) => bail!("--token-file needs --coordinator, the address for which the token is"),
        // The environment of an operator may name a coordinator for `admin`.
        (_, None) => Ok(None),
    }
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
