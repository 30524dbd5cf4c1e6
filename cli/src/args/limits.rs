//! The flags of what a run may use, shared by every command that makes runs.

use std::time::Duration;

use clap::Args;
use runner::WantedLimits;

/// What a run may use; the defaults suit nearly every extension.
///
/// What is said here also binds the overrides, by which some distributions get more memory or time than others.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Limits of a run")]
pub(crate) struct LimitArgs {
    /// Memory of a run with all its files, in MiB; by default 3072, or the share of a small machine
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(512..=1_048_576))]
    memory: Option<u64>,

    /// Processors of a run; by default those of the machine, divided by the runs at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    cpus: Option<u32>,

    /// Processes and threads of a run; by default 512
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=32_768))]
    processes: Option<u32>,

    /// How long one phase, such as the build, may take; by default 900
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    phase_timeout: Option<u64>,

    /// How long a whole run may take; by default 2700, or as long as a phase where that is longer
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=172_800))]
    run_timeout: Option<u64>,

    /// How long a phase may print nothing before it counts as hung; by default 300
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    silence: Option<u64>,

    /// What is kept of a phase's output, half of it its beginning and half its end, in kB; by default 5000
    #[arg(long, value_name = "KB", value_parser = clap::value_parser!(u32).range(16..=8_000))]
    log_size: Option<u32>,
}

impl From<&LimitArgs> for WantedLimits {
    fn from(args: &LimitArgs) -> Self {
        Self {
            memory_bytes: args.memory.map(|mib| mib * 1024 * 1024),
            cpus: args.cpus,
            pids: args.processes,
            phase: args.phase_timeout.map(Duration::from_secs),
            run: args.run_timeout.map(Duration::from_secs),
            silence: args.silence.map(Duration::from_secs),
            log_bytes: args.log_size.map(|kb| kb as usize * 1_000),
        }
    }
}
