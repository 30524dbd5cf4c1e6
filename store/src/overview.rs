//! The matrix of the whole registry: the latest release of every distribution, filtered, sorted, a page at a time.
//!
//! Rows are found by the distributions, of which there are few, and by an index over what stands of each job; no result is looked at.

use protocol::{Comparison, Flag, Grade, JobState, PgMajor, Phase, Platform, ReleaseId, RunId, RunnerId, Target};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::dists::Dist;
use crate::fields::{Fields, storable, to_limit};
use crate::standing::Standing;
use crate::{Conn, Result, dists, many, releases};

/// In which order rows stand; what is equal stands by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// The latest upload first.
    Released,
    /// Those that fail on most targets first.
    Failing,
    /// By who uploaded the latest release.
    User,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A verdict; a FAIL only where it counts.
    Grade(Grade),
    /// What does not count: a FAIL that is UNCONFIRMED, or whatever is FLAKY.
    Unsure(Flag),
    /// It has no verdict yet.
    Waiting,
}

impl Shown {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Grade(grade) => grade.as_str(),
            Self::Unsure(flag) => flag.as_str(),
            Self::Waiting => "WAITING",
        }
    }
}

/// Which distributions to list. What asks for a cell asks for one that is all of it at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Those with this in their name, in whatever case.
    pub part: &'a str,
    /// Those whose latest release this user uploaded: a key.
    pub user: Option<&'a str>,
    /// Those among these: keys.
    pub among: Option<&'a [String]>,
    /// Those of which this runner's verdict stands in some cell,
    pub runner: Option<RunnerId>,
    /// on this major,
    pub major: Option<PgMajor>,
    /// on this platform,
    pub platform: Option<Platform>,
    /// that shows this.
    pub shown: Option<Shown>,
}

impl Filter<'_> {
    /// The targets of the cells that are asked for, as a pattern.
    fn targets(&self) -> String {
        let major = self.major.map_or_else(|| "%".to_owned(), |major| major.to_string());
        format!("pg{major}-{}", self.platform.map_or("%", Platform::as_str))
    }

    const fn asks_for_a_cell(&self) -> bool {
        self.runner.is_some() || self.major.is_some() || self.platform.is_some() || self.shown.is_some()
    }
}

/// A part of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The distributions.
    pub dists: Vec<Dist>,
    /// How many there are in all; nothing where the part is beyond the last one.
    pub total: u64,
}

/// The latest release of a distribution on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The release.
    pub release_id: ReleaseId,
    /// The target.
    pub target: Target,
    /// Where the job stands.
    pub state: JobState,
    /// What stands of it.
    pub standing: Option<Standing>,
    /// The phase that decided.
    pub phase: Option<Phase>,
    /// The server's exact version; empty where it is not known.
    pub postgresql: String,
    /// Who found it.
    pub runner: Option<RunnerId>,
    /// The run that gave the verdict, or that goes on.
    pub run: Option<RunId>,
    /// How it compares with the nearest verdict before it.
    pub comparison: Option<Comparison>,
}

/// What a cell shows, in the words of [`Shown`].
macro_rules! shown {
    () => {
        "CASE WHEN jobs.standing = 'FAIL' AND jobs.unsure <> '' THEN jobs.unsure WHEN jobs.standing <> '' THEN jobs.standing
                 WHEN jobs.state IN ('queued', 'running') THEN 'WAITING' ELSE '' END"
    };
}

/// A page in an order.
macro_rules! page {
    ($order:literal) => {
        concat!(
            "SELECT dists.key, dists.name, dists.releases, page.total, ",
            releases::columns!(),
            " FROM (SELECT dists.key AS at, COUNT(*) OVER () AS total, ROW_NUMBER() OVER (ORDER BY ",
            $order,
            ", dists.key) AS place
             FROM dists JOIN releases ON releases.id = dists.latest_id
             WHERE ($1 = '' OR replace(dists.key, $1, '') <> dists.key) AND ($2 = '' OR releases.user_key = $2)
                 AND ($3 = '' OR replace($3, '/' || dists.key || '/', '') <> $3)
                 AND ($4 = 0 OR EXISTS (SELECT 1 FROM jobs WHERE jobs.release_id = dists.latest_id AND jobs.target LIKE $5
                     AND ($6 = '' OR jobs.found_by = $6) AND ($7 = '' OR $7 = jobs.unsure OR $7 = ",
            shown!(),
            ")))
             ORDER BY place LIMIT $8 OFFSET $9) AS page
             JOIN dists ON dists.key = page.at JOIN releases ON releases.id = dists.latest_id ORDER BY page.place"
        )
    };
}

pub(crate) const BY_NAME: &str = page!("dists.key");
const BY_DATE: &str = page!("releases.released_at DESC");
pub(crate) const BY_FAILURES: &str = page!(
    "(SELECT COUNT(*) FROM jobs WHERE jobs.release_id = dists.latest_id AND jobs.target LIKE $5 AND jobs.standing = 'FAIL'
         AND jobs.unsure = '' AND ($6 = '' OR jobs.found_by = $6)) DESC"
);
const BY_USER: &str = page!("releases.user_key");

/// A part of the distributions that a filter leaves.
pub async fn page(conn: &mut Conn, filter: Filter<'_>, sort: Sort, offset: u32, limit: u32) -> Result<Page> {
    let sql = match sort {
        Sort::Name => BY_NAME,
        Sort::Released => BY_DATE,
        Sort::Failing => BY_FAILURES,
        Sort::User => BY_USER,
    };
    // A name holds no slash.
    let among = filter.among.map(|keys| format!("/{}/", keys.join("/"))).unwrap_or_default();
    let rows = sqlx::query(sql)
        .bind(storable(&filter.part.to_lowercase()))
        .bind(filter.user.map(storable).unwrap_or_default())
        .bind(storable(&among))
        .bind(i64::from(filter.asks_for_a_cell()))
        .bind(filter.targets())
        .bind(filter.runner.map(|runner| runner.to_string()).unwrap_or_default())
        .bind(filter.shown.map(Shown::as_str).unwrap_or_default())
        .bind(to_limit(limit))
        .bind(i64::from(offset))
        .fetch_all(conn.raw())
        .await?;
    let total = rows.first().map(|row| Fields::of(row, "dists", "key").number("total")).transpose()?;
    Ok(Page { dists: rows.iter().map(dists::read).collect::<Result<_>>()?, total: total.unwrap_or(0) })
}

pub(crate) const CELLS: &str = concat!(
    "SELECT id, release_id, target, state, standing, unsure, found_in, found_on, found_by, run_id, result_id, comparison
     FROM jobs WHERE release_id IN (",
    many::hundred!(),
    ") ORDER BY release_id, target"
);

/// The cells of releases, by release and target.
pub async fn cells(conn: &mut Conn, releases: &[ReleaseId]) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for ids in many::hundreds(releases) {
        let rows = many::bind(sqlx::query(CELLS), &ids).fetch_all(conn.raw()).await?;
        cells.extend(rows.iter().map(read_cell).collect::<Result<Vec<_>>>()?);
    }
    Ok(cells)
}

fn read_cell(row: &AnyRow) -> Result<Cell> {
    let row = Fields::of(row, "jobs", "id");
    let found: Option<RunId> = row.optional_parse("result_id")?;
    Ok(Cell {
        release_id: row.parse("release_id")?,
        target: row.parse("target")?,
        state: row.parse("state")?,
        standing: Standing::read(&row)?,
        phase: row.words("found_in")?.pop(),
        postgresql: row.text("found_on")?,
        runner: row.optional_parse("found_by")?,
        run: found.or(row.optional_parse("run_id")?),
        comparison: row.optional_parse("comparison")?,
    })
}

#[cfg(test)]
pub(crate) mod tests;
