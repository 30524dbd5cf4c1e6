//! `pgxn-testers completions` and `pgxn-testers man`: what distributors and shells want of a program.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::console::Console;

/// Prints the script for a shell.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut std::io::stdout());
    ExitCode::SUCCESS
}

/// Writes a page for each command, and says where.
pub(crate) fn pages(dir: &Path, console: Console) -> Result<ExitCode> {
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    clap_mangen::generate_to(Cli::command(), dir).with_context(|| format!("write into {}", dir.display()))?;
    console.line(&format!("The pages are in {0}; `man {0}/pgxn-testers.1` shows the first.", dir.display()));
    Ok(ExitCode::SUCCESS)
}
