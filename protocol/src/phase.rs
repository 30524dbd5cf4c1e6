//! The phases of a run, in order, and how one can end.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A phase of a run. The order of the variants is the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The archive is downloaded from the registry.
    Fetch,
    /// Its digest is compared with the release's own META.json.
    Verify,
    /// It is checked and unpacked.
    Unpack,
    /// META.json is read; here a release that does not support the target ends.
    Metadata,
    /// What has to be there before is provided; the network ends here.
    Dependencies,
    /// `./configure`, where there is one.
    Configure,
    /// `make all`.
    Build,
    /// `make install`.
    Install,
    /// `CREATE EXTENSION` of everything that META provides.
    Create,
    /// The distribution's own tests: `pg_regress`, isolation, TAP, pgTAP.
    Installcheck,
    /// Updates along the published paths; a lane that only warns.
    Upgrade,
    /// A database that has it is dumped and restored; a lane that only warns.
    Reload,
    /// `DROP EXTENSION` and `make uninstall`; a lane that only warns.
    Uninstall,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 13] = [
        Self::Fetch,
        Self::Verify,
        Self::Unpack,
        Self::Metadata,
        Self::Dependencies,
        Self::Configure,
        Self::Build,
        Self::Install,
        Self::Create,
        Self::Installcheck,
        Self::Upgrade,
        Self::Reload,
        Self::Uninstall,
    ];

    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Verify => "verify",
            Self::Unpack => "unpack",
            Self::Metadata => "metadata",
            Self::Dependencies => "dependencies",
            Self::Configure => "configure",
            Self::Build => "build",
            Self::Install => "install",
            Self::Create => "create",
            Self::Installcheck => "installcheck",
            Self::Upgrade => "upgrade",
            Self::Reload => "reload",
            Self::Uninstall => "uninstall",
        }
    }

    /// What happens in it, as a sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Fetch => "The archive is downloaded from the registry.",
            Self::Verify => "The archive's digest is compared with the one that the registry states.",
            Self::Unpack => "The archive is checked and unpacked.",
            Self::Metadata => "META.json is read; a release that does not support the target ends here.",
            Self::Dependencies => "What has to be there before is provided; the network ends here.",
            Self::Configure => "`./configure` runs, where there is one.",
            Self::Build => "`make all` runs.",
            Self::Install => "`make install` runs.",
            Self::Create => "CREATE EXTENSION runs for everything that META.json provides.",
            Self::Installcheck => "The distribution's own tests run: pg_regress, isolation, TAP, pgTAP.",
            Self::Upgrade => "ALTER EXTENSION UPDATE runs along the published paths.",
            Self::Reload => "A database that has the extension is dumped and restored.",
            Self::Uninstall => "DROP EXTENSION and `make uninstall` run, and what they leave behind is looked for.",
        }
    }

    /// Whether it can only warn: it never changes a grade.
    pub const fn only_warns(self) -> bool {
        matches!(self, Self::Upgrade | Self::Reload | Self::Uninstall)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text).ok_or_else(|| format!("`{text}` is not a phase"))
    }
}

/// How a phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// It did not, and the run's verdict says why; of a lane beyond installcheck, the report's warnings do.
    Failed,
    /// There was nothing to do, such as no `configure` script.
    Skipped,
}

impl Outcome {
    /// The word used in code, database, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Passed, Self::Failed, Self::Skipped]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not an outcome"))
    }
}
