use protocol::{Priority, Reason};

use super::*;
use crate::testing::{at, explain, full_scans, insert, name, on_both, one_result, release, runner, verdict, version};
use crate::{Store, jobs};

async fn again(store: &Store, of: &str, minute: i64) {
    let (dist, version) = (name("pair"), version(of));
    let wish = jobs::Requeue { dist: &dist, version: Some(&version), target: None, priority: Priority::Asked };
    let mut tx = store.begin().await.unwrap();
    jobs::requeue(&mut tx, &wish, at(minute)).await.unwrap();
    tx.commit().await.unwrap();
}

/// What turned in `pair`, the first first.
async fn turned(store: &Store) -> Vec<(Comparison, String)> {
    let mut found = of_dist(&mut store.read().await.unwrap(), &name("PAIR"), 100).await.unwrap();
    found.reverse();
    assert!(found.is_sorted_by_key(|one| one.place));
    found.into_iter().map(|one| (one.turn.comparison, one.turn.line.version.to_string())).collect()
}

#[tokio::test]
async fn what_turns_is_listed_for_good_by_distribution_user_and_major() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        verdict(&store, runner, "1.0.0", Reason::TestsPassed, 1).await;
        let red = verdict(&store, runner, "1.1.0", Reason::TestsFailed, 2).await;
        let green = verdict(&store, runner, "1.2.0", Reason::TestsPassed, 3).await;
        verdict(&store, runner, "1.3.0", Reason::TestsPassed, 4).await;
        let expected = [(Comparison::NewFail, "1.1.0".to_owned()), (Comparison::Fixed, "1.2.0".to_owned())];
        assert_eq!(turned(&store).await, expected);
        let mut conn = store.read().await.unwrap();
        let by_user = of_user(&mut conn, &name("Theory"), 10).await.unwrap();
        let by_major = of_major(&mut conn, 17.try_into().unwrap(), 10).await.unwrap();
        assert_eq!(by_user, by_major);
        let runs: Vec<_> = by_user.iter().map(|one| one.turn.line.summary.run_id).collect();
        assert_eq!(runs, [green, red], "the latest first");
        assert_eq!(by_user[0].turn.before, red);
        assert!(by_user[0].turn.line.summary.flags.is_empty(), "what turned was not in doubt");
        assert!(of_major(&mut conn, 16.try_into().unwrap(), 10).await.unwrap().is_empty());
        assert!(of_user(&mut conn, &name("pair"), 10).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_the_farm_cannot_blame_on_an_extension_turns_nothing() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        verdict(&store, runner, "1.0.0", Reason::TestsPassed, 1).await;
        // ENV, BLOCKED and an UNCONFIRMED failure, each after a pass.
        for (minute, reason) in [(2, Reason::MissingHeader), (3, Reason::PrerequisiteMissing)] {
            again(&store, "1.0.0", minute).await;
            one_result(&store, runner, reason, minute).await;
            assert_eq!(turned(&store).await, [], "{reason:?}");
        }
        again(&store, "1.0.0", 4).await;
        one_result(&store, runner, Reason::TestsFailed, 4).await;
        assert_eq!(turned(&store).await, [], "one failure is not confirmed");
        one_result(&store, runner, Reason::TestsPassed, 5).await;
        assert_eq!(turned(&store).await, [], "it is flaky");
        again(&store, "1.0.0", 6).await;
        one_result(&store, runner, Reason::RunnerLost, 6).await;
        assert_eq!(turned(&store).await, [], "the farm failed");
    })
    .await;
}

#[tokio::test]
async fn the_same_turn_is_recorded_once_and_a_further_one_anew() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        verdict(&store, runner, "1.0.0", Reason::TestsPassed, 1).await;
        for (minute, reason) in
            [(2, Reason::TestsFailed), (3, Reason::TestsFailed), (4, Reason::TestsPassed), (5, Reason::TestsFailed)]
        {
            again(&store, "1.0.0", minute).await;
            verdict(&store, runner, "1.0.0", reason, minute).await;
        }
        let found: Vec<_> = turned(&store).await.into_iter().map(|(comparison, _)| comparison).collect();
        assert_eq!(found, [Comparison::NewFail, Comparison::Fixed, Comparison::NewFail]);
    })
    .await;
}

#[tokio::test]
async fn a_test_of_an_older_release_tells_nobody_anything() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        insert(&store, &release("pair", "2.0.0")).await;
        verdict(&store, runner, "1.0.0", Reason::TestsPassed, 1).await;
        verdict(&store, runner, "1.1.0", Reason::TestsFailed, 2).await;
        assert_eq!(turned(&store).await, []);
    })
    .await;
}

#[tokio::test]
async fn no_feed_reads_a_whole_table() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        for (sql, key) in [(OF_DIST, "'pair'"), (OF_USER, "'pair'"), (OF_MAJOR, "17")] {
            let sql = sql.replace("$1", key).replace("$2", "20");
            let plan = explain(&mut conn, &sql).await;
            assert_eq!(full_scans(&plan), [""; 0], "{sql}: {plan}");
        }
    })
    .await;
}
