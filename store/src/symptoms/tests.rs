use std::time::{Duration, Instant};

use protocol::{Decisive, ReleaseId, RunId, RunnerId};

use super::*;
use crate::confirm::Retries;
use crate::testing::{
    at, claim, explain, full_scans, insert, key, on_both, plan, release, report, run_sql, runner, token,
};
use crate::{Store, results, runs, verdicts};

const SHARED: &str = "a.c:3:9: error: too few arguments to function ‘index_open’";

async fn run(store: &Store, runner: RunnerId, on: &str, reason: Reason, line: &str) -> RunId {
    let claimed = claim(store, runner, &[on], at(1)).await.unwrap();
    let token = token();
    let mut report = report(&claimed, reason);
    report.verdict.decisive = Some(Decisive { file: "installcheck.log".into(), line: 7, text: line.into() });
    let mut tx = store.begin().await.unwrap();
    let accepted =
        crate::testing::accept_one(&mut tx, &key(&claimed, runner, &token), &report, Retries::default(), at(2))
            .await
            .unwrap();
    assert_eq!(accepted, results::Acceptance::Accepted);
    tx.commit().await.unwrap();
    claimed.run_id
}

async fn test(store: &Store, runner: RunnerId, dist: &str, on: &str, line: &str) -> RunId {
    let id: ReleaseId = insert(store, &release(dist, "1.0.0")).await.id();
    plan(store, id, on, "theory", at(0)).await;
    run(store, runner, on, Reason::CompileError, line).await
}

async fn shared(store: &Store, major: Option<u16>) -> Vec<(String, u64, u64)> {
    let page = Page { major: major.map(|major| major.try_into().unwrap()), offset: 0, limit: 50 };
    let found = list(&mut store.read().await.unwrap(), page).await.unwrap();
    found.into_iter().map(|shared| (shared.text, shared.dists, shared.cells)).collect()
}

#[tokio::test]
async fn a_symptom_is_counted_over_distributions_and_majors_while_it_is_seen() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let first = test(&store, runner, "pair", "pg17-amd64", SHARED).await;
        test(&store, runner, "pair", "pg18-amd64", SHARED).await;
        test(&store, runner, "hstore", "pg18-amd64", &SHARED.replace("a.c:3:9", "src/b.c:7:1")).await;
        test(&store, runner, "ip4r", "pg18-amd64", "x.c:1:1: error: unknown type name ‘bool’").await;
        let text = "error: too few arguments to function 'index_open'".to_owned();
        let other = "error: unknown type name 'bool'".to_owned();
        assert_eq!(shared(&store, None).await, [(text.clone(), 2, 3), (other.clone(), 1, 1)]);
        assert_eq!(shared(&store, Some(17)).await, [(text.clone(), 1, 1)]);
        assert_eq!(shared(&store, Some(16)).await, []);

        let mut conn = store.read().await.unwrap();
        let signature = runs::detail(&mut conn, first).await.unwrap().unwrap().result.unwrap().signature.unwrap();
        let found = get(&mut conn, &signature).await.unwrap().unwrap();
        assert_eq!((found.dists, found.cells, found.reason, found.seen_at), (2, 3, Reason::CompileError, at(2)));
        assert_eq!(found.majors.iter().map(|major| major.number()).collect::<Vec<_>>(), [17, 18]);
        let cells = verdicts::of_symptom(&mut conn, &signature, None, 0, 10).await.unwrap();
        let seen: Vec<_> = cells.iter().map(|line| (line.dist.to_string(), line.target.to_string())).collect();
        let expected = [("hstore", "pg18-amd64"), ("pair", "pg18-amd64"), ("pair", "pg17-amd64")];
        assert_eq!(seen, expected.map(|(dist, on)| (dist.to_owned(), on.to_owned())));
        let some = verdicts::of_symptom(&mut conn, &signature, Some(17.try_into().unwrap()), 0, 10).await.unwrap();
        assert_eq!(some.len(), 1);
        assert_eq!(verdicts::of_symptom(&mut conn, &signature, None, 2, 10).await.unwrap(), cells[2..]);
        assert_eq!(get(&mut conn, &"0000000000000000".parse().unwrap()).await.unwrap(), None);
    })
    .await;
}

#[test]
fn the_extensions_of_a_release_are_known_by_either_meta() {
    let first = serde_json::json!({"provides": {"pair": {"file": "pair.sql"}}});
    let second = serde_json::json!({"contents": {"extensions": {"pair": {}, "trio": {}}, "modules": {"m": {}}}});
    assert_eq!(extensions(&first), ["pair"]);
    assert_eq!(extensions(&second), ["pair", "trio"]);
    assert_eq!(extensions(&serde_json::json!({"provides": [], "contents": 7})), [""; 0]);
}

#[tokio::test]
async fn a_test_that_passes_again_leaves_the_count() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        test(&store, runner, "pair", "pg17-amd64", SHARED).await;
        let dist = "pair".parse().unwrap();
        let wish =
            crate::jobs::Requeue { dist: &dist, version: None, target: None, priority: protocol::Priority::Asked };
        let mut tx = store.begin().await.unwrap();
        crate::jobs::requeue(&mut tx, &wish, at(1)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shared(&store, None).await.len(), 1, "it stands until there is another verdict");
        let passed = run(&store, runner, "pg17-amd64", Reason::TestsPassed, "ok").await;
        assert_eq!(shared(&store, None).await, []);
        let detail = runs::detail(&mut store.read().await.unwrap(), passed).await.unwrap().unwrap();
        assert_eq!(detail.result.unwrap().signature, None);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_a_symptom_is_read_by_an_index_in_its_order() {
    on_both(async |store| {
        let sql = verdicts::OF_SYMPTOM
            .replace("$1", "'0123456789abcdef'")
            .replace("$2", "0")
            .replace("$3", "200")
            .replace("$4", "0");
        let plan = explain(&mut store.read().await.unwrap(), &sql).await;
        assert!(plan.contains("symptom_cells_paged"), "{plan}");
        assert_eq!(full_scans(&plan), [""; 0], "{plan}");
    })
    .await;
}

/// 100,000 jobs with a result each, of 10,000 distributions; every third one fails, with 500 symptoms.
const MANY: [&str; 7] = [
    "INSERT INTO releases (id, dist, dist_key, version, status, username, user_key, sha1, released_at, abstract, meta, seen_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
     SELECT 'r' || i, 'd' || i, 'd' || i, '1.0.0', 'stable', 'u', 'u', '0', 1, '', '{}', 1 FROM n",
    "INSERT INTO jobs (id, release_id, target, rank, owner_key, state, attempts, max_attempts, queued_at, changed_at, result_id)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
     SELECT 'j' || i, 'r' || (i / 10 + 1), 'pg' || (10 + i % 10) || '-amd64', 1, 'u', 'finished', 1, 3, 1, 1, 's' || i FROM n",
    "INSERT INTO symptoms (signature, phase, reason, text, seen_at)
     WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1499)
     SELECT '000000000000' || i, 'build', 'compile-error', 'error ' || i, 1 FROM n",
    "INSERT INTO results (id, job_id, release_id, target, grade, phase, reason, flags, detail, overhead, notes, tests, tests_failed,
         started_at, finished_at, accepted_at, report_sha256)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
     SELECT 's' || i, 'j' || i, 'r' || (i / 10 + 1), 'pg17-amd64', CASE WHEN i % 3 = 0 THEN 'FAIL' ELSE 'PASS' END, 'build',
         'compile-error', '', '', '{}', '[]', 0, 0, 1, 1, i, '' FROM n",
    "INSERT INTO symptom_cells (job_id, signature, major, dist_key)
     SELECT id, '000000000000' || (1000 + CAST(substr(id, 2) AS BIGINT) % 500), 10 + CAST(substr(id, 2) AS BIGINT) % 10,
         'd' || substr(release_id, 2)
     FROM jobs WHERE CAST(substr(id, 2) AS BIGINT) % 3 = 0",
    "UPDATE jobs SET comparison = CASE WHEN substr(id, 2, 1) = '7' THEN 'NEW-FAIL' ELSE 'STILL-PASSING' END, compared_id = result_id,
         compared_at = CAST(substr(id, 2) AS BIGINT)",
    "ANALYZE",
];

#[tokio::test]
async fn symptoms_are_counted_at_once_among_a_hundred_thousand_results() {
    on_both(async |store| {
        let mut tx = store.begin().await.unwrap();
        for sql in MANY {
            run_sql(&mut tx, sql).await;
        }
        tx.commit().await.unwrap();
        let mut conn = store.read().await.unwrap();
        let page = Page { major: None, offset: 0, limit: 50 };
        let start = Instant::now();
        let all = list(&mut conn, page).await.unwrap();
        let listed = start.elapsed();
        let on = list(&mut conn, Page { major: Some(19.try_into().unwrap()), ..page }).await.unwrap();
        let one = get(&mut conn, &all[0].signature).await.unwrap().unwrap();
        let (filtered, start) = (start.elapsed(), Instant::now());
        let turned = crate::history::turned(&mut conn, at(0), 10).await.unwrap();
        println!("list {listed:?}, with one major and one symptom {filtered:?}, turned {:?}", start.elapsed());
        assert_eq!((all.len(), on.len(), one.cells, turned.len()), (50, 50, all[0].cells, 0));
        assert!(filtered < Duration::from_secs(3), "{filtered:?}");
    })
    .await;
}
