use protocol::{Priority, Reason};
use sqlx::Executor;

use super::*;
use crate::confirm::Retries;
use crate::jobs::{Requeue, requeue};
use crate::testing::{
    at, claim, explain, full_scans, insert, key, name, on_both, plan, release, report, run_sql, runner, token, version,
};
use crate::{Store, jobs, verdicts};

const A_DAY: i64 = 24 * 60;

/// A span of days that ends with the one on which these tests happen.
fn days(steps: u32) -> Span {
    Span::until(at(0), steps, 1)
}

async fn finds(store: &Store, on: &str, reason: Reason, minute: i64) {
    let (runner, token) = (runner_of(store).await, token());
    let claimed = claim(store, runner, &[on], at(minute)).await.unwrap();
    let report = report(&claimed, reason);
    let mut tx = store.begin().await.unwrap();
    crate::testing::accept_one(&mut tx, &key(&claimed, runner, &token), &report, Retries::default(), at(minute))
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn runner_of(store: &Store) -> protocol::RunnerId {
    let known = crate::runners::list(&mut store.read().await.unwrap()).await.unwrap();
    match known.first() {
        Some(known) => known.id,
        None => runner(store, "attic").await,
    }
}

/// A farm of two days: something passes, something fails twice, the farm lacks something, and two jobs wait.
async fn two_days(store: &Store) {
    for (dist, minute) in [("pear", 0), ("plum", 1), ("quince", 2)] {
        let id = insert(store, &release(dist, "1.0.0")).await.id();
        plan(store, id, "pg17-amd64", "theory", at(minute - A_DAY)).await;
    }
    finds(store, "pg17-amd64", Reason::TestsPassed, 10 - A_DAY).await;
    finds(store, "pg17-amd64", Reason::TestsFailed, 20 - A_DAY).await;
    finds(store, "pg17-amd64", Reason::MissingHeader, 30).await;
    finds(store, "pg17-amd64", Reason::TestsFailed, 40).await;
    let id = insert(store, &release("pear", "1.1.0")).await.id();
    plan(store, id, "pg18-amd64", "theory", at(50)).await;
    let mut tx = store.begin().await.unwrap();
    let wish =
        Requeue { dist: &name("pear"), version: Some(&version("1.0.0")), target: None, priority: Priority::Asked };
    assert_eq!(requeue(&mut tx, &wish, at(60)).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_empty_farm_has_no_trends() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        assert_eq!(results(&mut conn, days(7)).await.unwrap(), []);
        assert_eq!(phases(&mut conn, days(7)).await.unwrap(), []);
        assert_eq!(queue(&mut conn, days(7)).await.unwrap(), []);
        assert_eq!(failures(&mut conn, at(0), 10).await.unwrap(), []);
        assert_eq!(oldest_release(&mut conn).await.unwrap(), None);
        let nothing = |step| Size { step, releases: 0, dists: 0 };
        assert_eq!(growth(&mut conn, days(2)).await.unwrap(), [nothing(0), nothing(1)]);
    })
    .await;
}

#[tokio::test]
async fn each_day_tells_what_it_found_how_long_it_took_and_what_came_and_went() {
    on_both(async |store| {
        two_days(&store).await;
        let mut conn = store.read().await.unwrap();
        let found: Vec<_> = results(&mut conn, days(2)).await.unwrap();
        let found: Vec<_> =
            found.iter().map(|it| (it.step, it.major.number(), it.grade.as_str(), it.results)).collect();
        assert_eq!(found, [(0, 17, "FAIL", 1), (0, 17, "PASS", 1), (1, 17, "ENV", 1), (1, 17, "FAIL", 1)]);
        let spent: Vec<_> = phases(&mut conn, days(2)).await.unwrap();
        let spent: Vec<_> = spent.iter().map(|it| (it.step, it.phase.as_str(), it.runs, it.duration_ms)).collect();
        let each = |step| [(step, "build", 2, 3_000), (step, "installcheck", 2, 3_000)];
        assert_eq!(spent, [each(0), each(1)].concat());
        // Three were planned, and one failed and waits to be confirmed; then one more was planned, and one asked for again.
        let flow = queue(&mut conn, days(2)).await.unwrap();
        assert_eq!(flow, [Flow { step: 0, came: 4, went: 2 }, Flow { step: 1, came: 2, went: 2 }]);
        let waiting: u64 = crate::queue::counts(&mut conn).await.unwrap().iter().map(|count| count.waiting).sum();
        assert_eq!(waiting, flow.iter().map(|it| it.came).sum::<u64>() - flow.iter().map(|it| it.went).sum::<u64>());
        let lacking = Given { reason: Reason::MissingHeader, results: 1 };
        assert_eq!(failures(&mut conn, at(0), 10).await.unwrap(), [lacking]);
        let latest = verdicts::latest_of_reason(&mut conn, Reason::MissingHeader).await.unwrap().unwrap();
        assert_eq!((latest.dist, latest.summary.reason), (name("quince"), Reason::MissingHeader));
        assert_eq!(verdicts::latest_of_reason(&mut conn, Reason::EngineFailed).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_step_of_several_days_holds_them_all_and_what_is_older_is_left_out() {
    on_both(async |store| {
        two_days(&store).await;
        let mut conn = store.read().await.unwrap();
        let sum = async |conn: &mut Conn, span| -> Vec<(u32, u64)> {
            queue(conn, span).await.unwrap().iter().map(|it| (it.step, it.came)).collect()
        };
        assert_eq!(sum(&mut conn, Span::until(at(0), 2, 7)).await, [(1, 6)]);
        assert_eq!(sum(&mut conn, days(1)).await, [(0, 2)]);
        assert_eq!(sum(&mut conn, Span::until(at(-10 * A_DAY), 5, 1)).await, []);
    })
    .await;
}

#[tokio::test]
async fn the_registry_grows_by_distributions_and_versions_in_whatever_order_the_farm_hears_of_them() {
    on_both(async |store| {
        let upload = async |dist: &str, text: &str, day: i64, sha1: char| {
            let release = protocol::Release {
                released_at: at(day * A_DAY),
                sha1: sha1.to_string().repeat(40),
                ..release(dist, text)
            };
            insert(&store, &release).await
        };
        upload("pear", "1.1.0", -2, 'a').await;
        // An older one that is heard of later, the archive of another one replaced, and the same said twice.
        upload("pear", "1.0.0", -5, 'a').await;
        upload("pear", "1.1.0", -1, 'b').await;
        upload("plum", "1.0.0", -1, 'a').await;
        upload("plum", "1.0.0", -1, 'a').await;
        // An archive that comes back.
        upload("pear", "1.1.0", -2, 'a').await;
        let mut conn = store.read().await.unwrap();
        let sizes: Vec<_> = growth(&mut conn, days(4)).await.unwrap();
        let sizes: Vec<_> = sizes.iter().map(|it| (it.releases, it.dists)).collect();
        assert_eq!(sizes, [(1, 1), (2, 1), (3, 2), (3, 2)]);
        assert_eq!(oldest_release(&mut conn).await.unwrap(), Some(days(6).begins(0)));
    })
    .await;
}

/// The part of the migration that counts what was there before it.
fn backfill() -> String {
    let text = include_str!("../../migrations/0008_trends.sql");
    let statements =
        text.split(';').filter_map(|statement| statement.find("INSERT INTO").map(|from| &statement[from..]));
    statements.map(|statement| format!("{statement};")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_an_older_farm_did_is_counted_as_if_it_had_been_counted_then() {
    on_both(async |store| {
        two_days(&store).await;
        let all = async |store: &Store| {
            let mut conn = store.read().await.unwrap();
            let flow: Vec<_> = queue(&mut conn, days(9)).await.unwrap();
            let net: i64 = flow.iter().map(|it| it.came.cast_signed() - it.went.cast_signed()).sum();
            let counted = (
                results(&mut conn, days(9)).await.unwrap(),
                phases(&mut conn, days(9)).await.unwrap(),
                growth(&mut conn, days(9)).await.unwrap(),
            );
            (counted, net, flow.iter().map(|it| it.went).collect::<Vec<_>>())
        };
        let before = all(&store).await;
        let mut tx = store.begin().await.unwrap();
        for table in ["daily_results", "daily_phases", "daily_queue", "daily_releases"] {
            tx.raw().execute(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).await.unwrap();
        }
        tx.raw().execute(sqlx::AssertSqlSafe(backfill())).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(all(&store).await, before);
    })
    .await;
}

#[tokio::test]
async fn no_chart_reads_more_than_its_days_by_their_key() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        for sql in [RESULTS, PHASES, QUEUE, REASONS, verdicts::OF_REASON] {
            let sql = sql.replace("$1", if sql == verdicts::OF_REASON { "'x'" } else { "20000" });
            let plan = explain(&mut conn, &sql.replace("$2", "7").replace("$3", "20007")).await;
            assert_eq!(full_scans(&plan), Vec::<&str>::new(), "{sql}\n{plan}");
        }
        let plan = explain(&mut conn, &RELEASES.replace("$1", "20000").replace("$2", "7").replace("$3", "20007")).await;
        assert_eq!(full_scans(&plan), Vec::<&str>::new(), "{plan}");
    })
    .await;
}

#[tokio::test]
async fn a_verdict_that_needed_no_run_and_a_lost_run_are_counted_and_have_no_phases() {
    on_both(async |store| {
        let id = insert(&store, &release("pear", "1.0.0")).await.id();
        let verdict = protocol::Verdict::new(Phase::Metadata, Reason::PostgresUnsupported);
        let mut tx = store.begin().await.unwrap();
        let (job, result_id) = (protocol::JobId::new(at(0)), protocol::RunId::new(at(0)));
        let owner = name("theory");
        let plan = crate::testing::plan_for(id, "pg13-amd64", &owner);
        jobs::settle(&mut tx, job, &plan, &jobs::Settlement { result_id, verdict: &verdict }, at(0)).await.unwrap();
        tx.commit().await.unwrap();
        let mut conn = store.read().await.unwrap();
        let found = results(&mut conn, days(1)).await.unwrap();
        assert_eq!(found, [Found { step: 0, major: 13.try_into().unwrap(), grade: Grade::Na, results: 1 }]);
        assert_eq!(phases(&mut conn, days(1)).await.unwrap(), []);
        assert_eq!(queue(&mut conn, days(1)).await.unwrap(), [Flow { step: 0, came: 1, went: 1 }]);
    })
    .await;
}

#[tokio::test]
async fn a_year_of_a_busy_farm_is_read_at_once() {
    on_both(async |store| {
        let mut tx = store.begin().await.unwrap();
        run_sql(
            &mut tx,
            "INSERT INTO daily_results (day, major, reason, grade, results)
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
             SELECT 20776 - i / 140, 10 + i % 140 / 20, 'reason-' || (i % 20), CASE WHEN i % 2 = 0 THEN 'PASS' ELSE 'FAIL' END, i FROM n",
        )
        .await;
        run_sql(&mut tx, "ANALYZE").await;
        tx.commit().await.unwrap();
        let mut conn = store.read().await.unwrap();
        let start = std::time::Instant::now();
        let year = results(&mut conn, Span::until(Timestamp::from_millis(20_776 * DAY_MS), 52, 7)).await.unwrap();
        let took = start.elapsed();
        println!("{} rows of {} days took {took:?}", year.len(), 364);
        assert_eq!(year.len(), 52 * 7 * 2);
        assert!(took < std::time::Duration::from_secs(2), "{took:?}");
    })
    .await;
}
