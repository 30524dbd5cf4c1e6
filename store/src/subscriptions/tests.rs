use super::*;
use crate::Store;
use crate::testing::{at, name, on_both};

fn new<'a>(dist: &'a Name, target_key: &'a str) -> NewSubscription<'a> {
    NewSubscription {
        id: SubscriptionId::new(at(0)),
        dist,
        channel: Channel::Webhook,
        proof: Proof::File,
        target_key,
        address: "sealed",
        shown: "https://example.org/…",
        hold: Duration::ZERO,
    }
}

async fn started(store: &Store, new: &NewSubscription<'_>) -> Started {
    let mut tx = store.begin().await.unwrap();
    let started = start(&mut tx, new, at(1)).await.unwrap();
    tx.commit().await.unwrap();
    started
}

#[tokio::test]
async fn the_same_wish_twice_is_one_subscription_until_it_ends() {
    on_both(async |store| {
        let (pair, upper) = (name("pair"), name("PAIR"));
        let first = new(&pair, "aa");
        assert_eq!(started(&store, &first).await, Started::New(first.id));
        assert_eq!(started(&store, &new(&upper, "aa")).await, Started::Known(first.id));
        let other = new(&pair, "bb");
        assert_eq!(started(&store, &other).await, Started::New(other.id));

        let mut tx = store.begin().await.unwrap();
        assert!(end(&mut tx, first.id, "its holder ended it", at(2)).await.unwrap());
        assert!(!end(&mut tx, first.id, "again", at(3)).await.unwrap());
        tx.commit().await.unwrap();
        let ended = get(&mut store.read().await.unwrap(), first.id).await.unwrap().unwrap();
        assert_eq!((ended.state, ended.ended_at), (SubscriptionState::Ended, Some(at(2))));
        assert_eq!((ended.end_reason.as_str(), ended.address.as_str()), ("its holder ended it", "sealed"));
        let anew = new(&pair, "aa");
        assert_eq!(started(&store, &anew).await, Started::New(anew.id));
        assert_eq!(get(&mut store.read().await.unwrap(), SubscriptionId::new(at(9))).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_distribution_has_so_many_subscriptions_and_no_more() {
    on_both(async |store| {
        let pair = name("pair");
        for number in 0..MOST {
            let key = format!("{number}");
            assert!(matches!(started(&store, &new(&pair, &key)).await, Started::New(_)));
        }
        assert_eq!(started(&store, &new(&pair, "one more")).await, Started::Full);
        assert!(matches!(started(&store, &new(&name("other"), "one more")).await, Started::New(_)));
        assert!(matches!(started(&store, &new(&pair, "3")).await, Started::Known(_)));
    })
    .await;
}

#[tokio::test]
async fn what_there_is_at_the_other_end_is_remembered() {
    on_both(async |store| {
        let pair = name("pair");
        let one = new(&pair, "aa");
        started(&store, &one).await;
        let mut tx = store.begin().await.unwrap();
        set_remote(&mut tx, one.id, "17").await.unwrap();
        assert_eq!(get(&mut tx, one.id).await.unwrap().unwrap().remote, "17");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_sent_many_links_to_confirm() {
    on_both(async |store| {
        let patience = Patience { pair: Duration::from_hours(12), address: 2, all: 3 };
        let ask = async |address: &str, dist: &str, minute: i64| {
            let mut tx = store.begin().await.unwrap();
            let may = may_confirm(&mut tx, (address, &name(dist)), patience, at(minute)).await.unwrap();
            tx.commit().await.unwrap();
            may
        };
        assert!(ask("a", "pair", 0).await);
        assert!(!ask("a", "PAIR", 60).await, "the same again");
        assert!(ask("a", "other", 61).await);
        assert!(!ask("a", "third", 62).await, "the third in a day");
        assert!(ask("b", "pair", 63).await);
        assert!(ask("c", "pair", 64).await);
        assert!(!ask("d", "pair", 65).await, "the fourth in an hour");
        assert!(ask("d", "pair", 130).await);
        assert!(!ask("a", "pair", 12 * 60 + 1).await, "two in a day are enough, whatever the distribution");
        assert!(ask("a", "pair", 24 * 60 + 70).await);
    })
    .await;
}
