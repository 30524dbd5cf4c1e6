//! The flags by which `test` does more than test once.

use std::str::FromStr;

use clap::Args;
use protocol::Phase;

/// More than a test.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "More than a test")]
pub(crate) struct ModeArgs {
    /// Test again whenever a file of the directory has changed, in the same sandbox, so that make builds only what has changed; until Ctrl-C
    #[arg(long, conflicts_with_all = ["shell", "bisect_pg", "update_expected", "propose_meta"])]
    pub(crate) watch: bool,

    /// Where a phase fails, open a shell in its sandbox: the run's user, environment and server, no network. With a phase (configure,
    /// build, install, create, installcheck), stop after that one although it passed. Tests on one PostgreSQL
    #[arg(
        long,
        value_name = "PHASE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "failing",
        conflicts_with_all = ["bisect_pg", "propose_meta"]
    )]
    pub(crate) shell: Option<ShellAt>,

    /// Find the first PostgreSQL on which it fails, or no longer does, among those of --pg, or all supported that its META admits. Tests as few as
    /// it can, which is right where it turns once; with `every`, tests all and tells every turn
    #[arg(
        long,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "halve",
        conflicts_with_all = ["update_expected", "propose_meta"]
    )]
    pub(crate) bisect_pg: Option<Bisect>,

    /// Fetch nothing and build no image: test with what is here, or say what is missing and what brings it (exit status 4)
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Where a shell is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShellAt {
    /// Where a phase fails.
    Failing,
    /// There, and after a phase that has passed.
    After(Phase),
}

impl ShellAt {
    const PHASES: [Phase; 5] = [Phase::Configure, Phase::Build, Phase::Install, Phase::Create, Phase::Installcheck];

    /// The phase after which the run stops.
    pub(crate) const fn after(self) -> Option<Phase> {
        match self {
            Self::Failing => None,
            Self::After(phase) => Some(phase),
        }
    }
}

impl FromStr for ShellAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "failing" {
            return Ok(Self::Failing);
        }
        let found = Self::PHASES.into_iter().find(|phase| phase.as_str() == text);
        let names = Self::PHASES.map(Phase::as_str).join(", ");
        found.map(Self::After).ok_or_else(|| format!("no shell can be opened after `{text}`; choose from {names}"))
    }
}

/// How many majors are tested to find a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bisect {
    /// As few as it takes where there is one turn
    Halve,
    /// All of them
    Every,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_opened_where_something_of_the_distribution_runs() {
        assert_eq!("failing".parse(), Ok(ShellAt::Failing));
        assert_eq!("build".parse(), Ok(ShellAt::After(Phase::Build)));
        let refused = "fetch".parse::<ShellAt>().unwrap_err();
        assert_eq!(
            refused,
            "no shell can be opened after `fetch`; choose from configure, build, install, create, installcheck"
        );
    }
}
