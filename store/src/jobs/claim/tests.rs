use protocol::JobState;

use super::*;
use crate::jobs::{get, of_release};
use crate::testing::{at, claim_in, dump, insert, key, on_both, plan, release, report, runner, target};
use crate::{Store, runners};

const LEASE: Duration = Duration::from_mins(5);

/// Claims as the coordinator does; what was claimed before counts.
async fn claim_as(store: &Store, runner_id: RunnerId, token: &str, now: Timestamp) -> Option<Claimed> {
    let (token, targets) = (TokenHash::of(token), [target("pg17-amd64")]);
    let claim =
        Claim { runner_id, targets: &targets, run_id: RunId::new(now), token: &token, chosen: true, lease: LEASE };
    let mut tx = store.begin().await.unwrap();
    let claimed = claim_in(&mut tx, &claim, now).await;
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
        crate::testing::accept_one(&mut tx, &key(&first, ada, &token), &report, retries, at(2)).await.unwrap();
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

#[tokio::test]
async fn claims_together_get_what_one_after_the_other_would_get() {
    on_both(async |store| {
        let targets = [target("pg17-amd64"), target("pg16-amd64")];
        let mut runners = Vec::new();
        for number in 0..12 {
            runners.push(runner(&store, &format!("runner {number}")).await);
        }
        for (owner, releases) in [("ada", 6_u8), ("bob", 2), ("eve", 1), ("zoe", 3)] {
            for number in 0..releases {
                let release = insert(&store, &release(owner, &format!("1.0.{number}"))).await.id();
                for on in &targets[..=usize::from(number % 2)] {
                    plan(&store, release, &on.to_string(), owner, at(number.into())).await;
                }
            }
            // A turn for each, so that none has had it as long ago as another; the last is not for who lost it.
            let claimed = crate::testing::claim(&store, runners[11], &["pg17-amd64"], at(10)).await.unwrap();
            let mut tx = store.begin().await.unwrap();
            crate::runs::forfeit(&mut tx, runners[11], at(10)).await.unwrap();
            runners::touch(&mut tx, runners[0], "1", &targets, at(10)).await.unwrap();
            assert_eq!(crate::runs::expire(&mut tx, at(10), 10).await.unwrap()[0].run_id, claimed.run_id);
            tx.commit().await.unwrap();
        }
        let tokens: Vec<TokenHash> = (0..30).map(|number| TokenHash::of(&format!("token {number}"))).collect();
        let claims: Vec<Claim<'_>> = (0..30)
            .map(|number| Claim {
                runner_id: runners[number % 12],
                targets: &targets[..if number % 7 == 6 { 1 } else { 2 }],
                run_id: RunId::new(at(11)),
                token: &tokens[number],
                chosen: number % 3 == 0,
                lease: LEASE,
            })
            .collect();

        let mut tx = store.begin().await.unwrap();
        let together = super::claim(&mut tx, &claims, at(11)).await.unwrap();
        let left = dump(&mut tx).await;
        drop(tx);
        let mut tx = store.begin().await.unwrap();
        let mut alone = Vec::new();
        for claim in &claims {
            alone.extend(super::claim(&mut tx, std::slice::from_ref(claim), at(11)).await.unwrap());
        }
        let jobs = together.iter().filter(|answer| matches!(answer, Answer::Job(_))).count();
        assert_eq!(jobs, 17);
        assert_eq!(together, alone);
        assert_eq!(left, dump(&mut tx).await);
    })
    .await;
}

#[tokio::test]
async fn the_same_claim_twice_at_once_gets_one_job() {
    on_both(async |store| {
        for number in 0..3 {
            let release = insert(&store, &release("theory", &format!("1.0.{number}"))).await.id();
            plan(&store, release, "pg17-amd64", "theory", at(0)).await;
        }
        let (ada, token, targets) = (runner(&store, "ada").await, TokenHash::of("a"), [target("pg17-amd64")]);
        let claim = |minute| Claim {
            runner_id: ada,
            targets: &targets,
            run_id: RunId::new(at(minute)),
            token: &token,
            chosen: true,
            lease: LEASE,
        };
        let mut tx = store.begin().await.unwrap();
        let answers = super::claim(&mut tx, &[claim(1), claim(2)], at(2)).await.unwrap();
        let [Answer::Job(first), Answer::Before(again)] = answers.as_slice() else { panic!("{answers:?}") };
        assert_eq!(first, again);
    })
    .await;
}
