use super::*;
use crate::testing::{at, claim, insert, judge, name, on_both, pair, plan, release, runner, target};

#[tokio::test]
async fn a_cell_says_where_its_job_stands_and_what_was_found() {
    on_both(async |store| {
        let (pair, _) = pair(&store).await;
        for on in ["pg16-amd64", "pg18-amd64"] {
            plan(&store, pair, on, "theory", at(0)).await;
        }
        let runner = runner(&store, "attic").await;
        let run = judge(&store, runner, "pg17-amd64", Reason::TestsFailed, 2).await;
        judge(&store, runner, "pg17-amd64", Reason::TestsFailed, 2).await;
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
