//! What stands of a job, kept beside the job: what the matrix of the whole registry reads, which has no time to look at results.
//!
//! It is written wherever a standing is (see [`crate::confirm`]), in the same transaction and by the same words as migration 7.

use protocol::{Flag, Grade, JobId, JobState, Judged, Target};
use serde::Serialize;

use crate::fields::Fields;
use crate::{Result, Tx};

/// A grade, and whether it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Standing {
    /// The grade.
    pub grade: Grade,
    /// Why it does not count: UNCONFIRMED or FLAKY, by the other runs of its round or by its own runner's word.
    pub unsure: Option<Flag>,
}

impl Standing {
    /// Whether the extension fails, as far as that can be said for sure.
    pub fn fails(&self) -> Option<bool> {
        self.judged().fails()
    }

    /// It as a side of a comparison.
    pub fn judged(&self) -> Judged<'_> {
        Judged { grade: self.grade, flags: self.unsure.as_slice() }
    }

    /// What two columns say; none where nothing stands.
    pub(crate) fn read(row: &Fields<'_>) -> Result<Option<Self>> {
        let grade = row.words("standing")?.pop();
        let unsure = row.words("unsure")?.pop();
        Ok(grade.map(|grade| Self { grade, unsure }))
    }
}

/// A release on a target, as narrow as it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Narrow {
    /// The target.
    pub target: Target,
    /// Where the job stands.
    pub state: JobState,
    /// What stands of it.
    pub standing: Option<Standing>,
}

/// Writes what stands now beside the job. To be called whenever that changes.
pub(crate) async fn keep(tx: &mut Tx, job: JobId) -> Result<()> {
    sqlx::query(
        "UPDATE jobs SET standing = results.grade, found_in = results.phase, found_on = COALESCE(results.postgresql, ''),
             found_by = runs.runner_id,
             unsure = CASE WHEN jobs.doubt = 'FLAKY' AND results.grade IN ('PASS', 'UNTESTED', 'FAIL', 'NA') THEN 'FLAKY'
                 WHEN ' ' || results.flags || ' ' LIKE '% FLAKY %' THEN 'FLAKY'
                 WHEN jobs.doubt = 'UNCONFIRMED' AND results.grade = 'FAIL' THEN 'UNCONFIRMED' ELSE '' END
         FROM results LEFT JOIN runs ON runs.id = results.id WHERE results.id = jobs.result_id AND jobs.id = $1",
    )
    .bind(job.to_string())
    .execute(tx.raw())
    .await?;
    Ok(())
}
