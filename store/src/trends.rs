//! What happened on each day, for charts: results by major and reason, the time of phases, what came to wait and went, the registry.
//!
//! Rows are kept by day of UTC and changed in the transaction in which it happens (`keep.rs`), so that a chart of a year reads some
//! thousands of rows by their key, however many results there are. What the queue held at the end of a day is not stored: it is what waits
//! now, less what came since, and more what went.
//!
//! On PostgreSQL, rows of results and phases are written after the counter of results, and those of the queue and of releases under the
//! queue's lock: see the order of locks in [`crate::confirm`]. So no two transactions hold each other up in another order.

use protocol::{Grade, PgMajor, Phase, Reason, Timestamp};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::fields::{Fields, to_limit};
use crate::{Conn, Result};

mod keep;

pub(crate) use keep::{came, recount, reported, uploaded, went};

const DAY_MS: i64 = 86_400_000;

/// More than these days and steps no chart shows.
const MOST_STEPS: u32 = 400;
const MOST_DAYS_A_STEP: u32 = 400;

/// The days that a chart shows, in steps of as many days each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    first: i64,
    steps: u32,
    days: u32,
}

impl Span {
    /// Some steps of some days each, of which the last one ends with today.
    pub fn until(now: Timestamp, steps: u32, days: u32) -> Self {
        let (steps, days) = (steps.clamp(1, MOST_STEPS), days.clamp(1, MOST_DAYS_A_STEP));
        Self { first: day(now) + 1 - i64::from(steps) * i64::from(days), steps, days }
    }

    /// How many steps it has.
    pub const fn steps(self) -> u32 {
        self.steps
    }

    /// How many days a step has.
    pub const fn days(self) -> u32 {
        self.days
    }

    /// When a step begins; the first is 0.
    pub fn begins(self, step: u32) -> Timestamp {
        Timestamp::from_millis((self.first + i64::from(step) * i64::from(self.days)) * DAY_MS)
    }

    /// The first day after it.
    fn end(self) -> i64 {
        self.first + i64::from(self.steps) * i64::from(self.days)
    }
}

/// The day that a moment is part of.
pub(crate) const fn day(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

/// How many results a step brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The step.
    pub step: u32,
    /// The major.
    pub major: PgMajor,
    /// The grade.
    pub grade: Grade,
    /// How many.
    pub results: u64,
}

/// How much time a phase took in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// The step.
    pub step: u32,
    /// The phase.
    pub phase: Phase,
    /// How often it ran.
    pub runs: u64,
    /// How long it took in all.
    pub duration_ms: u64,
}

/// What a step did to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// The step.
    pub step: u32,
    /// How many jobs began to wait.
    pub came: u64,
    /// How many ceased to: taken by a runner, withdrawn, or settled without a run.
    pub went: u64,
}

/// How large the registry was at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// The step.
    pub step: u32,
    /// Releases.
    pub releases: u64,
    /// Distributions.
    pub dists: u64,
}

/// How often a reason was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Given {
    /// The reason.
    pub reason: Reason,
    /// How often.
    pub results: u64,
}

const RESULTS: &str =
    "SELECT 'day' AS id, (day - $1) / $2 AS step, major, grade, CAST(SUM(results) AS BIGINT) AS results
     FROM daily_results WHERE day >= $1 AND day < $3 GROUP BY 2, 3, 4
         HAVING SUM(results) > 0 ORDER BY 2, 3, 4";
const PHASES: &str = "SELECT 'day' AS id, (day - $1) / $2 AS step, phase, CAST(SUM(runs) AS BIGINT) AS runs,
         CAST(SUM(duration_ms) AS BIGINT) AS duration_ms
     FROM daily_phases WHERE day >= $1 AND day < $3 GROUP BY 2, 3 HAVING SUM(runs) > 0 ORDER BY 2, 3";
const QUEUE: &str =
    "SELECT 'day' AS id, (day - $1) / $2 AS step, CAST(SUM(came) AS BIGINT) AS came, CAST(SUM(went) AS BIGINT) AS went
     FROM daily_queue WHERE day >= $1 AND day < $3 GROUP BY 2 ORDER BY 2";
/// What is older than the span is its step -1.
const RELEASES: &str = "SELECT 'day' AS id, CASE WHEN day < $1 THEN -1 ELSE (day - $1) / $2 END AS step,
         CAST(SUM(releases) AS BIGINT) AS releases, CAST(SUM(dists) AS BIGINT) AS dists
     FROM daily_releases WHERE day < $3 GROUP BY 2 ORDER BY 2";
const REASONS: &str = "SELECT reason, CAST(SUM(results) AS BIGINT) AS results FROM daily_results
     WHERE day >= $1 AND grade IN ('ERROR', 'ENV') GROUP BY reason HAVING SUM(results) > 0 ORDER BY 2 DESC, 1 LIMIT $2";

/// What was found in each step, by major and grade. Every accepted result counts that is not withdrawn, so
/// that a failure and its confirmation are two.
pub async fn results(conn: &mut Conn, span: Span) -> Result<Vec<Found>> {
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "daily_results", "id");
        Ok(Found {
            step: row.number("step")?,
            major: row.major("major")?,
            grade: row.parse("grade")?,
            results: row.number("results")?,
        })
    };
    within(conn, RESULTS, span).await?.iter().map(read).collect()
}

/// How long phases took in each step; those that were skipped took no time.
pub async fn phases(conn: &mut Conn, span: Span) -> Result<Vec<Spent>> {
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "daily_phases", "id");
        Ok(Spent {
            step: row.number("step")?,
            phase: row.parse("phase")?,
            runs: row.number("runs")?,
            duration_ms: row.number("duration_ms")?,
        })
    };
    within(conn, PHASES, span).await?.iter().map(read).collect()
}

/// What came to wait and went in each step.
pub async fn queue(conn: &mut Conn, span: Span) -> Result<Vec<Flow>> {
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "daily_queue", "id");
        Ok(Flow { step: row.number("step")?, came: row.number("came")?, went: row.number("went")? })
    };
    within(conn, QUEUE, span).await?.iter().map(read).collect()
}

/// How large the registry was at the end of each step, all that came before the first one included.
pub async fn growth(conn: &mut Conn, span: Span) -> Result<Vec<Size>> {
    let rows = within(conn, RELEASES, span).await?;
    let mut sizes: Vec<Size> = (0..span.steps).map(|step| Size { step, releases: 0, dists: 0 }).collect();
    for row in &rows {
        let row = Fields::of(row, "daily_releases", "id");
        let (step, releases, dists): (i64, i64, i64) =
            (row.number("step")?, row.number("releases")?, row.number("dists")?);
        for size in sizes.iter_mut().skip(usize::try_from(step).unwrap_or(0)) {
            size.releases = size.releases.saturating_add_signed(releases);
            size.dists = size.dists.saturating_add_signed(dists);
        }
    }
    Ok(sizes)
}

/// How often the farm itself failed since a day, or lacked something, the most frequent reason first.
pub async fn failures(conn: &mut Conn, since: Timestamp, limit: u32) -> Result<Vec<Given>> {
    let rows = sqlx::query(REASONS).bind(day(since)).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    let read = |row: &AnyRow| {
        let row = Fields::of(row, "daily_results", "reason");
        Ok(Given { reason: row.parse("reason")?, results: row.number("results")? })
    };
    rows.iter().map(read).collect()
}

/// Since when there is something to show of the registry; none where it is empty.
pub async fn oldest_release(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let row = sqlx::query("SELECT 'day' AS id, MIN(day) AS day FROM daily_releases").fetch_one(conn.raw()).await?;
    let oldest = Fields::of(&row, "daily_releases", "id").optional_number::<i64>("day")?;
    Ok(oldest.map(|day| Timestamp::from_millis(day * DAY_MS)))
}

async fn within(conn: &mut Conn, sql: &'static str, span: Span) -> Result<Vec<AnyRow>> {
    let query = sqlx::query(sql).bind(span.first).bind(i64::from(span.days)).bind(span.end());
    Ok(query.fetch_all(conn.raw()).await?)
}

#[cfg(test)]
mod tests;
