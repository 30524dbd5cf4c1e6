//! The flag of what runs do beyond the tests, shared by every command that makes runs.

use clap::{Args, ValueEnum};
use runner::Lanes;

/// What runs do beyond the tests.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct LaneArgs {
    /// What is tried beyond the tests, which only warns: updates from older versions, dump and restore, uninstalling
    #[arg(long, value_name = "WHICH", default_value = "all")]
    lanes: Which,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    All,
    None,
}

impl From<LaneArgs> for Lanes {
    fn from(args: LaneArgs) -> Self {
        match args.lanes {
            Which::All => Self::All,
            Which::None => Self::None,
        }
    }
}
