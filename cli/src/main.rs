//! The `pgxn-testers` binary: reads the command line, wires the parts together, and turns the outcome into an exit code.

mod agent;
mod args;
mod commands;
mod config;
mod console;
mod events;
mod farm;
mod fault;
mod http;
mod imaging;
mod membership;
mod notices;
mod registry;
mod sample_registry;
mod signal;
mod task;
mod terminal;
mod workflow;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command};
use crate::console::{Colour, Console, Diagnostics};

/// The system's allocator keeps what a burst of work on many threads took: images, archives and pages of hours ago. This one gives it back, and
/// needs no more than that one while there is none.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    http::install_crypto();
    let console = Console::stderr(config::no_color());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(config::log_filter()).unwrap_or_else(|_| EnvFilter::new("warn")))
        .with_writer(|| Diagnostics)
        .with_ansi(false)
        .init();
    if let Command::Runner(args) = &cli.command {
        commands::runner::give_way(args);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(console, &anyhow::Error::new(error).context("start the runtime")),
    };
    let code = match runtime.block_on(run(cli.command, console)) {
        Ok(code) => code,
        Err(error) => fail(console, &error),
    };
    // What still runs, such as a removal that hangs, must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code
}

async fn run(command: Command, console: Console) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up(args) => commands::up::run(args, console).await,
        Command::Coordinator(args) => commands::coordinator::run(args, console).await,
        Command::Runner(args) => commands::runner::run(args, console).await,
        Command::Test(args) => Box::pin(commands::test::run(args, console)).await,
        Command::Bundle(args) => commands::bundle::run(&args, console),
        Command::Majors(args) => commands::majors::run(&args, console),
        Command::Verify(args) => commands::verify::run(&args, console),
        Command::Images(command) => commands::images::run(command, console).await,
        Command::Admin(command) => commands::admin::run(command, console).await,
        Command::Completions { shell } => Ok(commands::manual::completions(shell)),
        Command::Man { dir } => commands::manual::pages(&dir, console),
        Command::Bench(command) => Box::pin(commands::bench::run(command, console)).await,
    }
}

/// Says what went wrong, on one line with its causes. 3 means that the farm's side failed; 2, wrong usage, is clap's.
fn fail(console: Console, error: &anyhow::Error) -> ExitCode {
    console.line(&format!("{} {}", console.paint(Colour::Red, "error:"), fault::sentence(error)));
    ExitCode::from(3)
}
