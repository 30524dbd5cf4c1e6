//! Flags of the commands that run releases: `runner` and `test`, and what the runner inside `up` shares with them.

use std::path::PathBuf;

use clap::Args;
use protocol::Platform;
use runner::SiteConfig;
use url::Url;

use crate::args::courtesy::CourtesyArgs;
use crate::args::emulate::{EmulateArgs, emulated};
use crate::args::join::{JoinArgs, RunnerCommand};
use crate::args::lanes::LaneArgs;
use crate::args::limits::LimitArgs;
use crate::args::major::MajorArgs;
use crate::args::modes::ModeArgs;
use crate::args::need::{FailOn, NeedArgs};
use crate::args::overrides::OverrideArgs;
use crate::args::upload::UploadArgs;
use crate::commands::test::Wanted;

/// What a runner works on, and how much of this machine it takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkArgs {
    #[command(flatten)]
    pub(crate) majors: MajorArgs,

    /// How many tests run at the same time, which share the machine
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,

    #[command(flatten)]
    pub(crate) emulate: EmulateArgs,

    #[command(flatten)]
    lanes: LaneArgs,

    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

impl WorkArgs {
    /// Where and by what runs are made, with all files in that directory.
    pub(crate) fn site(&self, data_dir: PathBuf) -> SiteConfig {
        let config = SiteConfig::new(data_dir, self.jobs).with_overrides(self.overrides.or_embedded());
        config.with_limits((&self.limits).into()).with_lanes(self.lanes.into())
    }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RunnerArgs {
    #[command(subcommand)]
    pub(crate) command: Option<RunnerCommand>,

    #[command(flatten)]
    pub(crate) join: JoinArgs,

    /// The address of the coordinator to work for, together with --token-file; a runner that has joined knows it
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_COORDINATOR")]
    pub(crate) coordinator: Option<Url>,

    /// The file that holds this runner's token: what `pgxn-testers admin runners add NAME` printed
    #[arg(long, value_name = "FILE", env = "PGXN_TESTERS_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Test releases of this registry alone, wherever it is: another machine of a private network, or a directory (`file:///srv/pgxn`). Without
    /// it, releases of whatever registry the coordinator names, if that is on the internet or at the coordinator's own address
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_REGISTRY")]
    pub(crate) registry: Option<Url>,

    /// The directory for the runner's token and what it downloads and unpacks
    #[arg(long, value_name = "DIR", default_value = "runner-data", env = "PGXN_TESTERS_RUNNER_DATA")]
    pub(crate) data_dir: PathBuf,

    #[command(flatten)]
    pub(crate) work: WorkArgs,

    #[command(flatten)]
    pub(crate) courtesy: CourtesyArgs,
}

#[derive(Debug, Args)]
#[command(mut_arg(MajorArgs::ID, |arg| arg.help(MajorArgs::NEWEST_TWO)))]
pub(crate) struct TestArgs {
    /// A directory of a distribution, a zip archive, or a distribution as NAME or NAME@VERSION; by default the one that this directory belongs to
    #[arg(value_name = "PATH|ZIP|DIST[@VERSION]")]
    pub(crate) what: Option<String>,

    #[command(flatten)]
    pub(crate) majors: MajorArgs,

    /// Test on this platform instead of this machine's, emulated by qemu-user: arm64 on amd64; far slower, with 24 times the time
    #[arg(long, value_name = "PLATFORM", value_parser = emulated)]
    pub(crate) emulate: Option<Platform>,

    /// How many PostgreSQL majors are tested at the same time, which share the machine
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,

    /// The registry that has the distribution
    #[arg(long, value_name = "URL", default_value = crate::config::PUBLIC_REGISTRY, env = "PGXN_TESTERS_REGISTRY")]
    pub(crate) registry: Url,

    /// The directory to keep logs and diffs in; by default they are printed where a run failed, and not kept
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Report for others: json, junit, markdown or github (annotations, and the job's summary and outputs where GitHub
    /// names their files); to standard output, or to FILE. May be given more than once
    #[arg(long, value_name = "FORMAT[=FILE]")]
    pub(crate) report: Vec<Wanted>,

    /// Where outputs are not what was expected, make them what is expected from now on: look at the difference first
    #[arg(long)]
    pub(crate) update_expected: bool,

    /// The grades that make this end as failed, such as FAIL,UNTESTED; or never
    #[arg(long, value_name = "GRADES", default_value = FailOn::USUAL)]
    pub(crate) fail_on: FailOn,

    #[command(flatten)]
    pub(crate) need: NeedArgs,

    /// Test nothing, but print a META.json to begin with, from what the source says of itself
    #[arg(long)]
    pub(crate) propose_meta: bool,

    #[command(flatten)]
    pub(crate) lanes: LaneArgs,

    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,

    #[command(flatten)]
    pub(crate) modes: ModeArgs,

    #[command(flatten)]
    pub(crate) upload: UploadArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// What stands below the options of `test --help`.
pub(crate) const TEST_HELP: &str = "\
Examples:
  pgxn-testers test                             the distribution that this directory belongs to
  pgxn-testers test pgtap-1.3.4.zip --pg 16,17  an archive, on two majors
  pgxn-testers test pgtap@1.3.4 --pg 18         a release from the registry
  pgxn-testers test --report junit=tests.xml    the same for a CI server
  pgxn-testers test --pg 17,18 --jobs 2         two at a time, with a line for each
  pgxn-testers test --watch --lanes none        again whenever a file changes, building only that
  pgxn-testers test --shell                     a shell in the sandbox where it fails
  pgxn-testers test --shell=build --pg 18       a shell after the build
  echo 'cat build.log' | pgxn-testers test --shell
                                                the same without a terminal
  pgxn-testers test --bisect-pg                 the first major on which it fails, or no longer does
  pgxn-testers test --bisect-pg --pg 15,16,17   the same among these
  pgxn-testers test --upload https://farm.example/
                                                tell a farm, which shows it apart
  pgxn-testers test --offline                   with the images and prerequisites that are here

Exit status:
  0  nothing failed, as --fail-on has it; with --bisect-pg, also where it was found where it turns
  1  at least one FAIL; with --bisect-pg, on the first major and on the last
  2  wrong usage
  3  no verdict, as something is missing or broken here: ENV, BLOCKED or ERROR
  4  the same with --offline, as something that is needed is not on this machine
  130  ended by Ctrl-C, as --watch always is";
