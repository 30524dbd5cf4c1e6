use protocol::ReleaseId;

use super::*;
use crate::confirm::Retries;
use crate::results::Acceptance;
use crate::testing::{at, explain, full_scans, insert, on_both, release, run_sql, target};
use crate::{export, farm, jobs, matrix, queue, runs, symptoms, verdicts};

const TARGETS: [&str; 4] = ["pg15-amd64", "pg16-amd64", "pg18-amd64", "pg19-arm64"];

/// Fills a store of a few distributions, and returns how many results it has.
async fn filled(store: &Store, seed: u64, results: u64) -> u64 {
    for dist in 0..20 {
        for version in ["1.0.0", "1.1.0", "2.0.0"] {
            insert(store, &release(&format!("dist{dist}"), version)).await;
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().to_str().unwrap()).unwrap();
    let targets = TARGETS.map(target);
    let scale = Scale { targets: &targets, results, seed };
    fill(store, &blobs, scale, at(0), &mut |_| {}).await.unwrap()
}

async fn indexes(store: &Store) -> Vec<String> {
    let mut tx = store.begin().await.unwrap();
    let sql = if tx.raw().backend_name() == "SQLite" {
        "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name"
    } else {
        "SELECT CAST(indexname AS TEXT) AS name FROM pg_indexes WHERE schemaname = current_schema() ORDER BY indexname"
    };
    let rows = sqlx::query(sql).fetch_all(tx.raw()).await.unwrap();
    rows.iter().map(|row| sqlx::Row::get::<String, _>(row, "name")).collect()
}

#[tokio::test]
async fn a_filled_store_is_one_that_a_farm_could_have_left() {
    on_both(async |store| {
        assert!(is_empty(&mut store.read().await.unwrap()).await.unwrap());
        let before = indexes(&store).await;
        let results = filled(&store, 1, 3_000).await;
        assert!((2_500..3_500).contains(&results), "{results}");
        assert_eq!(indexes(&store).await, before, "every index is there again");
        let mut conn = store.read().await.unwrap();
        assert!(!is_empty(&mut conn).await.unwrap());
        let counts = farm::counts(&mut conn, at(0)).await.unwrap();
        assert_eq!((counts.results, counts.dists, counts.releases), (results, 20, 60));
        assert!(counts.queued > 0 && queue::page(&mut conn, None, 10).await.unwrap().len() == 10);

        let (mut seen, mut after, mut standing) = (0, None, 0);
        loop {
            let chunk = export::results(&mut conn, after, at(1), 500).await.unwrap();
            let Some(last) = chunk.last() else { break };
            after = Some((last.line.summary.accepted_at, last.line.summary.run_id));
            seen += chunk.len() as u64;
            standing += chunk.iter().filter(|row| row.stands).count();
        }
        assert_eq!((seen, standing), (results, 240), "all can be read, and one stands of each job");
        assert!(
            !symptoms::list(&mut conn, symptoms::Page { major: None, offset: 0, limit: 9 }).await.unwrap().is_empty()
        );

        let cells = matrix::of_dist(&mut conn, &"dist7".parse().unwrap()).await.unwrap();
        assert_eq!(cells.len(), 12);
        let run = cells[0].result.as_ref().unwrap().run_id;
        let detail = runs::detail(&mut conn, run).await.unwrap().unwrap();
        assert!(!detail.result.unwrap().phases.is_empty());
        let past = verdicts::of_job(&mut conn, cells[0].job_id, 1_000).await.unwrap();
        for line in &past {
            assert!(runs::detail(&mut conn, line.summary.run_id).await.unwrap().unwrap().result.is_some());
        }
        assert!(past.len() as u64 >= results / 240 / 2, "{} verdicts of one job", past.len());
    })
    .await;
}

#[tokio::test]
async fn a_failure_counts_as_two_runs_agreed() {
    on_both(async |store| {
        filled(&store, 1, 1_000).await;
        let mut conn = store.read().await.unwrap();
        let rows = sqlx::query("SELECT id FROM jobs ORDER BY id").fetch_all(conn.raw()).await.unwrap();
        let mut failures = 0;
        for row in &rows {
            let id: JobId = sqlx::Row::get::<String, _>(row, "id").parse().unwrap();
            let job = jobs::get(&mut conn, id).await.unwrap().unwrap();
            let detail = runs::detail(&mut conn, job.result_id.unwrap()).await.unwrap().unwrap();
            let verdict = detail.result.unwrap().verdict;
            assert!(!verdict.flags.contains(&protocol::Flag::Unconfirmed), "{verdict:?}");
            failures += u32::from(verdict.grade() == protocol::Grade::Fail);
        }
        assert!((5..120).contains(&failures), "{failures} of {} fail", rows.len());
    })
    .await;
}

#[tokio::test]
async fn the_same_seed_fills_the_same() {
    on_both(async |store| {
        let told = async |seed| {
            filled(&store, seed, 1_000).await;
            let mut conn = store.read().await.unwrap();
            let all = export::results(&mut conn, None, at(1), 1_000).await.unwrap();
            drop(conn);
            let mut tx = store.begin().await.unwrap();
            for table in EMPTIED {
                run_sql(&mut tx, table).await;
            }
            tx.commit().await.unwrap();
            let one = |row: &export::ResultRow| (row.line.dist.to_string(), row.line.target, row.line.summary.clone());
            all.iter().map(one).collect::<Vec<_>>()
        };
        let (first, again, other) = (told(1).await, told(1).await, told(2).await);
        assert!(first == again && first != other && first.len() > 500);
    })
    .await;
}

#[tokio::test]
async fn a_chunk_of_an_export_and_the_latest_are_read_by_an_index_wherever_they_begin() {
    on_both(async |store| {
        filled(&store, 1, 3_000).await;
        let mut conn = store.read().await.unwrap();
        // SQLite explains by what it knew of the indexes when it last looked, which a query makes it do.
        export::results(&mut conn, None, at(1), 5).await.unwrap();
        let results =
            export::RESULTS.replace("$1", "1794000000000").replace("$2", "'x'").replace("$3", "1795000000000");
        let plan = explain(&mut conn, &results.replace("$4", "20")).await;
        assert!(plan.contains("results_by_date") && full_scans(&plan).is_empty(), "{plan}");
        for sql in [verdicts::PAGE, verdicts::LATEST] {
            let sql = sql.replace("$1", "1794000000000").replace("$2", "'x'").replace("$3", "20");
            let plan = explain(&mut conn, &sql).await;
            assert!(plan.contains("results_by_date") && full_scans(&plan).is_empty(), "{plan}");
        }
        let releases = export::RELEASES.replace("$1", "'x'").replace("$2", "9").replace("$3", "20");
        let plan = explain(&mut conn, &releases).await;
        assert_eq!(full_scans(&plan), [""; 0], "{plan}");
    })
    .await;
}

/// What makes a store empty again.
const EMPTIED: [&str; 12] = [
    "DELETE FROM symptom_cells",
    "DELETE FROM symptoms",
    "DELETE FROM phases",
    "DELETE FROM tests",
    "DELETE FROM files",
    "DELETE FROM runs",
    "DELETE FROM results",
    "DELETE FROM lanes",
    "DELETE FROM jobs",
    "DELETE FROM runners",
    "DELETE FROM dists",
    "DELETE FROM releases",
];

#[test]
fn an_id_of_a_number_is_an_id() {
    assert_eq!(id::<ReleaseId>("01KB", FIRST + 7).to_string(), "01KB0000100000000000000007");
}

#[tokio::test]
async fn a_queue_grows_to_so_many_jobs_each_of_which_is_claimed_and_reported() {
    on_both(async |store| {
        let targets = TARGETS.map(target);
        let runner = crate::testing::runner(&store, "attic").await;
        for (jobs, grown) in [(200, 240), (240, 240), (500, 600)] {
            assert_eq!(queue(&store, &targets, jobs, at(0), &mut |_| {}).await.unwrap(), grown);
        }
        for attempt in 1..=3 {
            let token = crate::testing::token();
            let mut tx = store.begin().await.unwrap();
            let claim = jobs::Claim {
                runner_id: runner,
                targets: &targets,
                run_id: RunId::new(at(attempt)),
                token: &token,
                chosen: false,
                lease: std::time::Duration::from_mins(5),
            };
            let claimed = crate::testing::claim_in(&mut tx, &claim, at(attempt)).await.unwrap();
            let assignment = protocol::Assignment {
                lease: protocol::Lease {
                    run_id: claimed.run_id,
                    token: String::new(),
                    attempt: claimed.attempt,
                    expires_in_ms: 300_000,
                },
                job_id: claimed.job_id,
                release: claimed.release.clone(),
                target: claimed.target,
                registry: "https://registry.example.org/".parse().unwrap(),
                time_factor: 1,
            };
            let report = report(&assignment, at(attempt));
            report.check().unwrap();
            let key = crate::testing::key(&claimed, runner, &token);
            let accepted = crate::testing::accept_one(&mut tx, &key, &report, Retries::default(), at(attempt)).await;
            assert_eq!(accepted.unwrap(), Acceptance::Accepted);
            tx.commit().await.unwrap();
        }
    })
    .await;
}
