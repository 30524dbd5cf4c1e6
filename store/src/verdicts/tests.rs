use super::*;
use crate::testing::{at, insert, judge, name, on_both, pair, plan, release, runner};

#[tokio::test]
async fn verdicts_are_listed_newest_first_in_pages() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let mut expected = Vec::new();
        for (number, minute) in [(0, 1), (1, 2), (2, 2), (3, 2), (4, 3)] {
            let id = insert(&store, &release("pair", &format!("1.0.{number}"))).await.id();
            plan(&store, id, "pg17-amd64", "theory", at(0)).await;
            expected.push((at(minute), judge(&store, runner, "pg17-amd64", Reason::TestsPassed, minute).await));
        }
        expected.sort();
        expected.reverse();
        let mut conn = store.read().await.unwrap();
        let mut seen: Vec<(Timestamp, RunId)> = Vec::new();
        loop {
            let page = latest(&mut conn, seen.last().copied(), 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert_eq!((page[0].runner.as_deref(), page[0].dist.as_str()), (Some("attic"), "pair"));
            seen.extend(page.iter().map(|line| (line.summary.accepted_at, line.summary.run_id)));
        }
        assert_eq!(seen, expected);
    })
    .await;
}

#[tokio::test]
async fn every_verdict_on_a_job_is_kept_the_latest_first() {
    on_both(async |store| {
        let (_, job) = pair(&store).await;
        let runner = runner(&store, "attic").await;
        let first = judge(&store, runner, "pg17-amd64", Reason::TestsFailed, 1).await;
        let dist = name("pair");
        let wish =
            crate::jobs::Requeue { dist: &dist, version: None, target: None, priority: protocol::Priority::Asked };
        let mut tx = store.begin().await.unwrap();
        crate::jobs::requeue(&mut tx, &wish, at(2)).await.unwrap();
        tx.commit().await.unwrap();
        let second = judge(&store, runner, "pg17-amd64", Reason::TestsPassed, 3).await;
        let mut conn = store.read().await.unwrap();
        let ids: Vec<RunId> =
            of_job(&mut conn, job, 100).await.unwrap().iter().map(|line| line.summary.run_id).collect();
        assert_eq!(ids, [second, first]);
        let cells = crate::matrix::of_dist(&mut conn, &dist).await.unwrap();
        assert_eq!(cells[0].result.as_ref().unwrap().run_id, second);
    })
    .await;
}
