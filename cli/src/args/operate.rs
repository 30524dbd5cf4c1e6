//! Flags of the operator's commands: `images`, `admin` and `bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use protocol::{Name, Platform, Target, Timestamp, Version};
use url::Url;

use crate::args::farm::DataArgs;
use crate::args::join::{AdmissionCommand, time};
use crate::args::lanes::LaneArgs;
use crate::args::major::MajorArgs;
use crate::args::overrides::OverrideArgs;
use crate::args::upload::UploadsCommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ImagesCommand {
    /// Build the images that are missing or were made by another version of this program
    Build {
        #[command(flatten)]
        majors: MajorArgs,

        /// The platform, amd64 or arm64; another than this machine's is emulated
        #[arg(long, value_name = "PLATFORM", default_value_t = Platform::native())]
        platform: Platform,

        /// Make those anew that are there already: from a base image and with packages of today
        #[arg(long)]
        anew: bool,
    },
    /// List the images: source, exact version, size, age
    List,
    /// Say which images are missing or out of date; exit 1 if any is
    Check {
        #[command(flatten)]
        majors: MajorArgs,
    },
    /// Print what a cache may keep this machine's images under: it changes with what they are made of, and every week
    Key {
        #[command(flatten)]
        majors: MajorArgs,
    },
    /// Write the images that are there into a file, compressed by zstd
    Save {
        /// The file
        file: PathBuf,

        #[command(flatten)]
        majors: MajorArgs,
    },
    /// Take images in that `save` wrote
    Load {
        /// The file
        file: PathBuf,
    },
}

/// How to reach a running coordinator.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    /// The coordinator; by default the one that was last started on the data directory
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_COORDINATOR")]
    pub(crate) coordinator: Option<Url>,

    /// The coordinator's data directory, which holds the operator's token
    #[arg(long, value_name = "DIR", default_value = "data", env = "PGXN_TESTERS_DATA")]
    pub(crate) data_dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Compare the whole registry with what the farm knows, and take in what is missing
    Reconcile(AdminArgs),
    /// Test a release again
    Requeue {
        #[command(flatten)]
        admin: AdminArgs,

        /// The distribution, as NAME or NAME@VERSION; without a version its newest release
        #[arg(value_name = "DIST[@VERSION]")]
        what: DistSpec,

        /// Only that PostgreSQL on that platform, such as pg17-amd64; may be given more than once
        #[arg(long, value_name = "TARGET")]
        target: Vec<Target>,
    },
    /// Have runners make their images anew, with the packages of today, such as when a minor release of PostgreSQL is out
    ///
    /// Each runner hears of it with its next claim, and does so beside its work, twice a day at most. Images that are younger stay.
    RenewImages(AdminArgs),
    /// What releases need beyond the plain image
    #[command(subcommand)]
    Overrides(OverridesCommand),
    /// Let runners in, list them, shut them out
    #[command(subcommand)]
    Runners(RunnersCommand),
    /// Let maintainers' own CI send in what it finds of trees that are not released, which the pages show apart
    #[command(subcommand)]
    Uploads(UploadsCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum OverridesCommand {
    /// Propose entries for images/overrides.toml from what results miss: the Debian package that has it
    ///
    /// What the packages hold is asked of Debian's archive once for each suite and kept in the data directory, below `contents`.
    Suggest(SuggestArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SuggestArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunnersCommand {
    /// Let a runner in; its token is printed, once, to standard output
    Add {
        #[command(flatten)]
        admin: AdminArgs,

        /// A name for the runner, shown on its runs
        name: Name,
    },
    #[command(flatten)]
    Admission(AdmissionCommand),
    /// List the runners, and why one is in quarantine
    List(AdminArgs),
    /// Give a runner no more work, and withdraw what it found: no page, feed, badge or number shows it, and others test that again
    ///
    /// `release` takes all of that back.
    Quarantine {
        #[command(flatten)]
        admin: AdminArgs,

        /// The runner's name
        name: Name,

        /// Why, for its volunteer and for other operators
        #[arg(long, value_name = "TEXT", default_value = "an operator said so")]
        reason: String,

        /// Withdraw only what it began since then, such as 2026-11-20 or 2026-11-20T08:00:00Z, or so long ago, such as 12h or 7d; by default all
        #[arg(long, value_name = "TIME")]
        since: Option<Since>,
    },
    /// Give a runner work again: its results count again, and what others made of them before is forgotten
    Release {
        #[command(flatten)]
        admin: AdminArgs,

        /// The runner's name
        name: Name,
    },
    /// Shut a runner out: its token is no longer taken, and what it found is withdrawn and tested again
    ///
    /// Who is shut out is not believed: so results that are to stay take a word more. Where one leaves by itself (`runner leave`), they stay.
    Revoke {
        #[command(flatten)]
        admin: AdminArgs,

        /// The runner's name
        name: Name,

        /// Let what it found count as before, such as of a machine that is only scrapped
        #[arg(long)]
        keep_results: bool,
    },
}

/// A moment, or a time before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// At a moment.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
        if let Some(at) = Timestamp::parse_rfc3339(text).or_else(day) {
            return Ok(Self::At(at));
        }
        let wrong =
            |_| "write a day, a moment or how long ago, such as 2026-11-20, 2026-11-20T08:00:00Z, 12h or 7d".to_owned();
        time(text).map(Self::Ago).map_err(wrong)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Compare the time of a run with that of the same commands typed by hand in a warm container
    #[command(mut_arg(MajorArgs::ID, |arg| arg.help(MajorArgs::NEWEST)))]
    Overhead {
        /// Directories with META.json, zip archives, or distributions as NAME or NAME@VERSION
        #[arg(value_name = "PATH|ZIP|DIST[@VERSION]", required = true)]
        what: Vec<String>,

        #[command(flatten)]
        majors: MajorArgs,

        /// How many times each is measured, either way
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
        times: u32,

        #[command(flatten)]
        lanes: LaneArgs,

        /// The registry that has the distributions
        #[arg(long, value_name = "URL", default_value = crate::config::PUBLIC_REGISTRY, env = "PGXN_TESTERS_REGISTRY")]
        registry: Url,
    },
    /// Make up a farm of many years in an empty data directory: a registry, releases on every target, results; to see how pages do with it
    Fill(FillArgs),
    /// Have runners claim jobs and report them as fast as they can, from queues of several lengths in an empty data directory
    ///
    /// Nothing is tested: each runner asks for a job over HTTP and reports at once, without files, what a fill makes up. It is served from this process.
    Queue(QueueArgs),
}

/// What `bench queue` measures.
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    /// How many jobs wait, one table for each
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) jobs: Vec<u64>,

    /// How many runners ask at a time, one row for each
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 8, 64])]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) runners: Vec<u16>,

    /// For how many seconds each row is measured
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,

    /// How many pairs of a claim and a report are begun a second, spread over the runners; without it, each runner begins one as the other ends
    ///
    /// A claim's time then counts from when it was due, so that one that has to wait for those before it is no faster than it was.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: Option<u32>,
}

/// What `bench fill` makes.
#[derive(Debug, Args)]
pub(crate) struct FillArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    /// How many results, about
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) results: u64,

    /// How many distributions
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    pub(crate) dists: u16,

    /// How many releases they have together
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    pub(crate) releases: u16,

    /// What chance follows from: the same again makes the same farm
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
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
