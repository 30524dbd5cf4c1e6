//! Flags of `runner doctor`.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::args::emulate::EmulateArgs;

/// What the runner would be started with, and what is to be done about it.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Set up the emulation of arm64: installs qemu-user and has the kernel call it; needs root, and says what it does before
    #[arg(long)]
    pub(crate) fix: bool,

    /// Print what was found as JSON, to standard output
    #[arg(long)]
    pub(crate) json: bool,

    /// The coordinator to reach; by default the one whose farm this runner has joined
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_COORDINATOR")]
    pub(crate) coordinator: Option<Url>,

    /// The registry to reach
    #[arg(long, value_name = "URL", default_value = crate::config::PUBLIC_REGISTRY, env = "PGXN_TESTERS_REGISTRY")]
    pub(crate) registry: Url,

    /// The directory of the runner
    #[arg(long, value_name = "DIR", default_value = "runner-data", env = "PGXN_TESTERS_RUNNER_DATA")]
    pub(crate) data_dir: PathBuf,

    /// How many tests are to run at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,

    #[command(flatten)]
    pub(crate) emulate: EmulateArgs,
}

/// What stands below the options of `runner doctor --help`.
pub(crate) const DOCTOR_HELP: &str = "\
Every limit is tried in a container that wants more than it may have. Where no image is there yet, a small one is made first.

Exit status:
  0  all that was asked for can be offered; there may be warnings
  1  something takes from the offer, as the lines that say `fails` tell";
