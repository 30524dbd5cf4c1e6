use super::*;
use crate::Store;
use crate::testing::{at, insert, name, on_both, release};

const YEAR: Duration = Duration::from_hours(365 * 24);

async fn granted(store: &Store, scope: Scope, token: &str) -> UploadTokenId {
    let (mut tx, id) = (store.begin().await.unwrap(), UploadTokenId::new(at(0)));
    grant(&mut tx, id, (&scope, &TokenHash::of(token), YEAR), at(0)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn counted(store: &Store, id: UploadTokenId, now: Timestamp) -> bool {
    let mut tx = store.begin().await.unwrap();
    let is_counted = count(&mut tx, id, now).await.unwrap();
    tx.commit().await.unwrap();
    is_counted
}

#[tokio::test]
async fn a_token_is_good_for_one_distribution_or_for_those_whose_latest_release_is_the_user_s() {
    on_both(async |store| {
        insert(&store, &release("pair", "1.0.0")).await;
        insert(&store, &protocol::Release { user: name("ann"), ..release("other", "1.0.0") }).await;
        let mut conn = store.read().await.unwrap();
        let mut has = async |scope: Scope, dist: &str| scope.has(&mut conn, &name(dist)).await.unwrap();
        let (dist, user) = (Scope::Dist(name("PAIR")), Scope::User(name("Theory")));
        assert!(has(dist.clone(), "pair").await && !has(dist, "other").await);
        assert!(has(user.clone(), "Pair").await && !has(user.clone(), "other").await);
        assert!(!has(user, "unknown").await && has(Scope::Dist(name("unknown")), "unknown").await);
    })
    .await;
}

#[tokio::test]
async fn a_token_is_kept_as_a_digest_and_ends_by_itself_or_by_the_operator_s_word() {
    on_both(async |store| {
        let id = granted(&store, Scope::User(name("theory")), "secret").await;
        let ended = granted(&store, Scope::Dist(name("pair")), "other").await;
        let mut tx = store.begin().await.unwrap();
        assert!(find(&mut tx, &TokenHash::of("guess")).await.unwrap().is_none());
        let found = find(&mut tx, &TokenHash::of("secret")).await.unwrap().unwrap();
        assert_eq!((found.id, found.scope, found.used_at), (id, Scope::User(name("theory")), None));
        let row = sqlx::query("SELECT token_hash FROM upload_tokens WHERE token_hash LIKE '%secret%'");
        assert!(row.fetch_optional(tx.raw()).await.unwrap().is_none());
        assert!(revoke(&mut tx, ended, at(1)).await.unwrap() && !revoke(&mut tx, ended, at(2)).await.unwrap());
        assert_eq!(open(&mut tx, at(3)).await.unwrap().iter().map(|token| token.id).collect::<Vec<_>>(), [id]);
        assert_eq!(find(&mut tx, &TokenHash::of("other")).await.unwrap().unwrap().revoked_at, Some(at(1)));
        tx.commit().await.unwrap();
        assert!(!counted(&store, ended, at(3)).await, "it was taken back");
        let end = at(0).plus(YEAR);
        assert!(!counted(&store, id, end).await && counted(&store, id, end.minus(Duration::from_millis(1))).await);
        assert!(open(&mut store.read().await.unwrap(), end).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_token_is_good_for_so_many_uploads_a_day() {
    on_both(async |store| {
        let id = granted(&store, Scope::Dist(name("pair")), "secret").await;
        let other = granted(&store, Scope::Dist(name("pair")), "other").await;
        let mut tx = store.begin().await.unwrap();
        for number in 0..A_DAY {
            assert!(count(&mut tx, id, at(i64::from(number))).await.unwrap(), "{number}");
        }
        tx.commit().await.unwrap();
        assert!(!counted(&store, id, at(24 * 60 - 1)).await && counted(&store, other, at(1)).await);
        assert!(counted(&store, id, at(24 * 60)).await, "the next day");
    })
    .await;
}
