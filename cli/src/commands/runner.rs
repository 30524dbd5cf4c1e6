//! `pgxn-testers runner`: lends this machine to a farm.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use protocol::SystemClock;
use runner::{Agent, Site};
use tokio_util::sync::CancellationToken;

use crate::agent::listener;
use crate::args::RunnerArgs;
use crate::console::Console;
use crate::imaging::Imaging;
use crate::task;

pub(crate) async fn run(args: RunnerArgs, console: Console) -> Result<ExitCode> {
    let token = token(&args.token_file)?;
    let site = Site::open(&args.work.site(args.data_dir.clone()), Arc::new(SystemClock)).await?;
    let coordinator = runner::Coordinator::new(&args.coordinator, &token)?;
    let imaging = Imaging::of(&site, console);
    let targets = imaging.targets(&args.work.majors.or_supported()).await?;
    let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
    console.line(&format!("Working for {} on {}; {}", args.coordinator, site.facts().engine, names.join(", ")));
    let agent = Agent::new(site, coordinator, targets, imaging.ensure(), listener(console));
    let shutdown = CancellationToken::new();
    let mut tasks = task::Tasks::new(shutdown.clone())?;
    tasks.spawn("the runner", async move { runner::work(agent, args.work.jobs, shutdown).await.map_err(Into::into) });
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
