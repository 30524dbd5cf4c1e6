use protocol::Reason;

use super::*;
use crate::testing::{at, explain, full_scans, insert, judge, name, on_both, plan, release, runner, target};

#[tokio::test]
async fn what_stands_of_latest_releases_is_listed_in_pages_of_distributions() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        for (dist, text, reason) in [
            ("pair", "1.0.0", Reason::TestsPassed),
            ("pair", "1.1.0", Reason::NoTests),
            ("apple", "1.0.0", Reason::TestsPassed),
            ("pear", "1.0.0", Reason::TestsFailed),
        ] {
            let id = insert(&store, &release(dist, text)).await.id();
            plan(&store, id, "pg17-amd64", "theory", at(0)).await;
            judge(&store, runner, "pg17-amd64", reason, 3).await;
            plan(&store, id, "pg18-amd64", "theory", at(4)).await;
        }
        let mut conn = store.read().await.unwrap();
        let first = verdicts(&mut conn, None, 2).await.unwrap();
        let seen: Vec<_> = first.iter().map(|one| (one.dist.as_str(), one.grade, one.tests)).collect();
        assert_eq!(
            seen,
            [("apple", Grade::Pass, 2), ("pair", Grade::Untested, 2)],
            "not the release before, nor what waits"
        );
        assert_eq!((first[0].target, first[0].accepted_at), (target("pg17-amd64"), at(3)));
        let rest = verdicts(&mut conn, Some(&name("PAIR")), 2).await.unwrap();
        assert_eq!((rest.len(), rest[0].grade), (1, Grade::Fail));
        assert!(
            rest[0].flags.contains(&Flag::Unconfirmed),
            "a failure that nobody has agreed with is in doubt: {:?}",
            rest[0].flags
        );
        assert_eq!(super::results(&mut conn).await.unwrap(), 4);
        assert_eq!(verdicts(&mut conn, Some(&name("pear")), 2).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn no_table_is_read_as_a_whole_for_what_stands() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        let sql = VERDICTS.replace("$1", "''").replace("$2", "500");
        let plan = explain(&mut conn, &sql).await;
        let scans = full_scans(&plan);
        assert!(scans.is_empty(), "{scans:?} of {plan}");
    })
    .await;
}
