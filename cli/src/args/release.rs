//! Flags of the commands around a release: `bundle` and `majors`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    /// The directory of the distribution; by default the one that this directory belongs to
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,

    /// The directory to put the archive into, as NAME-VERSION.zip
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    pub(crate) output: PathBuf,

    /// Make nothing, but check an archive that is there
    #[arg(long, value_name = "ZIP", conflicts_with_all = ["path", "output"])]
    pub(crate) check: Option<PathBuf>,

    /// How to say what was found: for people, as JSON, or as annotations and outputs of a GitHub workflow
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// How findings are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct MajorsArgs {
    /// Only those that the META.json of this directory or archive admits
    #[arg(value_name = "PATH|ZIP")]
    pub(crate) path: Option<PathBuf>,

    /// Every one that there are images for, also those that the PostgreSQL project no longer maintains or has not released
    #[arg(long)]
    pub(crate) all: bool,

    /// As an array, which `strategy.matrix` takes by fromJSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What stands below the options of `bundle --help`.
pub(super) const BUNDLE_HELP: &str = "\
Of a git repository it takes what is committed, with its submodules, and leaves out what .gitattributes marks export-ignore. The same commit
gives the same bytes. Whether the version is greater than the last, and whose the extensions are, only the registry knows.

Exit status:
  0  the registry would take it, as far as can be told from here
  1  the registry would refuse it
  2  wrong usage";
