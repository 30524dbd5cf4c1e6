use protocol::{Flag, Reason};

use super::*;
use crate::Store;
use crate::confirm::Retries;
use crate::testing::{at, claim, insert, key, on_both, pair, plan, release, report, runner, token};

/// Claims a job on a target and reports it, accepted at a minute.
async fn found(store: &Store, runner: protocol::RunnerId, on: &str, reason: Reason, minute: i64) {
    let claimed = claim(store, runner, &[on], at(1)).await.unwrap();
    let (token, report) = (token(), report(&claimed, reason));
    let mut tx = store.begin().await.unwrap();
    let key = key(&claimed, runner, &token);
    crate::testing::accept_one(&mut tx, &key, &report, Retries::default(), at(minute)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn every_result_is_in_one_chunk_in_the_order_of_acceptance() {
    on_both(async |store| {
        let (id, _) = pair(&store).await;
        let runner = runner(&store, "attic").await;
        for (minute, target) in [(3, "pg16-amd64"), (3, "pg15-amd64"), (2, "pg14-amd64"), (5, "pg13-amd64")] {
            plan(&store, id, target, "theory", at(0)).await;
            found(&store, runner, target, Reason::TestsPassed, minute).await;
        }
        let mut conn = store.read().await.unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let chunk = results(&mut conn, after, at(5), 2).await.unwrap();
            let Some(last) = chunk.last() else { break };
            after = Some((last.line.summary.accepted_at, last.line.summary.run_id));
            seen.extend(chunk);
        }
        let times: Vec<_> = seen.iter().map(|row| row.line.summary.accepted_at).collect();
        assert_eq!(times, [at(2), at(3), at(3)], "what may still be on its way is left for the next time");
        assert!(seen.iter().all(|row| row.stands && row.round == 0 && row.sha1.len() == 40));
        assert_eq!((seen[0].line.dist.as_str(), seen[0].line.runner.as_deref()), ("pair", Some("attic")));
    })
    .await;
}

#[tokio::test]
async fn only_what_stands_says_whether_it_is_in_doubt() {
    on_both(async |store| {
        pair(&store).await;
        let runner = runner(&store, "attic").await;
        found(&store, runner, "pg17-amd64", Reason::TestsFailed, 2).await;
        let rows = async || results(&mut store.read().await.unwrap(), None, at(9), 10).await.unwrap();
        let first = rows().await;
        assert!(first[0].stands && first[0].line.summary.flags.contains(&Flag::Unconfirmed), "{first:?}");
        found(&store, runner, "pg17-amd64", Reason::TestsPassed, 3).await;
        let both = rows().await;
        assert_eq!(both.iter().map(|row| row.stands).collect::<Vec<_>>(), [false, true]);
        assert!(!both[0].line.summary.flags.contains(&Flag::Flaky), "an older one says what its runner said");
        assert!(both[1].line.summary.flags.contains(&Flag::Flaky));
    })
    .await;
}

#[tokio::test]
async fn releases_go_on_after_the_last_one_that_was_read() {
    on_both(async |store| {
        for version in ["1.0.0", "1.1.0", "1.2.0"] {
            insert(&store, &release("pair", version)).await;
        }
        let mut conn = store.read().await.unwrap();
        let all = releases(&mut conn, None, at(1), 10).await.unwrap();
        let rest = releases(&mut conn, Some(all[0].id), at(1), 10).await.unwrap();
        assert_eq!((all.len(), &rest[..]), (3, &all[1..]));
        assert_eq!(releases(&mut conn, None, at(0), 10).await.unwrap(), []);
    })
    .await;
}
