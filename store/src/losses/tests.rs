use super::*;
use crate::runs::{expire, renew};
use crate::testing::{LEASE, at, claim, insert, key, on_both, pair, plan, release, runner, target, token};
use crate::{Store, runners};

const PG17: &[&str] = &["pg17-amd64"];

async fn expire_at(store: &Store, minute: i64) {
    let mut tx = store.begin().await.unwrap();
    expire(&mut tx, at(minute), 100).await.unwrap();
    tx.commit().await.unwrap();
}

async fn known(store: &Store, name: &str) -> Runner {
    runners::by_name(&mut store.read().await.unwrap(), name).await.unwrap().unwrap()
}

/// More jobs than a runner may have.
async fn many(store: &Store) {
    for patch in 0..70 {
        let release = insert(store, &release("many", &format!("1.0.{patch}"))).await.id();
        plan(store, release, PG17[0], "theory", at(0)).await;
    }
}

#[tokio::test]
async fn a_runner_that_claims_everything_gets_no_more_than_it_can_run() {
    on_both(async |store| {
        many(&store).await;
        let greedy = runner(&store, "greedy").await;
        let mut claimed = Vec::new();
        while let Some(one) = claim(&store, greedy, PG17, at(0)).await {
            claimed.push(one);
        }
        assert_eq!(claimed.len(), MOST_LEASES as usize);
        let other = runner(&store, "other").await;
        assert!(claim(&store, other, PG17, at(0)).await.is_some(), "others get what is left");
        expire_at(&store, 5).await;
        let known = known(&store, "greedy").await;
        assert_eq!((known.lost, known.lost_at, known.held_until()), (1, Some(at(5)), None), "all at once is one loss");
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_reports_nothing_gets_ever_less_until_it_does() {
    on_both(async |store| {
        many(&store).await;
        let idle = runner(&store, "idle").await;
        for lost in 0..3 {
            let minute = lost * 10;
            assert!(claim(&store, idle, PG17, at(minute)).await.is_some());
            assert!(claim(&store, idle, PG17, at(minute)).await.is_some(), "several at a time");
            expire_at(&store, minute + 5).await;
        }
        let held = known(&store, "idle").await;
        assert_eq!((held.lost, held.held_until()), (3, Some(at(26))));
        assert!(held.is_held(at(25)) && !held.is_held(at(26)));
        assert!(claim(&store, idle, PG17, at(26)).await.is_some());
        assert!(claim(&store, idle, PG17, at(26)).await.is_none(), "one at a time");
        expire_at(&store, 31).await;
        assert_eq!(known(&store, "idle").await.held_until(), Some(at(33)), "twice as long");
        let mut tx = store.begin().await.unwrap();
        forgive(&mut tx, idle).await.unwrap();
        tx.commit().await.unwrap();
        let free = known(&store, "idle").await;
        assert_eq!((free.lost, free.held_until()), (0, None));
    })
    .await;
}

#[test]
fn a_wait_has_an_end_however_much_was_lost() {
    let wait = |lost| {
        let runner = Runner {
            id: RunnerId::new(at(0)),
            name: String::new(),
            created_at: at(0),
            revoked_at: None,
            last_seen_at: None,
            version: String::new(),
            targets: Vec::new(),
            emulated: Vec::new(),
            quarantined_at: None,
            quarantine_reason: String::new(),
            absence: None,
            lost,
            lost_at: Some(at(0)),
        };
        runner.held_until().map(|until| until.since(at(0)))
    };
    assert_eq!([0, 2, 3, 4, 8].map(wait), [None, None, Some(WAITS.0), Some(WAITS.0 * 2), Some(WAITS.0 * 32)]);
    assert_eq!([20, u32::MAX].map(wait), [Some(WAITS.1); 2]);
}

#[tokio::test]
async fn what_was_lost_goes_to_another_runner_if_one_is_there() {
    on_both(async |store| {
        pair(&store).await;
        let (loser, other) = (runner(&store, "loser").await, runner(&store, "other").await);
        let here = async |minute| {
            let mut tx = store.begin().await.unwrap();
            for id in [loser, other] {
                runners::touch(&mut tx, id, "0", &[target(PG17[0])], at(minute)).await.unwrap();
            }
            tx.commit().await.unwrap();
        };
        let lost = claim(&store, loser, PG17, at(0)).await.unwrap();
        here(4).await;
        expire_at(&store, 5).await;
        assert!(claim(&store, loser, PG17, at(6)).await.is_none());
        let next = claim(&store, other, PG17, at(6)).await.unwrap();
        assert_eq!((next.job_id, next.attempt), (lost.job_id, 2));
        // Its lane is open to who has lost it, as soon as it is another one's.
        let release = insert(&store, &release("pair", "1.0.1")).await.id();
        let job = plan(&store, release, PG17[0], "theory", at(6)).await;
        assert_eq!(claim(&store, loser, PG17, at(7)).await.map(|claimed| claimed.job_id), Some(job));
    })
    .await;
}

#[tokio::test]
async fn a_lease_cannot_be_renewed_for_ever() {
    on_both(async |store| {
        many(&store).await;
        let (idle, token) = (runner(&store, "idle").await, token());
        let claimed = claim(&store, idle, PG17, at(0)).await.unwrap();
        let key = key(&claimed, idle, &token);
        let mut tx = store.begin().await.unwrap();
        for minute in (4..48 * 60).step_by(4) {
            renew(&mut tx, &key, None, LEASE, at(minute)).await.unwrap();
            assert!(expire(&mut tx, at(minute), 10).await.unwrap().is_empty(), "{minute}");
        }
        renew(&mut tx, &key, None, LEASE, at(48 * 60)).await.unwrap();
        assert_eq!(expire(&mut tx, at(48 * 60), 10).await.unwrap().len(), 1);
    })
    .await;
}
