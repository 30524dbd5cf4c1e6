//! The command line: every flag, its environment variable and its help in one place.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::{Name, PgMajor, Platform, Target, Version};
use url::Url;

mod limits;
mod major;

pub(crate) use limits::LimitArgs;
use major::known_major;

/// Builds and tests PostgreSQL extensions from the PGXN registry in sandboxed containers, and shows the verdicts.
#[derive(Debug, Parser)]
#[command(name = "pgxn-testers", version, propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole farm on this machine: coordinator, dashboard and one runner
    Up(UpArgs),
    /// Run a coordinator with its dashboard, for runners elsewhere
    Coordinator(CoordinatorArgs),
    /// Lend this machine to a farm: claim jobs, run them in containers, report
    Runner(RunnerArgs),
    /// Test one distribution here, in the same sandbox as the farm
    #[command(after_help = TEST_HELP)]
    Test(TestArgs),
    /// Build, list and check the container images
    #[command(subcommand)]
    Images(ImagesCommand),
    /// Operate a coordinator
    #[command(subcommand)]
    Admin(AdminCommand),
}

const TEST_HELP: &str = "\
Examples:
  pgxn-testers test .                          the distribution in this directory
  pgxn-testers test pgtap-1.3.4.zip --pg 16,17  an archive, on two majors
  pgxn-testers test pgtap@1.3.4 --pg 18        a release from the registry

Exit status:
  0  nothing failed
  1  at least one FAIL
  2  wrong usage
  3  the farm's side failed: ENV, BLOCKED or ERROR";

/// Where a coordinator keeps its state.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    /// The directory that holds all state: the database, logs, the sample registry
    #[arg(long, value_name = "DIR", default_value = "data", env = "PGXN_TESTERS_DATA")]
    pub(crate) data_dir: PathBuf,

    /// The database; by default SQLite in the data directory
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_DATABASE")]
    pub(crate) database: Option<Url>,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    /// The address of the dashboard and the API
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "PGXN_TESTERS_LISTEN")]
    pub(crate) listen: SocketAddr,

    /// The registry to watch; `sample` makes and serves one from Debian's archive
    ///
    /// By default the public registry, or the sample where that does not answer.
    #[arg(long, value_name = "URL|sample", env = "PGXN_TESTERS_REGISTRY")]
    pub(crate) registry: Option<RegistryChoice>,

    /// How much the sample registry holds
    #[arg(long, value_enum, default_value_t = SampleSize::Small)]
    pub(crate) sample: SampleSize,

    /// The PostgreSQL majors to test on; by default the newest supported one and the one before
    #[arg(long, value_name = "MAJOR", value_delimiter = ',', value_parser = known_major)]
    pub(crate) pg: Vec<PgMajor>,

    /// How many runs go on at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    /// Stop when nothing is queued or running any more
    #[arg(long)]
    pub(crate) until_idle: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CoordinatorArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    /// The address of the dashboard and the API
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "PGXN_TESTERS_LISTEN")]
    pub(crate) listen: SocketAddr,

    /// The registry to watch
    #[arg(long, value_name = "URL", default_value = crate::config::PUBLIC_REGISTRY, env = "PGXN_TESTERS_REGISTRY")]
    pub(crate) registry: Url,

    /// The PostgreSQL majors to test on; by default every supported one
    #[arg(long, value_name = "MAJOR", value_delimiter = ',', value_parser = known_major)]
    pub(crate) pg: Vec<PgMajor>,

    /// The platforms to test on
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',', default_value = "amd64")]
    pub(crate) platform: Vec<Platform>,

    /// How often the registry is asked for new releases, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) poll: u64,

    /// How long a runner's lease lasts, in seconds; it renews it every third of that
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(3..=86_400))]
    pub(crate) lease: u64,
}

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

#[derive(Debug, Subcommand)]
pub(crate) enum ImagesCommand {
    /// Build the images that are missing or whose recipe changed
    Build {
        /// The PostgreSQL majors; by default every supported one
        #[arg(long, value_name = "MAJOR", value_delimiter = ',', value_parser = known_major)]
        pg: Vec<PgMajor>,

        /// The platform; another than this machine's is emulated
        #[arg(long, value_name = "PLATFORM", default_value_t = Platform::native())]
        platform: Platform,
    },
    /// List the images: source, exact version, size, age
    List,
    /// Say which images are missing or out of date; exit 1 if any is
    Check {
        /// The PostgreSQL majors; by default every supported one
        #[arg(long, value_name = "MAJOR", value_delimiter = ',', value_parser = known_major)]
        pg: Vec<PgMajor>,
    },
}

/// How to reach a running coordinator.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    /// The coordinator; by default the one that was last started on the data directory
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_COORDINATOR")]
    pub(crate) coordinator: Option<Url>,

    /// The directory of its state, which holds the operator's token
    #[arg(long, value_name = "DIR", default_value = "data", env = "PGXN_TESTERS_DATA")]
    pub(crate) data_dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Compare the whole registry with the store and take in what is missing
    Reconcile(AdminArgs),
    /// Queue tests again
    Requeue {
        #[command(flatten)]
        admin: AdminArgs,

        /// The distribution, as NAME or NAME@VERSION; without a version its newest release
        #[arg(value_name = "DIST[@VERSION]")]
        what: DistSpec,

        /// The target; by default every one that was planned
        #[arg(long, value_name = "TARGET")]
        target: Vec<Target>,
    },
    /// Runners that may claim jobs
    #[command(subcommand)]
    Runners(RunnersCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunnersCommand {
    /// Let a runner in: prints its token once
    Add {
        #[command(flatten)]
        admin: AdminArgs,

        /// A name for the runner, shown on its runs
        name: Name,
    },
    /// List the runners
    List(AdminArgs),
    /// Take a runner's token away
    Revoke {
        #[command(flatten)]
        admin: AdminArgs,

        /// The runner's name
        name: Name,
    },
}

/// The registry that `up` watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegistryChoice {
    Sample,
    At(Url),
}

impl std::str::FromStr for RegistryChoice {
    type Err = url::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "sample" { Ok(Self::Sample) } else { text.parse().map(Self::At) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SampleSize {
    /// A dozen small extensions
    Small,
    /// Every extension that the project knows
    All,
}

/// A distribution, with or without a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DistSpec {
    pub(crate) dist: Name,
    pub(crate) version: Option<Version>,
}

impl std::str::FromStr for DistSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (dist, version) = match text.split_once('@') {
            Some((dist, version)) => (dist, Some(version)),
            None => (text, None),
        };
        Ok(Self {
            dist: dist.parse().map_err(|error| format!("{error}"))?,
            version: version.map(str::parse).transpose().map_err(|error| format!("{error}"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn majors_are_given_with_commas() {
        let cli = Cli::parse_from(["pgxn-testers", "test", ".", "--pg", "16,17"]);
        let Command::Test(args) = cli.command else { panic!("not `test`") };
        assert_eq!(args.pg.iter().map(|major| major.number()).collect::<Vec<_>>(), [16, 17]);
    }

    #[test]
    fn a_distribution_may_carry_a_version() {
        let spec: DistSpec = "pgTAP@1.3.4".parse().unwrap();
        assert_eq!((spec.dist.key().as_str(), spec.version.unwrap().as_str()), ("pgtap", "1.3.4"));
        assert!("../x".parse::<DistSpec>().is_err());
    }
}
