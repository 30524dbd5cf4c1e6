use protocol::{Flag, Grade, JobState};

use super::*;
use crate::overview::tests::test;
use crate::testing::{at, explain, full_scans, insert, on_both, plan, release, runner};

fn eighteen() -> PgMajor {
    18.try_into().unwrap()
}

#[tokio::test]
async fn the_outline_has_every_distribution_with_what_stands_of_its_latest_release() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        test(&store, runner, &release("pair", "1.0.0"), "pg17-amd64", Reason::TestsFailed).await;
        test(&store, runner, &release("pair", "1.1.0"), "pg17-amd64", Reason::TestsPassed).await;
        let latest = insert(&store, &release("pair", "1.1.0")).await.id();
        plan(&store, latest, "pg18-arm64", "theory", at(0)).await;
        insert(&store, &release("plum", "2.0.0")).await;
        let all = outline(&mut store.read().await.unwrap()).await.unwrap();
        let seen: Vec<_> = all.iter().map(|one| (one.dist.as_str(), one.version.as_str(), one.cells.len())).collect();
        assert_eq!(seen, [("pair", "1.1.0", 2), ("plum", "2.0.0", 0)]);
        let pass = Standing { grade: Grade::Pass, unsure: None };
        let cells: Vec<_> = all[0].cells.iter().map(|cell| (cell.state, cell.standing)).collect();
        assert_eq!(cells, [(JobState::Finished, Some(pass)), (JobState::Queued, None)]);
    })
    .await;
}

#[tokio::test]
async fn what_latest_releases_share_on_a_major_is_counted_with_an_example() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        for (dist, version, on) in [
            ("pair", "1.0.0", "pg18-amd64"),
            ("pair", "1.0.0", "pg18-arm64"),
            ("plum", "1.0.0", "pg18-amd64"),
            ("plum", "1.0.0", "pg17-amd64"),
            ("quince", "0.9.0", "pg18-amd64"),
        ] {
            test(&store, runner, &release(dist, version), on, Reason::MissingHeader).await;
        }
        test(&store, runner, &release("quince", "1.0.0"), "pg18-amd64", Reason::TestsPassed).await;
        let mut conn = store.read().await.unwrap();
        let found = clusters(&mut conn, eighteen(), 10).await.unwrap();
        let seen: Vec<_> = found.iter().map(|one| (one.dists, one.reason)).collect();
        assert_eq!(seen, [(2, Reason::MissingHeader)], "an older release does not count");
        assert!(["pair", "plum"].contains(&found[0].example.as_str()), "{found:?}");
        assert_eq!(showing(&mut conn, eighteen(), &found[0].signature).await.unwrap().len(), 2);
        assert_eq!(clusters(&mut conn, 16.try_into().unwrap(), 10).await.unwrap(), []);
        assert_eq!(servers(&mut conn, eighteen(), 10).await.unwrap(), [("18.11".to_owned(), 3)]);
        assert_eq!(tested_with(&mut conn, eighteen(), "18.11").await.unwrap().len(), 3);
        assert_eq!(tested_with(&mut conn, eighteen(), "18beta1\0").await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_cell_that_does_not_read_is_told_with_its_distribution() {
    on_both(async |store| {
        let id = insert(&store, &release("pair", "1.0.0")).await.id();
        plan(&store, id, "pg18-amd64", "theory", at(0)).await;
        let mut tx = store.begin().await.unwrap();
        crate::testing::run_sql(&mut tx, "UPDATE jobs SET standing = 'GOOD'").await;
        let error = outline(&mut tx).await.unwrap_err().to_string();
        assert!(error.contains("pair") || error.contains("GOOD"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_major_is_counted_by_an_index_and_without_a_look_at_results() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        let clusters = CLUSTERS.replace("$1", "'pg18-amd64'").replace("$2", "'pg18-arm64'").replace("$3", "10");
        for sql in [OUTLINE.replace("$1", "20000"), clusters] {
            let plan = explain(&mut conn, &sql).await;
            assert!(!plan.contains("results"), "{plan}");
            assert!(full_scans(&plan).iter().all(|step| !step.contains("jobs")), "{plan}");
        }
    })
    .await;
}

#[test]
fn a_standing_that_is_in_doubt_says_nothing_for_sure() {
    let fails = |grade, unsure| Standing { grade, unsure }.fails();
    assert_eq!(fails(Grade::Fail, None), Some(true));
    assert_eq!(fails(Grade::Fail, Some(Flag::Unconfirmed)), None);
    assert_eq!(fails(Grade::Pass, Some(Flag::Flaky)), None);
    assert_eq!(fails(Grade::Untested, None), Some(false));
}
