//! What is told of a result when it was just stored: little, as it is read after every report.

use protocol::{Flag, Grade, JobState, Name, Phase, Reason, RunId, Target, Version};

use crate::fields::Fields;
use crate::{Conn, Result, confirm};

/// A result in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// The target.
    pub target: Target,
    /// The grade.
    pub grade: Grade,
    /// The phase that decided.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// What exactly, in a few words.
    pub detail: String,
    /// UNCONFIRMED or FLAKY, where its round says so.
    pub doubt: Option<Flag>,
    /// Where its job stands now.
    pub job_state: JobState,
}

/// What is told of the result of a run; none where there is no such result.
pub async fn told(conn: &mut Conn, id: RunId) -> Result<Option<Told>> {
    let row = sqlx::query(
        "SELECT results.id, results.job_id, results.round, results.target, results.grade, results.phase, results.reason, results.flags, results.detail,
             releases.dist, releases.version, jobs.state
         FROM results JOIN releases ON releases.id = results.release_id JOIN jobs ON jobs.id = results.job_id WHERE results.id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(conn.raw())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Fields::of(&row, "results", "id");
    let of_round = confirm::doubt_of(conn, row.parse("job_id")?, row.number("round")?, id).await?;
    let flags = confirm::with_doubt(row.words("flags")?, of_round);
    Ok(Some(Told {
        dist: row.parse("dist")?,
        version: row.parse("version")?,
        target: row.parse("target")?,
        grade: row.parse("grade")?,
        phase: row.parse("phase")?,
        reason: row.parse("reason")?,
        detail: row.text("detail")?,
        doubt: flags.into_iter().find(|flag| matches!(flag, Flag::Unconfirmed | Flag::Flaky)),
        job_state: row.parse("state")?,
    }))
}
