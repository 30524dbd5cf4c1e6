use std::time::{Duration, Instant};

use protocol::{Reason, Release};

use super::*;
use crate::confirm::Retries;
use crate::testing::{
    at, claim, explain, full_scans, insert, key, name, on_both, plan, release, report, run_sql, runner, target, token,
};
use crate::{Store, matrix, results};

/// A report of the one job that waits for a target.
pub(crate) async fn report_of(store: &Store, runner: RunnerId, on: &str, reason: Reason, flags: &[Flag]) -> RunId {
    let claimed = claim(store, runner, &[on], at(1)).await.unwrap();
    let (token, mut report) = (token(), report(&claimed, reason));
    report.verdict.flags = flags.to_vec();
    if let Some(image) = &mut report.image {
        image.platform = claimed.target.platform;
    }
    let mut tx = store.begin().await.unwrap();
    let key = key(&claimed, runner, &token);
    let accepted = crate::testing::accept_one(&mut tx, &key, &report, Retries::default(), at(2)).await.unwrap();
    assert_eq!(accepted, results::Acceptance::Accepted);
    tx.commit().await.unwrap();
    claimed.run_id
}

/// A release with a verdict on a target; a failure is confirmed.
pub(crate) async fn test(store: &Store, runner: RunnerId, release: &Release, on: &str, reason: Reason) -> RunId {
    let id = insert(store, release).await.id();
    plan(store, id, on, release.user.as_str(), at(0)).await;
    let first = report_of(store, runner, on, reason, &[]).await;
    if reason.grade() == Grade::Fail {
        report_of(store, runner, on, reason, &[]).await;
    }
    first
}

/// Two runners and four distributions: one fails, one passes, one lacks a header, one waits.
async fn farm(store: &Store) -> [RunnerId; 2] {
    let runners = [runner(store, "attic").await, runner(store, "cellar").await];
    let by = |dist, user, minute| Release { user: name(user), released_at: at(minute), ..release(dist, "1.0.0") };
    test(store, runners[0], &by("Pair", "theory", -4), "pg17-amd64", Reason::TestsFailed).await;
    test(store, runners[0], &by("Pair", "theory", -4), "pg18-arm64", Reason::TestsPassed).await;
    test(store, runners[1], &by("hstore", "theory", -2), "pg17-amd64", Reason::TestsPassed).await;
    test(store, runners[1], &by("ip4r", "okbob", -3), "pg17-amd64", Reason::MissingHeader).await;
    let plum = insert(store, &by("plum", "Okbob", -1)).await.id();
    plan(store, plum, "pg17-amd64", "okbob", at(0)).await;
    runners
}

async fn names(store: &Store, filter: Filter<'_>, sort: Sort) -> Vec<String> {
    let page = page(&mut store.read().await.unwrap(), filter, sort, 0, 10).await.unwrap();
    assert_eq!(page.total, page.dists.len() as u64);
    page.dists.iter().map(|dist| dist.name.to_string()).collect()
}

#[tokio::test]
async fn every_filter_leaves_what_it_names() {
    on_both(async |store| {
        let [attic, cellar] = farm(&store).await;
        let all = Filter::default();
        let major = Some(17.try_into().unwrap());
        let hstore = ["hstore".to_owned(), "nobody".to_owned()];
        let cases: [(Filter<'_>, &[&str]); 14] = [
            (all, &["hstore", "ip4r", "Pair", "plum"]),
            (Filter { part: "AI", ..all }, &["Pair"]),
            (Filter { part: "%", ..all }, &[]),
            (Filter { user: Some("okbob"), ..all }, &["ip4r", "plum"]),
            (Filter { among: Some(&hstore), ..all }, &["hstore"]),
            (Filter { among: Some(&[]), ..all }, &[]),
            (Filter { runner: Some(attic), ..all }, &["Pair"]),
            (Filter { runner: Some(cellar), shown: Some(Shown::Grade(Grade::Pass)), ..all }, &["hstore"]),
            (Filter { shown: Some(Shown::Grade(Grade::Fail)), ..all }, &["Pair"]),
            (Filter { shown: Some(Shown::Grade(Grade::Pass)), major, ..all }, &["hstore"]),
            (Filter { platform: Some(Platform::Arm64), ..all }, &["Pair"]),
            (Filter { shown: Some(Shown::Grade(Grade::Env)), ..all }, &["ip4r"]),
            (Filter { shown: Some(Shown::Waiting), ..all }, &["plum"]),
            (Filter { shown: Some(Shown::Unsure(Flag::Unconfirmed)), ..all }, &[]),
        ];
        for (filter, expected) in cases {
            assert_eq!(names(&store, filter, Sort::Name).await, expected, "{filter:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn rows_are_sorted_as_asked_and_listed_a_part_at_a_time() {
    on_both(async |store| {
        farm(&store).await;
        let all = Filter::default();
        assert_eq!(names(&store, all, Sort::Released).await, ["plum", "hstore", "ip4r", "Pair"]);
        assert_eq!(names(&store, all, Sort::Failing).await, ["Pair", "hstore", "ip4r", "plum"]);
        assert_eq!(names(&store, all, Sort::User).await, ["ip4r", "plum", "hstore", "Pair"]);
        let mut conn = store.read().await.unwrap();
        let second = page(&mut conn, all, Sort::Name, 2, 1).await.unwrap();
        assert_eq!((second.dists[0].name.as_str(), second.total), ("Pair", 4));
        assert_eq!(page(&mut conn, all, Sort::Name, 4, 2).await.unwrap(), Page { dists: Vec::new(), total: 0 });
    })
    .await;
}

#[tokio::test]
async fn a_cell_tells_what_stands_and_who_found_it_and_changes_with_it() {
    on_both(async |store| {
        let [attic, cellar] = farm(&store).await;
        let mut conn = store.read().await.unwrap();
        let all = page(&mut conn, Filter::default(), Sort::Name, 0, 10).await.unwrap().dists;
        let ids: Vec<ReleaseId> = all.iter().map(|dist| dist.latest.id).collect();
        let found = cells(&mut conn, &ids).await.unwrap();
        assert_eq!(found.len(), 5);
        let pair: Vec<&Cell> = found.iter().filter(|cell| cell.release_id == ids[2]).collect();
        let fail = Standing { grade: Grade::Fail, unsure: None };
        assert_eq!((pair[0].standing, pair[0].phase), (Some(fail), Some(Phase::Installcheck)));
        assert_eq!((pair[0].runner, pair[0].postgresql.as_str()), (Some(attic), "17.11"));
        let plum = found.iter().find(|cell| cell.release_id == ids[3]).unwrap();
        assert_eq!((plum.state, plum.standing, plum.run), (JobState::Queued, None, None));
        let full = matrix::of_releases(&mut conn, &ids).await.unwrap();
        assert_eq!(full.len(), 5);
        let arm = full.iter().find(|cell| cell.target == target("pg18-arm64")).unwrap();
        assert_eq!(arm.runner.as_deref(), Some("attic"));
        let two = [target("pg18-arm64"), target("pg18-amd64")];
        let found = matrix::of_releases_on(&mut conn, &ids, &two).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), [arm]);
        drop(conn);

        let first = report_of(&store, attic, "pg17-amd64", Reason::CompileError, &[]).await;
        let mut conn = store.read().await.unwrap();
        let plum = cells(&mut conn, &ids[3..]).await.unwrap().remove(0);
        let unsure = |flag| Some(Standing { grade: Grade::Fail, unsure: Some(flag) });
        assert_eq!((plum.standing, plum.run), (unsure(Flag::Unconfirmed), Some(first)));
        drop(conn);
        report_of(&store, cellar, "pg17-amd64", Reason::TestsPassed, &[]).await;
        let mut conn = store.read().await.unwrap();
        let plum = cells(&mut conn, &ids[3..]).await.unwrap().remove(0);
        assert_eq!(plum.standing, Some(Standing { grade: Grade::Pass, unsure: Some(Flag::Flaky) }));
        assert_eq!(plum.runner, Some(cellar), "who found what is shown");
    })
    .await;
}

#[tokio::test]
async fn what_its_own_runner_calls_flaky_does_not_count() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let id = insert(&store, &release("pair", "1.0.0")).await.id();
        plan(&store, id, "pg17-amd64", "theory", at(0)).await;
        report_of(&store, runner, "pg17-amd64", Reason::TestsPassed, &[Flag::Crash, Flag::Flaky]).await;
        let cell = cells(&mut store.read().await.unwrap(), &[id]).await.unwrap().remove(0);
        assert_eq!(cell.standing.map(|standing| standing.fails()), Some(None));
    })
    .await;
}

#[tokio::test]
async fn a_page_of_the_registry_is_read_without_a_look_at_results() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        for sql in [BY_NAME, BY_FAILURES] {
            let values = [("$9", "0"), ("$8", "100"), ("$7", "'FAIL'"), ("$6", "''"), ("$5", "'pg17-%'"), ("$4", "1")];
            let sql = values.iter().fold(sql.to_owned(), |sql, (place, value)| sql.replace(place, value));
            let sql = sql.replace("$3", "''").replace("$2", "''").replace("$1", "''");
            let plan = explain(&mut conn, &sql).await;
            assert!(plan.contains("jobs_standing") && !plan.contains("results"), "{plan}");
            assert!(full_scans(&plan).iter().all(|step| !step.contains("jobs")), "{plan}");
        }
        let numbers: Vec<String> = (1..=104).map(|number| format!("${number}")).collect();
        for sql in [CELLS, matrix::OF_HUNDRED, matrix::OF_HUNDRED_ON] {
            let sql = numbers.iter().rev().fold(sql.to_owned(), |sql, place| sql.replace(place.as_str(), "'x'"));
            let plan = explain(&mut conn, &sql).await;
            assert!(sql != CELLS || !plan.contains("results"), "{plan}");
            assert!(full_scans(&plan).iter().all(|step| step.contains("runners")), "{plan}");
        }
    })
    .await;
}

/// 400 distributions with eight releases each, on fourteen targets; every third cell fails.
pub(crate) const MANY: [&str; 5] = [
    "INSERT INTO releases (id, dist, dist_key, version, status, username, user_key, sha1, released_at, abstract, meta, seen_at)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3199)
     SELECT '01KAJ0000000000000000' || (10000 + i), 'd' || (i / 8), 'd' || (i / 8), '1.0.' || (i % 8), 'stable', 'u' || (i % 90),
         'u' || (i % 90), '0', i, '', '{}', 1 FROM n",
    "INSERT INTO dists (key, name, releases, latest_id)
     SELECT dist_key, dist_key, 8, MAX(id) FROM releases GROUP BY dist_key",
    "INSERT INTO jobs (id, release_id, target, rank, owner_key, state, attempts, max_attempts, queued_at, changed_at, standing, found_in)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 44799)
     SELECT '01KAJ0000000000000001' || (10000 + i), '01KAJ0000000000000000' || (10000 + i / 14),
         'pg' || (13 + i % 7) || CASE WHEN i / 7 % 2 = 0 THEN '-amd64' ELSE '-arm64' END, 1, 'u', 'finished', 1, 3, 1, 1,
         CASE WHEN i % 3 = 0 THEN 'FAIL' ELSE 'PASS' END, 'build' FROM n",
    "UPDATE jobs SET found_on = '18.1' WHERE target LIKE 'pg18-%'",
    "ANALYZE",
];

#[tokio::test]
async fn a_page_of_four_hundred_distributions_is_there_at_once() {
    on_both(async |store| {
        let mut tx = store.begin().await.unwrap();
        for sql in MANY {
            run_sql(&mut tx, sql).await;
        }
        tx.commit().await.unwrap();
        let mut conn = store.read().await.unwrap();
        let start = Instant::now();
        let filter = Filter { shown: Some(Shown::Grade(Grade::Fail)), ..Filter::default() };
        let page = page(&mut conn, filter, Sort::Failing, 100, 100).await.unwrap();
        let (listed, start) = (start.elapsed(), Instant::now());
        let ids: Vec<ReleaseId> = page.dists.iter().map(|dist| dist.latest.id).collect();
        let cells = cells(&mut conn, &ids).await.unwrap();
        let (read, start) = (start.elapsed(), Instant::now());
        let outline = crate::readiness::outline(&mut conn).await.unwrap();
        println!("a page {listed:?}, its cells {read:?}, the outline {:?}", start.elapsed());
        assert_eq!((page.dists.len(), page.total, cells.len()), (100, 400, 1_400));
        assert_eq!((outline.len(), outline[0].cells.len()), (400, 14));
        assert!(listed + read < Duration::from_secs(1), "{listed:?}, {read:?}");
    })
    .await;
}
