//! Flags of the commands that run releases: `runner` and `test`.

use std::path::PathBuf;

use clap::Args;
use protocol::PgMajor;
use url::Url;

use crate::args::limits::LimitArgs;
use crate::args::major::known_major;

#[derive(Debug, Args)]
pub(crate) struct RunnerArgs {
    /// The coordinator to work for
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_COORDINATOR")]
    pub(crate) coordinator: Url,

    /// The file that holds this runner's token, as `admin runners add` printed it
    #[arg(long, value_name = "FILE", env = "PGXN_TESTERS_TOKEN_FILE")]
    pub(crate) token_file: PathBuf,

    /// The directory for downloads
    #[arg(long, value_name = "DIR", default_value = "runner-data", env = "PGXN_TESTERS_RUNNER_DATA")]
    pub(crate) data_dir: PathBuf,

    /// The PostgreSQL majors to offer; by default every supported one
    #[arg(long, value_name = "MAJOR", value_delimiter = ',', value_parser = known_major)]
    pub(crate) pg: Vec<PgMajor>,

    /// How many runs go on at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// A directory with META.json, a zip archive, or a distribution as NAME or NAME@VERSION
    #[arg(value_name = "PATH|ZIP|DIST[@VERSION]")]
    pub(crate) what: String,

    /// The PostgreSQL majors to test on; by default the newest supported one and the one before
    #[arg(long, value_name = "MAJOR", value_delimiter = ',', value_parser = known_major)]
    pub(crate) pg: Vec<PgMajor>,

    /// The registry that has the distribution
    #[arg(long, value_name = "URL", default_value = crate::config::PUBLIC_REGISTRY, env = "PGXN_TESTERS_REGISTRY")]
    pub(crate) registry: Url,

    /// The directory to keep logs and diffs in; by default they are printed where a run failed, and not kept
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Print the verdicts as JSON to standard output
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// What stands below the options of `test --help`.
pub(crate) const TEST_HELP: &str = "\
Examples:
  pgxn-testers test .                          the distribution in this directory
  pgxn-testers test pgtap-1.3.4.zip --pg 16,17  an archive, on two majors
  pgxn-testers test pgtap@1.3.4 --pg 18        a release from the registry

Exit status:
  0  nothing failed
  1  at least one FAIL
  2  wrong usage
  3  the farm's side failed: ENV, BLOCKED or ERROR";
