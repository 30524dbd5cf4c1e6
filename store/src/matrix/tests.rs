use super::*;
use crate::confirm::Retries;
use crate::testing::{at, claim, insert, key, name, on_both, pair, plan, release, report, runner, target, token};
use crate::{Store, results};

async fn report_of(store: &Store, runner: protocol::RunnerId, on: &str, reason: Reason, minute: i64) -> RunId {
    let claimed = claim(store, runner, &[on], at(minute)).await.unwrap();
    let token = token();
    let mut tx = store.begin().await.unwrap();
    let accepted = results::accept(
        &mut tx,
        &key(&claimed, runner, &token),
        &report(&claimed, reason),
        Retries::default(),
        at(minute),
    )
    .await
    .unwrap();
    assert_eq!(accepted, results::Acceptance::Accepted);
    tx.commit().await.unwrap();
    claimed.run_id
}

#[tokio::test]
async fn a_cell_says_where_its_job_stands_and_what_was_found() {
    on_both(async |store| {
        let (pair, _) = pair(&store).await;
        for on in ["pg16-amd64", "pg18-amd64"] {
            plan(&store, pair, on, "theory", at(0)).await;
        }
        let runner = runner(&store, "attic").await;
        let run = report_of(&store, runner, "pg17-amd64", Reason::TestsFailed, 2).await;
        report_of(&store, runner, "pg17-amd64", Reason::TestsFailed, 2).await;
        let going = claim(&store, runner, &["pg18-amd64"], at(3)).await.unwrap();

        let mut conn = store.read().await.unwrap();
        let cells = of_dist(&mut conn, &name("PAIR")).await.unwrap();
        let seen: Vec<_> = cells.iter().map(|cell| (cell.target.to_string(), cell.state, cell.run_id)).collect();
        assert_eq!(
            seen,
            [
                ("pg16-amd64".into(), JobState::Queued, None),
                ("pg17-amd64".into(), JobState::Finished, None),
                ("pg18-amd64".into(), JobState::Running, Some(going.run_id)),
            ]
        );
        let expected = Summary {
            run_id: run,
            grade: Grade::Fail,
            phase: Phase::Installcheck,
            reason: Reason::TestsFailed,
            flags: vec![Flag::Crash, Flag::Warnings],
            detail: "1 of 2 tests".into(),
            decisive: Some("not ok 2 - pair".into()),
            postgresql: Some("17.11".into()),
            tests: 2,
            tests_failed: 1,
            started_at: at(1),
            finished_at: at(2),
            accepted_at: at(2),
        };
        assert_eq!(cells[1].result, Some(expected));
        assert_eq!(of_release(&mut conn, pair).await.unwrap(), cells);
        assert_eq!(of_releases(&mut conn, &[pair]).await.unwrap(), cells);
        assert_eq!(cell(&mut conn, pair, target("pg16-amd64")).await.unwrap().as_ref(), cells.first());
        assert_eq!(cell(&mut conn, pair, target("pg15-amd64")).await.unwrap(), None);
        assert_eq!(of_dist(&mut conn, &name("pear")).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn the_cells_of_any_number_of_releases_are_read_by_an_index() {
    on_both(async |store| {
        let mut ids = Vec::new();
        for number in 0..130 {
            let id = insert(&store, &release("pair", &format!("1.0.{number}"))).await.id();
            plan(&store, id, "pg17-amd64", "theory", at(0)).await;
            ids.push(id);
        }
        let mut conn = store.read().await.unwrap();
        let mut found: Vec<_> =
            of_releases(&mut conn, &ids).await.unwrap().iter().map(|cell| cell.release_id).collect();
        found.sort();
        ids.sort();
        assert_eq!(found, ids);
        assert_eq!(of_releases(&mut conn, &[]).await.unwrap(), []);
        let sql = (1..=100).rev().fold(OF_HUNDRED.to_owned(), |sql, n| sql.replace(&format!("${n}"), "'x'"));
        let plan = crate::testing::explain(&mut conn, &sql).await;
        assert_eq!(crate::testing::full_scans(&plan), [""; 0], "{plan}");
    })
    .await;
}

#[tokio::test]
async fn verdicts_are_listed_newest_first_in_pages() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let mut expected = Vec::new();
        for (number, minute) in [(0, 1), (1, 2), (2, 2), (3, 2), (4, 3)] {
            let id = insert(&store, &release("pair", &format!("1.0.{number}"))).await.id();
            plan(&store, id, "pg17-amd64", "theory", at(0)).await;
            expected.push((at(minute), report_of(&store, runner, "pg17-amd64", Reason::TestsPassed, minute).await));
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
        let first = report_of(&store, runner, "pg17-amd64", Reason::TestsFailed, 1).await;
        let dist = name("pair");
        let wish = crate::jobs::Requeue { dist: &dist, version: None, target: None, priority: Priority::Asked };
        let mut tx = store.begin().await.unwrap();
        crate::jobs::requeue(&mut tx, &wish, at(2)).await.unwrap();
        tx.commit().await.unwrap();
        let second = report_of(&store, runner, "pg17-amd64", Reason::TestsPassed, 3).await;
        let mut conn = store.read().await.unwrap();
        let ids: Vec<RunId> = of_job(&mut conn, job).await.unwrap().iter().map(|line| line.summary.run_id).collect();
        assert_eq!(ids, [second, first]);
        let cells = of_dist(&mut conn, &dist).await.unwrap();
        assert_eq!(cells[0].result.as_ref().unwrap().run_id, second);
    })
    .await;
}
