//! The flags by which `test` tells a farm, and the operator's commands that let it.

use clap::{Args, Subcommand};
use protocol::{Name, UploadTokenId};
use url::Url;

use crate::args::operate::AdminArgs;

/// What is told to a farm of a test.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Telling a farm")]
pub(crate) struct UploadArgs {
    /// Send the verdicts, each with the lines that decided, to this farm, which shows them apart from what it found itself. What lets you is an upload
    /// token of the farm's operator, in the environment variable `PGXN_TESTERS_UPLOAD_TOKEN`
    #[arg(long, value_name = "URL", conflicts_with_all = ["watch", "shell", "bisect_pg", "offline", "propose_meta"])]
    pub(crate) upload: Option<Url>,

    /// The commit that is tested, for --upload
    #[arg(long, value_name = "HASH", env = "GITHUB_SHA")]
    pub(crate) commit: Option<String>,

    /// The branch or tag that the commit was found by, for --upload
    #[arg(long = "ref", value_name = "REF", env = "GITHUB_REF")]
    pub(crate) git_ref: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UploadsCommand {
    /// Let a maintainer's CI send in what it finds, for a year; the token is printed, once, to standard output
    Grant {
        #[command(flatten)]
        admin: AdminArgs,

        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// List the tokens that can still be used
    List(AdminArgs),
    /// Take a token back, and remove what came by it
    Revoke {
        #[command(flatten)]
        admin: AdminArgs,

        /// The token, as `grant` and `list` name it
        id: UploadTokenId,

        /// Leave what came by it, such as where a token is only replaced
        #[arg(long)]
        keep_reports: bool,
    },
}

/// What an upload token is for.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ScopeArgs {
    /// For one distribution
    #[arg(long, value_name = "NAME")]
    pub(crate) dist: Option<Name>,

    /// For all distributions whose latest release on the farm this user uploaded, as long as that is so
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<Name>,
}
