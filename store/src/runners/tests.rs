use super::*;
use crate::testing::{at, on_both, runner, target};

#[tokio::test]
async fn a_runner_is_known_by_its_token_until_it_is_revoked() {
    on_both(async |store| {
        let id = runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        let found = authenticate(&mut tx, &TokenHash::of("attic")).await.unwrap().unwrap();
        assert_eq!((found.id, found.name.as_str(), found.created_at), (id, "attic", at(0)));
        assert_eq!(authenticate(&mut tx, &TokenHash::of("other")).await.unwrap(), None);

        assert!(revoke(&mut tx, id, at(1)).await.unwrap());
        assert!(!revoke(&mut tx, id, at(2)).await.unwrap());
        assert_eq!(authenticate(&mut tx, &TokenHash::of("attic")).await.unwrap(), None);
        assert_eq!(by_name(&mut tx, "attic").await.unwrap().unwrap().revoked_at, Some(at(1)));
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_until_its_runner_is_revoked() {
    on_both(async |store| {
        let first = runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        let token = TokenHash::of("second");
        let second = NewRunner { id: RunnerId::new(at(1)), name: "attic", token: &token };
        assert!(!add(&mut tx, &second, at(1)).await.unwrap());
        revoke(&mut tx, first, at(2)).await.unwrap();
        assert!(add(&mut tx, &second, at(3)).await.unwrap());
        let ids: Vec<RunnerId> = list(&mut tx).await.unwrap().iter().map(|runner| runner.id).collect();
        assert_eq!((ids.len(), ids.contains(&first), ids.contains(&second.id)), (2, true, true));
    })
    .await;
}

#[tokio::test]
async fn a_new_token_replaces_the_old_one() {
    on_both(async |store| {
        let id = runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        assert!(set_token(&mut tx, id, &TokenHash::of("new")).await.unwrap());
        assert_eq!(authenticate(&mut tx, &TokenHash::of("attic")).await.unwrap(), None);
        assert_eq!(authenticate(&mut tx, &TokenHash::of("new")).await.unwrap().unwrap().id, id);
        revoke(&mut tx, id, at(1)).await.unwrap();
        assert!(!set_token(&mut tx, id, &TokenHash::of("newer")).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn what_a_runner_says_is_written_when_it_changes_or_half_a_minute_later() {
    on_both(async |store| {
        let id = runner(&store, "attic").await;
        let targets = [target("pg17-amd64"), target("pg18-amd64")];
        let mut tx = store.begin().await.unwrap();
        let seen = async |tx: &mut Tx| by_name(tx, "attic").await.unwrap().unwrap().last_seen_at;
        touch(&mut tx, id, "0.1.0", &targets, at(0)).await.unwrap();
        let soon = at(0).plus(Duration::from_secs(29));
        touch(&mut tx, id, "0.1.0", &targets, soon).await.unwrap();
        assert_eq!(seen(&mut tx).await, Some(at(0)));
        touch(&mut tx, id, "0.1.0", &targets[..1], soon).await.unwrap();
        assert_eq!(seen(&mut tx).await, Some(soon));
        touch(&mut tx, id, "0.1.0", &targets[..1], at(2)).await.unwrap();
        assert_eq!(seen(&mut tx).await, Some(at(2)));
        let runner = by_name(&mut tx, "attic").await.unwrap().unwrap();
        assert_eq!((runner.version.as_str(), runner.targets.as_slice()), ("0.1.0", &targets[..1]));
    })
    .await;
}
