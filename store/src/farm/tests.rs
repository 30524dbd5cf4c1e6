use protocol::{Flag, Reason};

use super::*;
use crate::confirm::Retries;
use crate::runners;
use crate::testing::{at, claim, insert, key, on_both, pair, plan, release, report, runner, target, token};

#[tokio::test]
async fn an_empty_farm_counts_nothing() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        let nothing =
            Counts { dists: 0, releases: 0, broken: 0, queued: 0, running: 0, results: 0, runners: 0, away: 0 };
        assert_eq!(counts(&mut conn, at(0)).await.unwrap(), nothing);
        assert!(shares(&mut conn).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_its_own_runner_found_flaky_counts_for_nothing() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        for (dist, flags) in
            [("pear", vec![Flag::Flaky]), ("plum", vec![Flag::Flaky, Flag::Warnings]), ("quince", vec![])]
        {
            let id = insert(&store, &release(dist, "1.0.0")).await.id();
            plan(&store, id, "pg17-amd64", "theory", at(0)).await;
            let claimed = claim(&store, runner, &["pg17-amd64"], at(1)).await.unwrap();
            let (token, mut report) = (token(), report(&claimed, Reason::TestsPassed));
            report.verdict.flags = flags;
            let mut tx = store.begin().await.unwrap();
            crate::testing::accept_one(&mut tx, &key(&claimed, runner, &token), &report, Retries::default(), at(2))
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        let shares = shares(&mut store.read().await.unwrap()).await.unwrap();
        assert_eq!(shares, BTreeMap::from([(target("pg17-amd64"), Share { passing: 1, judged: 1 })]));
    })
    .await;
}

#[tokio::test]
async fn the_farm_counts_what_it_has() {
    on_both(async |store| {
        pair(&store).await;
        for (dist, text, minute) in [("pear", "1.0.0", 1), ("pear", "1.1.0", 2), ("plum", "1.0.0", 3)] {
            let id = insert(&store, &release(dist, text)).await.id();
            plan(&store, id, "pg17-amd64", "theory", at(minute)).await;
        }
        let (runner, token) = (runner(&store, "attic").await, token());
        let mut tx = store.begin().await.unwrap();
        runners::touch(&mut tx, runner, "0.1.0", &[], at(1)).await.unwrap();
        tx.commit().await.unwrap();
        let verdict_of = async |reason| {
            let claimed = claim(&store, runner, &["pg17-amd64"], at(2)).await.unwrap();
            let (key, report) = (key(&claimed, runner, &token), report(&claimed, reason));
            let mut tx = store.begin().await.unwrap();
            crate::testing::accept_one(&mut tx, &key, &report, Retries::default(), at(3)).await.unwrap();
            tx.commit().await.unwrap();
        };
        for reason in [Reason::TestsPassed, Reason::TestsFailed, Reason::MissingHeader] {
            verdict_of(reason).await;
        }
        claim(&store, runner, &["pg17-amd64"], at(4)).await.unwrap();
        // The failure is confirmed when nothing newer waits any more.
        verdict_of(Reason::TestsFailed).await;
        insert(&store, &release("quince", "1.0.0")).await;

        let mut conn = store.read().await.unwrap();
        let expected =
            Counts { dists: 4, releases: 5, broken: 0, queued: 0, running: 1, results: 4, runners: 1, away: 0 };
        assert_eq!(counts(&mut conn, at(6)).await.unwrap(), expected);
        assert_eq!(counts(&mut conn, at(7)).await.unwrap().runners, 0);
        // pear 1.1.0 lacks a header, which judges nobody, and what was found of pear 1.0.0 does not matter any more.
        let shares = shares(&mut conn).await.unwrap();
        assert_eq!(shares, BTreeMap::from([(target("pg17-amd64"), Share { passing: 1, judged: 1 })]));
    })
    .await;
}
