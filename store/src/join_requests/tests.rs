use super::*;
use crate::Store;
use crate::testing::{at, name, on_both, runner};

/// Stores the wish of a machine, whose token is its name.
async fn asked(store: &Store, who: &str, now: Timestamp) -> Option<JoinRequest> {
    let (mut tx, token) = (store.begin().await.unwrap(), TokenHash::of(who));
    let new =
        NewRequest { id: JoinRequestId::new(now), name: &name(who), token: &token, note: "on a shelf", key: None };
    let asked = ask(&mut tx, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    asked
}

async fn approved(store: &Store, id: JoinRequestId, now: Timestamp) -> Decided {
    let mut tx = store.begin().await.unwrap();
    let decided = approve(&mut tx, id, RunnerId::new(now), now).await.unwrap();
    tx.commit().await.unwrap();
    decided
}

#[tokio::test]
async fn a_wish_becomes_a_runner_once_an_operator_approves() {
    on_both(async |store| {
        let request = asked(&store, "attic", at(0)).await.unwrap();
        assert_eq!((request.state, request.note.as_str()), (JoinState::Pending, "on a shelf"));
        assert_eq!(asked(&store, "attic", at(1)).await.unwrap(), request, "its answer was lost");
        let token = TokenHash::of("attic");
        let mut conn = store.read().await.unwrap();
        assert_eq!(runners::authenticate(&mut conn, &token, at(1)).await.unwrap(), None);
        assert_eq!(pending(&mut conn, at(1)).await.unwrap(), std::slice::from_ref(&request));

        assert_eq!(approved(&store, request.id, at(1)).await, Decided::Done(name("attic")));
        assert_eq!(runners::authenticate(&mut conn, &token, at(1)).await.unwrap().unwrap().runner.name, "attic");
        let told = of_asker(&mut conn, request.id, &token).await.unwrap().unwrap();
        assert_eq!(told.state, JoinState::Approved);
        assert_eq!(of_asker(&mut conn, request.id, &TokenHash::of("guess")).await.unwrap(), None);
        assert!(pending(&mut conn, at(1)).await.unwrap().is_empty());
        assert_eq!(approved(&store, request.id, at(2)).await, Decided::Before(JoinState::Approved));
    })
    .await;
}

#[tokio::test]
async fn a_wish_that_is_refused_stays_refused() {
    on_both(async |store| {
        let request = asked(&store, "attic", at(0)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        assert_eq!(refuse(&mut tx, request.id, at(1)).await.unwrap(), Decided::Done(name("attic")));
        tx.commit().await.unwrap();
        assert_eq!(approved(&store, request.id, at(2)).await, Decided::Before(JoinState::Refused));
        assert_eq!(approved(&store, JoinRequestId::new(at(2)), at(2)).await, Decided::Unknown);
        assert!(runners::list(&mut store.read().await.unwrap()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_taken_leaves_the_wish_to_wait() {
    on_both(async |store| {
        runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        let new = NewRequest {
            id: JoinRequestId::new(at(0)),
            name: &name("attic"),
            token: &TokenHash::of("another"),
            note: &"ä".repeat(501),
            key: None,
        };
        let request = ask(&mut tx, &new, at(0)).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(request.note.chars().count(), 500);
        assert_eq!(approved(&store, request.id, at(1)).await, Decided::NameTaken(name("attic")));
        assert_eq!(pending(&mut store.read().await.unwrap(), at(1)).await.unwrap(), [request]);
    })
    .await;
}

#[tokio::test]
async fn few_wait_at_a_time_and_none_for_ever() {
    on_both(async |store| {
        let mut first = None;
        for number in 0..MOST {
            let request = asked(&store, &format!("box{number}"), at(0)).await.unwrap();
            first.get_or_insert(request);
        }
        assert_eq!(asked(&store, "one-too-many", at(1)).await, None);
        let end = at(0).plus(LASTS);
        assert_eq!(approved(&store, first.unwrap().id, end).await, Decided::Expired(end));
        assert!(pending(&mut store.read().await.unwrap(), end).await.unwrap().is_empty());
        assert!(asked(&store, "one-too-many", end).await.is_some());
    })
    .await;
}
