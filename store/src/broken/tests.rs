use super::*;
use crate::testing::{at, insert, name, on_both, release};

async fn break_release(store: &crate::Store, dist: &str, minute: i64) -> u32 {
    let mut tx = store.begin().await.unwrap();
    let breakage = Breakage { dist, version: "1.0.0", reason: "META.json is not JSON", next_try_at: at(minute + 5) };
    let attempts = record(&mut tx, &breakage, at(minute)).await.unwrap();
    tx.commit().await.unwrap();
    attempts
}

#[tokio::test]
async fn a_broken_release_is_kept_with_its_reason_and_its_attempts() {
    on_both(async |store| {
        assert_eq!(break_release(&store, "Pair", 0).await, 1);
        assert_eq!(break_release(&store, "pair", 10).await, 2);
        let mut conn = store.read().await.unwrap();
        let expected = BrokenRelease {
            dist: "Pair".into(),
            version: "1.0.0".into(),
            reason: "META.json is not JSON".into(),
            first_seen_at: at(0),
            tried_at: at(10),
            attempts: 2,
            next_try_at: at(15),
        };
        let expected = [expected];
        assert_eq!(list(&mut conn, 10).await.unwrap(), expected);
        assert_eq!(of_dist(&mut conn, &name("pair")).await.unwrap(), expected);
        assert_eq!(due(&mut conn, at(14), 10).await.unwrap(), []);
        assert_eq!(due(&mut conn, at(15), 10).await.unwrap(), expected);
    })
    .await;
}

#[tokio::test]
async fn a_release_that_can_be_read_at_last_is_not_broken_any_more() {
    on_both(async |store| {
        break_release(&store, "pair", 0).await;
        insert(&store, &release("PAIR", "1.0.0")).await;
        assert_eq!(list(&mut store.read().await.unwrap(), 10).await.unwrap(), []);
        let mut tx = store.begin().await.unwrap();
        assert!(!mend(&mut tx, "pair", "1.0.0").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_takes_no_turn_from_what_can() {
    on_both(async |store| {
        for number in 0..5 {
            break_release(&store, &format!("../{number}"), 0).await;
        }
        break_release(&store, "pair", 1).await;
        let mut conn = store.read().await.unwrap();
        let askable = due(&mut conn, at(9), 2).await.unwrap();
        assert_eq!(askable.iter().map(|broken| broken.dist.as_str()).collect::<Vec<_>>(), ["pair"]);
        assert_eq!(nameless(&mut conn, at(9), 2).await.unwrap().len(), 2);
        assert_eq!(nameless(&mut conn, at(4), 2).await.unwrap(), []);
        assert_eq!(put_off(&mut conn, at(5)).await.unwrap(), [("pair".into(), "1.0.0".into())].into());
    })
    .await;
}

#[tokio::test]
async fn what_the_registry_announces_may_be_anything() {
    on_both(async |store| {
        let long = format!("../\0é{}", "x".repeat(5_000));
        assert_eq!(break_release(&store, &long, 0).await, 1);
        assert_eq!(break_release(&store, &long, 1).await, 2);
        let stored = list(&mut store.read().await.unwrap(), 10).await.unwrap();
        assert_eq!(stored[0].dist.chars().count(), MAX_NAME);
        let mut tx = store.begin().await.unwrap();
        assert!(mend(&mut tx, &long, "1.0.0").await.unwrap());
    })
    .await;
}
