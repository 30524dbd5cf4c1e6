use protocol::{Channel, Comparison, Proof, Reason, SubscriptionState};

use super::*;
use crate::Store;
use crate::subscriptions::{NewSubscription, start};
use crate::testing::{at, explain, full_scans, name, on_both, run_sql, runner, verdict};

const LEASE: Duration = Duration::from_mins(2);

async fn subscribe(store: &Store, dist: &str, key: &str, hold: Duration) -> SubscriptionId {
    let (id, dist) = (SubscriptionId::new(at(0)), name(dist));
    let new = NewSubscription {
        id,
        dist: &dist,
        channel: Channel::Webhook,
        proof: Proof::File,
        target_key: key,
        address: "sealed",
        shown: "https://example.org/…",
        hold,
    };
    let mut tx = store.begin().await.unwrap();
    start(&mut tx, &new, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn taken(store: &Store, minute: i64) -> Option<SubscriptionId> {
    let mut tx = store.begin().await.unwrap();
    let taken = take(&mut tx, LEASE, at(minute)).await.unwrap();
    tx.commit().await.unwrap();
    taken.map(|one| one.id)
}

async fn owed(store: &Store, id: SubscriptionId) -> Vec<Owed> {
    waiting(&mut store.read().await.unwrap(), id, 100).await.unwrap()
}

async fn states(store: &Store, id: SubscriptionId) -> Vec<(DeliveryState, u32, String)> {
    let log = log(&mut store.read().await.unwrap(), id, 100).await.unwrap();
    log.into_iter().map(|one| (one.state, one.attempts, one.said)).collect()
}

/// A release that fails after one that passes, and one that passes again.
async fn red_then_green(store: &Store) {
    let runner = runner(store, "attic").await;
    verdict(store, runner, "1.0.0", Reason::TestsPassed, 1).await;
    verdict(store, runner, "1.1.0", Reason::TestsFailed, 2).await;
    verdict(store, runner, "1.2.0", Reason::TestsPassed, 3).await;
}

#[tokio::test]
async fn what_turns_is_owed_to_every_subscription_of_the_distribution_in_its_order() {
    on_both(async |store| {
        let one = subscribe(&store, "PAIR", "aa", Duration::ZERO).await;
        let two = subscribe(&store, "pair", "bb", Duration::from_mins(10)).await;
        let other = subscribe(&store, "other", "aa", Duration::ZERO).await;
        red_then_green(&store).await;
        let found = owed(&store, one).await;
        let turns: Vec<_> = found.iter().map(|owed| owed.recorded.turn.comparison).collect();
        assert_eq!(turns, [Comparison::NewFail, Comparison::Fixed]);
        assert_eq!(found[0].key(), format!("{one}-{}", found[0].recorded.place));
        assert_eq!(owed(&store, two).await.len(), 2);
        assert!(owed(&store, other).await.is_empty());
        assert_eq!(taken(&store, 3).await, Some(one));
        assert_eq!(taken(&store, 3).await, None, "one is taken, the other one gathers");
        assert_eq!(taken(&store, 5).await, Some(one), "whoever took it did not come back");
        assert_eq!(taken(&store, 12).await, Some(one));
        assert_eq!(taken(&store, 12).await, Some(two));
    })
    .await;
}

#[tokio::test]
async fn what_is_delivered_is_done_and_the_rest_is_due_when_the_pause_is_over() {
    on_both(async |store| {
        let id = subscribe(&store, "pair", "aa", Duration::ZERO).await;
        red_then_green(&store).await;
        assert!(!is_due(&mut store.read().await.unwrap(), at(1)).await.unwrap());
        assert!(is_due(&mut store.read().await.unwrap(), at(2)).await.unwrap());
        let places: Vec<i64> = owed(&store, id).await.iter().map(|owed| owed.recorded.place).collect();
        let mut tx = store.begin().await.unwrap();
        let outcome = Outcome { id, places: &places[..1], said: "200 OK\r\n\0" };
        delivered(&mut tx, &outcome, Duration::from_mins(5), at(4)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(owed(&store, id).await.len(), 1);
        assert_eq!(taken(&store, 8).await, None);
        assert_eq!(taken(&store, 9).await, Some(id));
        let mut tx = store.begin().await.unwrap();
        let outcome = Outcome { id, places: &places[1..], said: "200 OK" };
        delivered(&mut tx, &outcome, Duration::ZERO, at(9)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(taken(&store, 99_999).await, None, "nothing is left");
        let done = (DeliveryState::Delivered, 1, "200 OK".to_owned());
        assert_eq!(states(&store, id).await, [done.clone(), done]);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_taken_waits_and_in_the_end_the_subscription_ends() {
    on_both(async |store| {
        let id = subscribe(&store, "pair", "aa", Duration::ZERO).await;
        red_then_green(&store).await;
        let first = owed(&store, id).await[0].recorded.place;
        let outcome = Outcome { id, places: &[first], said: "503 Service Unavailable" };
        let mut tx = store.begin().await.unwrap();
        put_off(&mut tx, &outcome, Duration::from_mins(1), at(4)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(taken(&store, 4).await, None);
        let mut tx = store.begin().await.unwrap();
        let again = take(&mut tx, LEASE, at(5)).await.unwrap().unwrap();
        assert_eq!((again.id, again.attempts), (id, 1));
        assert_eq!(waiting(&mut tx, id, 9).await.unwrap()[0].attempts, 1);
        given_up(&mut tx, &outcome, "it was not taken 2 times", at(5)).await.unwrap();
        tx.commit().await.unwrap();
        let said = "503 Service Unavailable".to_owned();
        let expected = [(DeliveryState::Dropped, 0, String::new()), (DeliveryState::Failed, 2, said)];
        assert_eq!(states(&store, id).await, expected);
        let ended = subscriptions::get(&mut store.read().await.unwrap(), id).await.unwrap().unwrap();
        assert_eq!((ended.state, ended.due_at), (SubscriptionState::Ended, None));
        assert_eq!(ended.end_reason, "it was not taken 2 times");
        let runner = runner(&store, "cellar").await;
        verdict(&store, runner, "1.3.0", Reason::TestsFailed, 6).await;
        assert_eq!(states(&store, id).await.len(), 2, "it hears of nothing any more");
    })
    .await;
}

#[tokio::test]
async fn a_subscription_to_which_too_much_is_owed_ends_and_says_so() {
    on_both(async |store| {
        let id = subscribe(&store, "pair", "aa", Duration::ZERO).await;
        red_then_green(&store).await;
        let mut tx = store.begin().await.unwrap();
        run_sql(
            &mut tx,
            "INSERT INTO turns (place, job_id, run_id, before_id, comparison, dist_key, user_key, major, turned_at)
             SELECT place + 1000 * extra.n, job_id, run_id, before_id, comparison || extra.n, dist_key, user_key, major, turned_at
             FROM turns CROSS JOIN (SELECT ROW_NUMBER() OVER (ORDER BY name, n) AS n FROM counters CROSS JOIN
                 (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7) AS seven
                 CROSS JOIN (SELECT 1 AS m UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6) AS six) AS extra",
        )
        .await;
        run_sql(
            &mut tx,
            "INSERT INTO deliveries (subscription_id, place, state)
             SELECT subscriptions.id, turns.place, 'waiting' FROM subscriptions CROSS JOIN turns WHERE turns.place > 1000",
        )
        .await;
        owe(&mut tx, &name("pair"), 1, at(9)).await.unwrap();
        tx.commit().await.unwrap();
        let ended = subscriptions::get(&mut store.read().await.unwrap(), id).await.unwrap().unwrap();
        assert_eq!(ended.end_reason, "too much waited to be delivered");
        assert!(owed(&store, id).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn no_look_for_what_is_owed_reads_a_whole_table() {
    on_both(async |store| {
        let id = subscribe(&store, "pair", "aa", Duration::ZERO).await;
        red_then_green(&store).await;
        let mut conn = store.read().await.unwrap();
        for sql in [WAITING, LOG, "SELECT id FROM subscriptions WHERE due_at <= 9 ORDER BY due_at, id LIMIT 1"] {
            let sql = sql.replace("$1", &format!("'{id}'")).replace("$2", "20");
            let plan = explain(&mut conn, &sql).await;
            assert_eq!(full_scans(&plan), [""; 0], "{sql}: {plan}");
        }
    })
    .await;
}
