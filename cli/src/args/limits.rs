//! The flags of what a run may use, shared by every command that makes runs.

use std::time::Duration;

use clap::Args;
use runner::WantedLimits;

/// What a run may use; the defaults suit nearly every extension.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Limits of a run")]
pub(crate) struct LimitArgs {
    /// How long one phase, such as the build, may take; by default 900
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    phase_timeout: Option<u64>,

    /// How long a phase may print nothing before it counts as hung; by default 300
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    silence: Option<u64>,

    /// Memory of a run with all its files, in MiB; by default 3072, or the share of a small machine
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(512..=1_048_576))]
    memory: Option<u64>,
}

impl From<&LimitArgs> for WantedLimits {
    fn from(args: &LimitArgs) -> Self {
        Self {
            memory_bytes: args.memory.map(|mib| mib * 1024 * 1024),
            phase: args.phase_timeout.map(Duration::from_secs),
            silence: args.silence.map(Duration::from_secs),
        }
    }
}
