use protocol::{Phase, Reason, Verdict};

use super::*;
use crate::testing::{at, name, on_both, target, version};
use crate::upload_tokens::{self, Scope};
use crate::{Store, TokenHash};

fn result(on: &str, reason: Reason) -> PreReleaseResult {
    let verdict = Verdict::new(Phase::Installcheck, reason);
    PreReleaseResult { target: target(on), verdict, postgresql: "17.11".into(), excerpt: None }
}

/// A tree of `pair` by its commit.
fn sent(commit: &str, results: Vec<PreReleaseResult>) -> PreRelease {
    PreRelease {
        dist: name("Pair"),
        version: version("1.1.0"),
        commit: (!commit.is_empty()).then(|| commit.to_owned()),
        git_ref: Some("refs/heads/main".into()),
        source_sha256: "ab".repeat(32),
        results,
    }
}

async fn token(store: &Store, called: &str) -> UploadTokenId {
    let (mut tx, id) = (store.begin().await.unwrap(), UploadTokenId::new(at(0)));
    let lasts = Duration::from_hours(24);
    upload_tokens::grant(&mut tx, id, (&Scope::Dist(name("pair")), &TokenHash::of(called), lasts), at(0))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn put_by(store: &Store, token: UploadTokenId, sent: &PreRelease, minute: i64) -> PreReleaseId {
    let mut tx = store.begin().await.unwrap();
    let id = put(&mut tx, PreReleaseId::new(at(minute)), (token, sent), at(minute)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn kept(store: &Store, minute: i64) -> Vec<Kept> {
    of_dist(&mut store.read().await.unwrap(), &name("PAIR"), at(minute)).await.unwrap()
}

#[tokio::test]
async fn jobs_of_one_tree_are_one_pre_release_with_the_latest_result_on_each_target() {
    on_both(async |store| {
        let token = token(&store, "secret").await;
        let first = sent("abcdef0", vec![result("pg17-amd64", Reason::TestsFailed)]);
        let id = put_by(&store, token, &first, 1).await;
        let second = sent("abcdef0", vec![result("pg18-amd64", Reason::TestsPassed)]);
        assert_eq!(put_by(&store, token, &second, 2).await, id);
        let again = sent("abcdef0", vec![result("pg17-amd64", Reason::TestsPassed)]);
        put_by(&store, token, &again, 3).await;
        let other = put_by(&store, token, &sent("", vec![result("pg17-amd64", Reason::NoTests)]), 2).await;
        let all = kept(&store, 4).await;
        assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [id, other]);
        let reasons: Vec<_> =
            all[0].results.iter().map(|it| (it.target.to_string(), it.verdict.reason.as_str())).collect();
        assert_eq!(reasons, [("pg18-amd64".into(), "tests-passed"), ("pg17-amd64".into(), "tests-passed")]);
        assert_eq!((all[0].updated_at, all[1].commit.as_str()), (at(3), ""));
        let mut conn = store.read().await.unwrap();
        assert_eq!(known(&mut conn, &again).await.unwrap(), Some(id));
        assert_eq!(known(&mut conn, &first).await.unwrap(), None, "it says something else");
        assert_eq!(known(&mut conn, &sent("1234567", Vec::new())).await.unwrap(), None);
        assert_eq!(count(&mut conn, &name("pair"), at(4)).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_is_bounded_in_number_and_age() {
    on_both(async |store| {
        let token = token(&store, "secret").await;
        let passed = || vec![result("pg17-amd64", Reason::TestsPassed)];
        let other = PreRelease { dist: name("other"), ..sent("", passed()) };
        put_by(&store, token, &other, 0).await;
        for number in 0..25 {
            put_by(&store, token, &sent(&format!("abcdef{number:02}"), passed()), number).await;
        }
        let all = kept(&store, 30).await;
        assert_eq!((all.len(), all[0].commit.as_str(), all[19].commit.as_str()), (20, "abcdef24", "abcdef05"));
        let mut conn = store.read().await.unwrap();
        assert_eq!(count(&mut conn, &name("other"), at(30)).await.unwrap(), 1, "another distribution's");
        drop(conn);
        let end = i64::from(DAYS) * 24 * 60;
        assert_eq!(kept(&store, end + 5).await.len(), 19, "what is too old is not shown");
        let mut tx = store.begin().await.unwrap();
        assert!(is_any_past(&mut tx, at(end)).await.unwrap() && !is_any_past(&mut tx, at(end - 1)).await.unwrap());
        assert_eq!(prune(&mut tx, at(end + 5)).await.unwrap(), 2);
        assert_eq!(kept_results(&mut tx).await, 19);
        assert!(!is_any_past(&mut tx, at(end + 5)).await.unwrap());
        tx.commit().await.unwrap();
    })
    .await;
}

async fn kept_results(conn: &mut Conn) -> u64 {
    let row = sqlx::query("SELECT COUNT(*) AS number FROM pre_release_results").fetch_one(conn.raw()).await.unwrap();
    Fields::of(&row, "pre_release_results", "number").number("number").unwrap()
}

#[tokio::test]
async fn what_came_by_a_token_goes_with_it_and_nothing_else() {
    on_both(async |store| {
        let (bad, good) = (token(&store, "bad").await, token(&store, "good").await);
        let passed = |on: &str| vec![result(on, Reason::TestsPassed)];
        put_by(&store, bad, &sent("abcdef0", passed("pg17-amd64")), 1).await;
        put_by(&store, good, &sent("abcdef0", passed("pg18-amd64")), 2).await;
        put_by(&store, bad, &sent("1234567", passed("pg17-amd64")), 3).await;
        let mut tx = store.begin().await.unwrap();
        assert_eq!(forget(&mut tx, bad).await.unwrap(), 2);
        tx.commit().await.unwrap();
        let all = kept(&store, 4).await;
        assert_eq!((all.len(), all[0].commit.as_str(), all[0].results.len()), (1, "abcdef0", 1));
        assert_eq!(all[0].results[0].target, target("pg18-amd64"));
    })
    .await;
}

#[tokio::test]
async fn of_two_jobs_that_send_at_the_same_time_both_are_kept() {
    on_both(async |store| {
        let token = token(&store, "secret").await;
        let [a, b, c] =
            ["pg16-amd64", "pg17-amd64", "pg18-amd64"].map(|on| sent("abcdef0", vec![result(on, Reason::TestsPassed)]));
        let (a, b, c) =
            tokio::join!(put_by(&store, token, &a, 1), put_by(&store, token, &b, 1), put_by(&store, token, &c, 1));
        assert!(a == b && b == c);
        assert_eq!(kept(&store, 2).await[0].results.len(), 3);
    })
    .await;
}
