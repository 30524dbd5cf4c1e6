use super::*;
use crate::Store;
use crate::testing::{at, name, on_both, runner};

const WEEK: Duration = Duration::from_hours(7 * 24);

/// Stores an invitation with that secret.
async fn invited(store: &Store, secret: &str, of: Option<&str>) -> InvitationId {
    let (id, named) = (InvitationId::new(at(0)), of.map(name));
    let mut tx = store.begin().await.unwrap();
    let new = NewInvitation { id, name: named.as_ref(), secret: &TokenHash::of(secret), lasts: WEEK };
    invite(&mut tx, &new, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// Uses it as a machine of that name does, whose token is the name's.
async fn used(store: &Store, secret: &str, by: &str, now: Timestamp) -> Used {
    let (mut tx, token) = (store.begin().await.unwrap(), TokenHash::of(by));
    let wanted = (RunnerId::new(now), &name(by), &token);
    let used = accept(&mut tx, &TokenHash::of(secret), wanted, now).await.unwrap();
    tx.commit().await.unwrap();
    used
}

async fn knows(store: &Store, token: &str) -> Option<String> {
    let mut conn = store.read().await.unwrap();
    runners::authenticate(&mut conn, &TokenHash::of(token), at(1)).await.unwrap().map(|known| known.runner.name)
}

#[tokio::test]
async fn an_invitation_makes_one_runner() {
    on_both(async |store| {
        invited(&store, "secret", None).await;
        assert_eq!(used(&store, "guess", "attic", at(1)).await, Used::Unknown);
        let Used::Runner(id, called) = used(&store, "secret", "attic", at(1)).await else { panic!("not used") };
        assert_eq!((called.as_str(), knows(&store, "attic").await.as_deref()), ("attic", Some("attic")));
        assert_eq!(used(&store, "secret", "cellar", at(2)).await, Used::Before(at(1)));
        assert_eq!(knows(&store, "cellar").await, None);
        assert_eq!(used(&store, "secret", "attic", at(2)).await, Used::Runner(id, called), "its answer was lost");
        assert!(open(&mut store.read().await.unwrap(), at(1)).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_two_who_use_an_invitation_at_the_same_time_one_gets_in() {
    on_both(async |store| {
        for round in 0..8 {
            let secret = format!("secret {round}");
            invited(&store, &secret, None).await;
            let names = ["a", "b", "c", "d"].map(|who| format!("{who}{round}"));
            let [a, b, c, d] = &names;
            let use_it = |who| used(&store, &secret, who, at(1));
            let (a, b, c, d) = tokio::join!(use_it(a), use_it(b), use_it(c), use_it(d));
            let got_in = [&a, &b, &c, &d].into_iter().filter(|used| matches!(used, Used::Runner(..))).count();
            let too_late = [&a, &b, &c, &d].into_iter().filter(|used| **used == Used::Before(at(1))).count();
            assert_eq!((got_in, too_late), (1, 3));
        }
        assert_eq!(runners::list(&mut store.read().await.unwrap()).await.unwrap().len(), 8);
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_taken_leaves_the_invitation_as_it_was() {
    on_both(async |store| {
        runner(&store, "attic").await;
        let id = invited(&store, "secret", None).await;
        assert_eq!(used(&store, "secret", "attic", at(1)).await, Used::NameTaken(name("attic")));
        let left: Vec<_> = open(&mut store.read().await.unwrap(), at(1)).await.unwrap();
        assert_eq!((left.len(), left[0].id, left[0].used_at), (1, id, None));
        assert!(matches!(used(&store, "secret", "cellar", at(1)).await, Used::Runner(..)));
    })
    .await;
}

#[tokio::test]
async fn the_name_of_an_invitation_goes_before_that_of_the_machine() {
    on_both(async |store| {
        invited(&store, "secret", Some("attic")).await;
        let Used::Runner(_, called) = used(&store, "secret", "localhost", at(1)).await else { panic!("not used") };
        assert_eq!(called.as_str(), "attic");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_ends_by_itself_or_by_the_operators_word() {
    on_both(async |store| {
        invited(&store, "late", None).await;
        let end = at(0).plus(WEEK);
        assert_eq!(used(&store, "late", "attic", end).await, Used::Expired(end));
        let id = invited(&store, "withdrawn", None).await;
        let mut tx = store.begin().await.unwrap();
        assert!(withdraw(&mut tx, id).await.unwrap() && !withdraw(&mut tx, id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(used(&store, "withdrawn", "attic", at(1)).await, Used::Unknown);
        let id = invited(&store, "used", None).await;
        used(&store, "used", "attic", at(1)).await;
        assert!(!withdraw(&mut store.begin().await.unwrap(), id).await.unwrap(), "it is a runner already");
        let (later, secret) = (end.plus(REMEMBERED), TokenHash::of("new"));
        let mut tx = store.begin().await.unwrap();
        let new = NewInvitation { id: InvitationId::new(later), name: None, secret: &secret, lasts: WEEK };
        invite(&mut tx, &new, later).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(used(&store, "late", "cellar", later).await, Used::Unknown, "nothing is kept for ever");
    })
    .await;
}
