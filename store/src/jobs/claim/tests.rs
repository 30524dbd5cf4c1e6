use super::*;
use crate::Store;
use crate::jobs::{get, of_release};
use crate::results;
use crate::testing::{at, insert, key, on_both, plan, release, report, runner, target};

const LEASE: Duration = Duration::from_mins(5);

/// Claims as the coordinator does; what was claimed before counts.
async fn claim_as(store: &Store, runner_id: RunnerId, token: &str, now: Timestamp) -> Option<Claimed> {
    let (token, targets) = (TokenHash::of(token), [target("pg17-amd64")]);
    let claim = Claim { runner_id, targets: &targets, run_id: RunId::new(now), token: &token, lease: LEASE };
    let mut tx = store.begin().await.unwrap();
    let claimed = super::claim(&mut tx, &claim, now).await.unwrap();
    if let Some(before) = claimed_before(&mut tx, &claim, now).await.unwrap() {
        return before;
    }
    tx.commit().await.unwrap();
    claimed
}

#[tokio::test]
async fn a_claim_that_is_said_again_gets_the_lease_that_it_opened() {
    on_both(async |store| {
        for number in 0..2 {
            let release = insert(&store, &release("theory", &format!("1.0.{number}"))).await.id();
            plan(&store, release, "pg17-amd64", "theory", at(0)).await;
        }
        let (ada, eve) = (runner(&store, "ada").await, runner(&store, "eve").await);
        let first = claim_as(&store, ada, "a", at(1)).await.unwrap();
        let again = claim_as(&store, ada, "a", at(2)).await;
        assert_eq!(again.as_ref(), Some(&first));
        let job = get(&mut store.read().await.unwrap(), first.job_id).await.unwrap().unwrap();
        assert_eq!((job.attempts, job.run_id), (1, Some(first.run_id)));
        let other = claim_as(&store, eve, "a", at(2)).await.unwrap();
        assert_ne!(other.job_id, first.job_id, "another runner's token is another token");
        assert_eq!(claim_as(&store, ada, "a", at(3)).await.as_ref(), Some(&first), "also where nothing waits");
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_is_revoked_while_its_claim_waits_gets_no_job() {
    on_both(async |store| {
        let release = insert(&store, &release("theory", "1.0.0")).await.id();
        plan(&store, release, "pg17-amd64", "theory", at(0)).await;
        let (ada, eve) = (runner(&store, "ada").await, runner(&store, "eve").await);
        let mut tx = store.begin().await.unwrap();
        assert!(crate::runners::revoke(&mut tx, eve, at(1)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(claim_as(&store, eve, "a", at(2)).await, None);
        assert!(claim_as(&store, ada, "b", at(2)).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_claim_that_arrives_after_its_report_claims_nothing() {
    on_both(async |store| {
        let mut ids = Vec::new();
        for number in 0..2 {
            let release = insert(&store, &release("theory", &format!("1.0.{number}"))).await.id();
            ids.push((release, plan(&store, release, "pg17-amd64", "theory", at(0)).await));
        }
        let ada = runner(&store, "ada").await;
        let first = claim_as(&store, ada, "a", at(1)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let token = TokenHash::of("a");
        let report = report(&first, protocol::Reason::TestsPassed);
        let retries = crate::confirm::Retries::default();
        results::accept(&mut tx, &key(&first, ada, &token), &report, retries, at(2)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claim_as(&store, ada, "a", at(3)).await, None);
        let mut conn = store.read().await.unwrap();
        for (release, _) in ids {
            let jobs = of_release(&mut conn, release).await.unwrap();
            assert!(jobs.iter().all(|job| job.state != JobState::Running), "{jobs:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_whose_lease_was_never_heard_of_again_may_claim_anew() {
    on_both(async |store| {
        let release = insert(&store, &release("theory", "1.0.0")).await.id();
        plan(&store, release, "pg17-amd64", "theory", at(0)).await;
        let ada = runner(&store, "ada").await;
        let first = claim_as(&store, ada, "a", at(0)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        assert_eq!(crate::runs::expire(&mut tx, at(5), 10).await.unwrap().len(), 1);
        tx.commit().await.unwrap();
        let second = claim_as(&store, ada, "a", at(5)).await.unwrap();
        assert_eq!((second.job_id, second.attempt), (first.job_id, 2));
    })
    .await;
}
