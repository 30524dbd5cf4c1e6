//! Why what a distribution needs cannot be had; every sentence names the things, and who asks for them.

use protocol::{Name, PgMajor, PostgresRange, Reason, Version};

/// Why there is no plan.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing has it.
    #[error("{by} needs {name}, which neither the server ships nor the registry has")]
    Unknown {
        /// What.
        name: Name,
        /// Who asks.
        by: Name,
    },
    /// A language that the image lacks, and the registry too.
    #[error("{by} needs the language {name}")]
    Language {
        /// The language.
        name: Name,
        /// Who asks.
        by: Name,
    },
    /// Something has it, but in no version that is asked for.
    #[error("no release of {name} fits what is asked for: {asked}; the newest is {newest}")]
    NoRelease {
        /// What.
        name: Name,
        /// Every range and who asks for it.
        asked: String,
        /// The newest of the versions that there are.
        newest: Version,
    },
    /// Extensions that one distribution provides, but no one release of it in the versions that are asked for.
    #[error("no release of {dist} has all of what is asked for: {asked}")]
    NoCommonRelease {
        /// The distribution.
        dist: Name,
        /// Every name with its ranges and who asks for them.
        asked: String,
    },
    /// The releases that fit exclude the server's major.
    #[error("{dist} {version} does not support PostgreSQL {major}: it asks for {range}")]
    Excluded {
        /// The distribution.
        dist: Name,
        /// Its newest release that fits otherwise.
        version: Version,
        /// The server's major.
        major: PgMajor,
        /// What it supports.
        range: PostgresRange,
    },
    /// The releases that fit say nothing that can be used.
    #[error("{dist} {version} cannot be used: {why}")]
    Unusable {
        /// The distribution.
        dist: Name,
        /// The release.
        version: Version,
        /// What is wrong with it.
        why: String,
    },
    /// Something needs itself.
    #[error("{} need each other", path(.0))]
    Cycle(Vec<Name>),
    /// More than a run provides.
    #[error("it needs more than {limit} {what}")]
    TooMuch {
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// Each choice excludes another one.
    #[error("the ranges of {} exclude each other", list(.0))]
    Unsettled(Vec<Name>),
    /// There is nowhere to look.
    #[error("it needs {name}, and there is no registry to find it in")]
    NoRegistry {
        /// What.
        name: Name,
    },
}

impl Refusal {
    /// The reason of a run that ends so.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Unknown { .. } | Self::NoRegistry { .. } => Reason::PrerequisiteMissing,
            Self::Language { .. } => Reason::MissingLanguage,
            Self::Excluded { .. } | Self::Unusable { .. } => Reason::PrerequisiteFailed,
            Self::NoRelease { .. }
            | Self::NoCommonRelease { .. }
            | Self::Cycle(_)
            | Self::TooMuch { .. }
            | Self::Unsettled(_) => Reason::PrerequisitesUnresolvable,
        }
    }

    /// What is not there because of it, where that is one thing.
    pub(crate) fn missing(&self) -> Option<&Name> {
        match self {
            Self::Unknown { name, .. }
            | Self::Language { name, .. }
            | Self::NoRelease { name, .. }
            | Self::NoRegistry { name } => Some(name),
            Self::NoCommonRelease { dist, .. } | Self::Excluded { dist, .. } | Self::Unusable { dist, .. } => {
                Some(dist)
            }
            Self::Cycle(_) | Self::TooMuch { .. } | Self::Unsettled(_) => None,
        }
    }
}

fn path(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(" → ")
}

fn list(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}
