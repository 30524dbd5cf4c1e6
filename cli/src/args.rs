//! The command line: every flag, its environment variable and its help, in one file per kind of user.

use clap::{Parser, Subcommand};

mod courtesy;
mod doctor;
mod emulate;
mod farm;
mod join;
mod lanes;
mod limits;
mod major;
mod modes;
mod need;
mod notify;
mod operate;
mod overrides;
mod release;
mod run;
mod upload;
mod verify;

pub(crate) use courtesy::ControlCommand;
pub(crate) use doctor::DoctorArgs;
pub(crate) use emulate::EmulateArgs;
pub(crate) use farm::{CoordinatorArgs, DataArgs, ListenArgs, RegistryChoice, SampleSize, UpArgs};
pub(crate) use join::{AdmissionCommand, JoinArgs, Link, MemberArgs, RunnerCommand};
pub(crate) use modes::{Bisect, ShellAt};
pub(crate) use need::FailOn;
pub(crate) use notify::NotifyArgs;
pub(crate) use operate::{
    AdminArgs, AdminCommand, BenchCommand, DistSpec, FillArgs, ImagesCommand, OverridesCommand, QueueArgs,
    RunnersCommand, Since, SuggestArgs,
};
pub(crate) use release::{BundleArgs, Format, MajorsArgs};
pub(crate) use run::{RunnerArgs, TestArgs, WorkArgs};
pub(crate) use upload::{ScopeArgs, UploadArgs, UploadsCommand};
pub(crate) use verify::{Key, VerifyArgs};

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
    /// Lend this machine to a farm: join it, claim jobs, run them in containers, report
    #[command(after_help = join::RUNNER_HELP)]
    Runner(RunnerArgs),
    /// Test one distribution here, in the same sandbox as the farm
    #[command(after_help = run::TEST_HELP)]
    Test(TestArgs),
    /// Verify a signed report of a farm, without the farm
    #[command(after_help = verify::VERIFY_HELP)]
    Verify(VerifyArgs),
    /// Make the archive of a release as the registry wants it, and say what the registry would refuse
    #[command(after_help = release::BUNDLE_HELP)]
    Bundle(BundleArgs),
    /// Print the PostgreSQL majors that the project maintains today
    Majors(MajorsArgs),
    /// Build, list, check and carry the container images; other commands build what they need by themselves
    #[command(subcommand)]
    Images(ImagesCommand),
    /// Operate a running coordinator: its runners, its queue
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Print a script that completes this program's command line, for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual's pages, one for each command
    Man {
        /// The directory to write them into
        #[arg(value_name = "DIR")]
        dir: std::path::PathBuf,
    },
    /// Measure what testing costs beside the tests themselves, and make up a farm to measure pages with
    #[command(subcommand)]
    Bench(BenchCommand),
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
        assert_eq!(args.majors.pg.iter().map(|major| major.number()).collect::<Vec<_>>(), [16, 17]);
    }

    #[test]
    fn a_distribution_may_carry_a_version() {
        let spec: DistSpec = "pgTAP@1.3.4".parse().unwrap();
        assert_eq!((spec.dist.key().as_str(), spec.version.unwrap().as_str()), ("pgtap", "1.3.4"));
        assert!("../x".parse::<DistSpec>().is_err());
    }
}
