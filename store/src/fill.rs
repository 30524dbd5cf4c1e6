//! Fills a store that has nothing but releases with the past of a busy farm, so that pages can be measured as they will be in years:
//! `pgxn-testers bench fill`.
//!
//! What stands of each job is made as a report is (`story.rs`), and written by what writes reports, with its phases, tests and files. The past
//! before it is copied from that in the database itself, a round of all jobs a statement, with a few that ended otherwise: without phases
//! and tests, of which only the page of one run reads. Indexes are made after the rows, which takes a tenth of the time; a fill
//! that was interrupted leaves a store to throw away.
//!
//! Everything follows from the seed and the releases.

use protocol::{JobId, Name, ReleaseId, RunId, Target, Timestamp, Version};

use crate::{Blobs, Conn, Result, Store};

mod dice;
mod indexes;
mod past;
mod present;
mod queue;
mod story;

pub use dice::Dice;
pub use queue::{queue, report};

/// How much there is to be.
#[derive(Clone, Copy, Debug)]
pub struct Scale<'a> {
    /// On which targets every release was tested.
    pub targets: &'a [Target],
    /// How many results there are to be, about: whole rounds are made.
    pub results: u64,
    /// What everything follows from.
    pub seed: u64,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What stands is written: so many jobs of so many.
    Present(u64, u64),
    /// The past is copied: so many results of about so many.
    Past(u64, u64),
    /// An index is made.
    Index,
}

/// A release to fill in results for.
struct Subject {
    id: ReleaseId,
    dist: Name,
    version: Version,
    owner: Name,
    sha1: String,
    /// Which of its distribution's releases it is, the newest 0.
    age: usize,
}

/// Whether there is nothing at all in a store.
pub async fn is_empty(conn: &mut Conn) -> Result<bool> {
    let row = sqlx::query(
        "SELECT 'store' AS id, (SELECT COUNT(*) FROM releases) + (SELECT COUNT(*) FROM jobs) + (SELECT COUNT(*) FROM registries)
             + (SELECT COUNT(*) FROM runners) AS things",
    )
    .fetch_one(conn.raw())
    .await?;
    Ok(crate::fields::Fields::of(&row, "releases", "id").number::<u64>("things")? == 0)
}

/// Fills a store that has releases and nothing else; tells how far it is, and returns how many results there are.
pub async fn fill(
    store: &Store,
    blobs: &Blobs,
    scale: Scale<'_>,
    now: Timestamp,
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64> {
    let subjects = present::subjects(&mut store.read().await?).await?;
    let indexes = indexes::drop(store).await?;
    let jobs = (subjects.len() * scale.targets.len()) as u64;
    let rounds = past::rounds(jobs, scale.results);
    let plan = Plan { scale, jobs, rounds, now };
    present::write(store, blobs, &plan, &subjects, tell).await?;
    let results = past::write(store, &plan, tell).await?;
    indexes::make(store, &indexes, tell).await?;
    present::queue_some(store, &plan).await?;
    Ok(results)
}

/// What every part of it has to know.
struct Plan<'a> {
    scale: Scale<'a>,
    jobs: u64,
    /// How many rounds lie before the one that stands.
    rounds: u64,
    now: Timestamp,
}

/// How much time lies between the first round and now.
const PAST_MS: u64 = 365 * 86_400_000;
/// Numbers in ids begin here, so that all have the same number of digits.
const FIRST: u64 = 100_000_000_000_000_000;

impl Plan<'_> {
    /// When a job's run in a round was accepted.
    fn accepted_at(&self, round: u64, job: u64) -> Timestamp {
        let step = self.step();
        let before = (self.rounds - round) * step + (self.jobs - job) * step / self.jobs.max(1);
        Timestamp::from_millis(self.now.as_millis() - i64::try_from(before).unwrap_or(0))
    }

    fn step(&self) -> u64 {
        PAST_MS / (self.rounds + 1)
    }

    /// The first result of a job in a round; the second opinion has the number after it.
    fn result(&self, round: u64, job: u64) -> RunId {
        id("01KC", FIRST + 2 * (round * self.jobs + job))
    }

    fn job(number: u64) -> JobId {
        id("01KB", FIRST + number)
    }
}

/// An id with a number in it that SQL can count with.
fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(prefix: &str, number: u64) -> T {
    format!("{prefix}0000{number}").parse().expect("prefix, zeros and eighteen digits are an id")
}

#[cfg(test)]
mod tests;
