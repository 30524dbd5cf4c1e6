//! What standing verdicts say that the farm's images lack: what an operator may want to add.

use protocol::{Name, Reason, Target, Version};

use crate::fields::{Fields, to_limit};
use crate::{Conn, Result};

/// A header, library or program that a release was found to need, and the image did not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// On what.
    pub target: Target,
    /// Whether it is a header, a library or a program.
    pub reason: Reason,
    /// What exactly.
    pub detail: String,
    /// The suite of the image; none where the run named none.
    pub suite: Option<String>,
}

/// Begins with the results of these reasons, by index, and asks of each whether it is its job's: there are far fewer than jobs.
const STANDING: &str = "SELECT results.id, results.target, results.reason, results.detail, results.suite, releases.dist, releases.version
     FROM results JOIN jobs ON jobs.id = results.job_id AND jobs.result_id = results.id JOIN releases ON releases.id = jobs.release_id
     WHERE results.reason IN ('missing-header', 'missing-library', 'missing-program') AND releases.superseded_at IS NULL
     ORDER BY releases.dist_key, releases.version, results.target LIMIT $1";

/// Every one that a job's standing result tells of, by distribution and version; releases whose archive was replaced are left out.
pub async fn standing(conn: &mut Conn, limit: u32) -> Result<Vec<Lack>> {
    let rows = sqlx::query(STANDING).bind(to_limit(limit)).fetch_all(conn.raw()).await?;
    let read = |row| {
        let result = Fields::of(row, "results", "id");
        Ok(Lack {
            dist: result.parse("dist")?,
            version: result.parse("version")?,
            target: result.parse("target")?,
            reason: result.parse("reason")?,
            detail: result.text("detail")?,
            suite: result.optional_text("suite")?,
        })
    };
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use protocol::Reason;

    use super::*;
    use crate::confirm::Retries;
    use crate::testing::{at, claim, explain, full_scans, insert, key, on_both, plan, release, report, runner, token};

    #[tokio::test]
    async fn what_is_missing_is_found_by_its_reason() {
        on_both(async |store| {
            let mut conn = store.read().await.unwrap();
            let plan = explain(&mut conn, &STANDING.replace("$1", "10")).await;
            assert!(plan.contains("results_by_reason"), "{plan}");
            assert_eq!(full_scans(&plan), [""; 0], "{plan}");
        })
        .await;
    }

    #[tokio::test]
    async fn only_what_standing_results_miss_is_listed() {
        on_both(async |store| {
            for (dist, minute) in [("pear", 1), ("plum", 2), ("quince", 3)] {
                let id = insert(&store, &release(dist, "1.0.0")).await.id();
                plan(&store, id, "pg17-amd64", "theory", at(minute)).await;
            }
            let (runner, token) = (runner(&store, "attic").await, token());
            for reason in [Reason::MissingHeader, Reason::TestsPassed, Reason::MissingProgram] {
                let claimed = claim(&store, runner, &["pg17-amd64"], at(4)).await.unwrap();
                let (key, mut report) = (key(&claimed, runner, &token), report(&claimed, reason));
                report.verdict.detail = "libpear/pear.h".into();
                let mut tx = store.begin().await.unwrap();
                crate::testing::accept_one(&mut tx, &key, &report, Retries::default(), at(5)).await.unwrap();
                tx.commit().await.unwrap();
            }
            let mut conn = store.read().await.unwrap();
            let lacks = standing(&mut conn, 10).await.unwrap();
            let found: Vec<_> = lacks.iter().map(|lack| (lack.dist.as_str(), lack.reason)).collect();
            assert_eq!(found, [("pear", Reason::MissingHeader), ("quince", Reason::MissingProgram)]);
            assert_eq!(
                (lacks[0].detail.as_str(), lacks[0].target.to_string().as_str()),
                ("libpear/pear.h", "pg17-amd64")
            );
            assert_eq!(standing(&mut conn, 1).await.unwrap().len(), 1);
        })
        .await;
    }
}
