//! What to test of a release, as a pure function of its META, the matrix and the day.
//!
//! - A release that is new in the registry is queued for every target as [`Priority::NewRelease`] if it is stable. One that its author
//!   calls testing or unstable is queued for the same targets, but as [`Priority::Backfill`]: it is worth a verdict, and not worth letting
//!   a user of a stable release wait.
//! - A release that only a comparison with the whole registry brought is old news, and is Backfill whatever it is.
//! - A major that META excludes gets its verdict, NA, without a run.
//! - What the farm's overrides leave out gets its verdict, ENV (skipped), without a run either: it is the farm that does not want to, and
//!   nothing is said about the release, so that NA, which is the author's own word, would be a lie.
//! - Of a burst of releases of one distribution only the highest version keeps its place among the new ones: see [`demoted`].

use pgxn::Meta;
use protocol::{Matrix, Overrides, PgMajor, Platform, Priority, Status, Target, Timestamp, Version};

use crate::{Error, Result};

/// Why a release is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is new in the registry.
    New,
    /// The comparison with the whole registry brought it.
    Backfill,
}

/// What to do about one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Test it.
    Queue {
        /// What to test it on.
        target: Target,
        /// How soon.
        priority: Priority,
    },
    /// Say NA without a run.
    NotApplicable {
        /// What it is not for.
        target: Target,
        /// What META says, for people.
        detail: String,
    },
    /// Say ENV without a run.
    Skip {
        /// What it is not tested on.
        target: Target,
        /// Why, for people.
        detail: String,
    },
}

/// The targets of a farm: what its matrix has and its operator wants.
#[derive(Clone, Debug)]
pub struct Scope {
    matrix: Matrix,
    majors: Vec<PgMajor>,
    platforms: Vec<Platform>,
}

impl Scope {
    /// Refuses majors that the matrix does not know; no majors at all mean those that are supported on the day.
    pub fn new(matrix: Matrix, majors: &[PgMajor], platforms: &[Platform]) -> Result<Self> {
        if let Some(unknown) = majors.iter().find(|major| matrix.get(**major).is_none()) {
            let known: Vec<String> = matrix.postgresql.iter().map(|entry| entry.major.to_string()).collect();
            return Err(Error::UnknownMajor { major: *unknown, known: known.join(", ") });
        }
        let mut majors = majors.to_vec();
        majors.sort_unstable_by(|left, right| right.cmp(left));
        majors.dedup();
        let platforms: Vec<Platform> =
            Platform::ALL.into_iter().filter(|p| platforms.contains(p) && matrix.platforms.contains(p)).collect();
        if platforms.is_empty() {
            return Err(Error::NoPlatform);
        }
        Ok(Self { matrix, majors, platforms })
    }

    /// Whether the matrix has a target, wanted or not.
    pub fn knows(&self, target: Target) -> bool {
        self.matrix.get(target.major).is_some() && self.matrix.platforms.contains(&target.platform)
    }

    /// Every target of the day, the newest major first.
    pub fn targets(&self, now: Timestamp) -> Vec<Target> {
        let majors = if self.majors.is_empty() { self.matrix.supported(now) } else { self.majors.clone() };
        majors
            .into_iter()
            .flat_map(|major| self.platforms.iter().map(move |platform| Target { major, platform: *platform }))
            .collect()
    }
}

/// What to do about a release on each of `targets`.
pub fn plan(meta: &Meta, why: Why, targets: &[Target], overrides: &Overrides) -> Vec<Plan> {
    let range = meta.postgres_range();
    let priority = priority(meta.status, why);
    let one = |target: &Target| {
        let target = *target;
        if !range.allows_postgres(target.major) {
            return Plan::NotApplicable { target, detail: format!("it asks for PostgreSQL {range}") };
        }
        match overrides.provision(&meta.name, &meta.version, target.major).skip {
            Some(detail) => Plan::Skip { target, detail },
            None => Plan::Queue { target, priority },
        }
    };
    targets.iter().map(one).collect()
}

/// How soon a release is tested.
pub const fn priority(status: Status, why: Why) -> Priority {
    match (status, why) {
        (Status::Stable, Why::New) => Priority::NewRelease,
        (Status::Testing | Status::Unstable, Why::New) | (_, Why::Backfill) => Priority::Backfill,
    }
}

/// Which of a distribution's releases that wait as new ones have to wait as Backfill: all but the highest version.
///
/// The highest, not the latest: where 2.0.1 and a correction 1.0.9 arrive together, 2.0.1 is what people ask for. A correction that
/// arrives when nothing newer waits keeps its place.
pub fn demoted<Id>(waiting: &[(Version, Id)]) -> impl Iterator<Item = &Id> {
    let highest = waiting.iter().map(|(version, _)| version).max();
    waiting.iter().filter(move |(version, _)| Some(version) != highest).map(|(_, id)| id)
}

#[cfg(test)]
mod tests;
