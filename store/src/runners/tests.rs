use super::*;
use crate::testing::{at, on_both, runner, target};

#[tokio::test]
async fn a_runner_is_known_by_its_token_until_it_is_revoked() {
    on_both(async |store| {
        let id = runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        let found = authenticate(&mut tx, &TokenHash::of("attic"), at(0)).await.unwrap().unwrap().runner;
        assert_eq!((found.id, found.name.as_str(), found.created_at), (id, "attic", at(0)));
        assert_eq!(authenticate(&mut tx, &TokenHash::of("other"), at(0)).await.unwrap(), None);

        assert!(revoke(&mut tx, id, at(1)).await.unwrap());
        assert!(!revoke(&mut tx, id, at(2)).await.unwrap());
        assert_eq!(authenticate(&mut tx, &TokenHash::of("attic"), at(0)).await.unwrap(), None);
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
        assert_eq!(authenticate(&mut tx, &TokenHash::of("attic"), at(0)).await.unwrap(), None);
        assert_eq!(authenticate(&mut tx, &TokenHash::of("new"), at(0)).await.unwrap().unwrap().runner.id, id);
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

/// By which of two tokens a runner is known after so many minutes.
async fn known(tx: &mut Tx, minutes: i64) -> Vec<&'static str> {
    let mut known = Vec::new();
    for token in ["attic", "new"] {
        if authenticate(tx, &TokenHash::of(token), at(minutes)).await.unwrap().is_some() {
            known.push(token);
        }
    }
    known
}

#[tokio::test]
async fn the_old_token_ends_with_the_first_use_of_the_new_one() {
    on_both(async |store| {
        let id = runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        assert!(rotate(&mut tx, id, &TokenHash::of("lost"), at(0)).await.unwrap());
        assert!(rotate(&mut tx, id, &TokenHash::of("new"), at(1)).await.unwrap());
        assert_eq!(authenticate(&mut tx, &TokenHash::of("lost"), at(1)).await.unwrap(), None);
        assert_eq!(known(&mut tx, 1).await, ["attic", "new"]);
        let by_next = async |tx: &mut Tx, token| {
            authenticate(tx, &TokenHash::of(token), at(1)).await.unwrap().map(|known| known.by_next)
        };
        assert_eq!((by_next(&mut tx, "attic").await, by_next(&mut tx, "new").await), (Some(false), Some(true)));
        settle(&mut tx, id, &TokenHash::of("attic")).await.unwrap();
        assert_eq!(known(&mut tx, 1).await, ["attic", "new"], "only the next one can take its place");
        settle(&mut tx, id, &TokenHash::of("new")).await.unwrap();
        assert_eq!((known(&mut tx, 1).await, by_next(&mut tx, "new").await), (vec!["new"], Some(false)));
        revoke(&mut tx, id, at(2)).await.unwrap();
        assert!(!rotate(&mut tx, id, &TokenHash::of("newer"), at(2)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn the_old_token_ends_an_hour_after_a_new_one_that_nobody_uses() {
    on_both(async |store| {
        let id = runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        rotate(&mut tx, id, &TokenHash::of("new"), at(0)).await.unwrap();
        assert_eq!(known(&mut tx, 59).await, ["attic", "new"]);
        assert_eq!(known(&mut tx, 60).await, ["new"]);
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_is_away_keeps_its_targets_and_is_waited_for_by_nobody() {
    on_both(async |store| {
        let id = runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        touch(&mut tx, id, "0.1.0", &[target("pg17-amd64")], at(0)).await.unwrap();
        let absence = Absence { why: protocol::Away::Hours, until: Some(at(60)) };
        set_absence(&mut tx, id, Some(absence)).await.unwrap();
        let away = by_name(&mut tx, "attic").await.unwrap().unwrap();
        assert_eq!((away.absence, away.targets.len()), (Some(absence), 1));
        assert!(!away.works_on(target("pg17-amd64"), at(1)));
        set_absence(&mut tx, id, None).await.unwrap();
        let back = by_name(&mut tx, "attic").await.unwrap().unwrap();
        assert!(back.absence.is_none() && back.works_on(target("pg17-amd64"), at(1)));
    })
    .await;
}
