use super::*;
use crate::testing::{LEASE, at, claim, key, name, on_both, pair, plan, runner, target, token, version};

#[tokio::test]
async fn what_runs_now_is_listed_with_phase_and_runner_the_oldest_first() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        plan(&store, release, "pg16-amd64", "theory", at(0)).await;
        let (attic, cellar, token) = (runner(&store, "attic").await, runner(&store, "cellar").await, token());
        let first = claim(&store, attic, &["pg17-amd64"], at(1)).await.unwrap();
        let second = claim(&store, cellar, &["pg16-amd64"], at(2)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        renew(&mut tx, &key(&first, attic, &token), Some(Phase::Build), LEASE, at(3)).await.unwrap();
        tx.commit().await.unwrap();

        let mut conn = store.read().await.unwrap();
        let list = running(&mut conn, 10).await.unwrap();
        assert_eq!(list.iter().map(|run| run.id).collect::<Vec<_>>(), [first.run_id, second.run_id]);
        let expected = Run {
            id: first.run_id,
            job_id: first.job_id,
            job_state: JobState::Running,
            release_id: release,
            dist: name("pair"),
            version: version("1.0.0"),
            target: target("pg17-amd64"),
            runner_id: attic,
            runner: "attic".into(),
            attempt: 1,
            state: RunState::Open,
            phase: Some(Phase::Build),
            claimed_at: at(1),
            renewed_at: at(3),
            expires_at: at(8),
            ended_at: None,
        };
        assert_eq!(list[0], expected);
        assert_eq!(get(&mut conn, first.run_id).await.unwrap(), Some(expected.clone()));
        let detail = detail(&mut conn, first.run_id).await.unwrap().unwrap();
        assert_eq!((detail.run, detail.result), (Some(expected), None));
    })
    .await;
}

#[tokio::test]
async fn every_run_of_a_job_is_kept() {
    on_both(async |store| {
        let (_, job) = pair(&store).await;
        let (runner, token) = (runner(&store, "attic").await, token());
        let first = claim(&store, runner, &["pg17-amd64"], at(1)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        release(&mut tx, &key(&first, runner, &token), at(2)).await.unwrap();
        tx.commit().await.unwrap();
        let second = claim(&store, runner, &["pg17-amd64"], at(3)).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let runs = of_job(&mut conn, job, 100).await.unwrap();
        let seen: Vec<_> = runs.iter().map(|run| (run.id, run.state, run.ended_at)).collect();
        assert_eq!(seen, [(second.run_id, RunState::Open, None), (first.run_id, RunState::Released, Some(at(2)))]);
        assert_eq!(running(&mut conn, 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_never_was_is_none() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        assert_eq!(get(&mut conn, RunId::new(at(0))).await.unwrap(), None);
        assert_eq!(detail(&mut conn, RunId::new(at(0))).await.unwrap(), None);
    })
    .await;
}
