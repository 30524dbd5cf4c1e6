use protocol::{Priority, Reason, RunnerId};

use super::*;
use crate::confirm::Retries;
use crate::testing::{at, claim, insert, key, name, on_both, plan, release, report, runner, target, token, version};
use crate::{Store, jobs, results, runs};

const ON: &str = "pg17-amd64";

/// A result as it stands: a failure that is not to be in doubt is confirmed by the same runner.
async fn run(store: &Store, runner: RunnerId, reason: Reason, flags: &[Flag], minute: i64) -> RunId {
    let first = once(store, runner, reason, flags, minute).await;
    if reason.grade() == Grade::Fail && !flags.contains(&Flag::Unconfirmed) {
        once(store, runner, reason, flags, minute).await;
    }
    first
}

async fn once(store: &Store, runner: RunnerId, reason: Reason, flags: &[Flag], minute: i64) -> RunId {
    let claimed = claim(store, runner, &[ON], at(minute)).await.unwrap();
    let token = token();
    let mut report = report(&claimed, reason);
    report.verdict.flags = flags.to_vec();
    let mut tx = store.begin().await.unwrap();
    let key = key(&claimed, runner, &token);
    let accepted = crate::testing::accept_one(&mut tx, &key, &report, Retries::default(), at(minute)).await.unwrap();
    assert_eq!(accepted, results::Acceptance::Accepted);
    tx.commit().await.unwrap();
    claimed.run_id
}

async fn test(store: &Store, runner: RunnerId, of: &str, reason: Reason, minute: i64) -> RunId {
    let id = insert(store, &release("pair", of)).await.id();
    plan(store, id, ON, "theory", at(minute)).await;
    run(store, runner, reason, &[], minute).await
}

async fn again(store: &Store, of: &str, minute: i64) {
    let (dist, version) = (name("pair"), version(of));
    let wish = jobs::Requeue { dist: &dist, version: Some(&version), target: None, priority: Priority::Asked };
    let mut tx = store.begin().await.unwrap();
    jobs::requeue(&mut tx, &wish, at(minute)).await.unwrap();
    tx.commit().await.unwrap();
}

/// How what stands now with that run compares.
async fn compared_as(store: &Store, run: RunId) -> Option<(Comparison, RunId)> {
    let sql = "SELECT jobs.id, comparison, compared_id FROM jobs WHERE result_id = $1 AND comparison IS NOT NULL";
    let mut conn = store.read().await.unwrap();
    let row = sqlx::query(sql).bind(run.to_string()).fetch_optional(conn.raw()).await.unwrap()?;
    let row = Fields::of(&row, "jobs", "id");
    Some((row.parse("comparison").unwrap(), row.parse("compared_id").unwrap()))
}

#[tokio::test]
async fn a_release_is_compared_with_the_nearest_one_before_it_that_compares() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let first = test(&store, runner, "1.0.0", Reason::TestsPassed, 1).await;
        let lost = test(&store, runner, "1.1.0", Reason::MissingHeader, 2).await;
        let fails = test(&store, runner, "1.2.0", Reason::TestsFailed, 3).await;
        let still = test(&store, runner, "1.3.0", Reason::CompileError, 4).await;
        let older = test(&store, runner, "0.9.0", Reason::TestsFailed, 5).await;
        assert_eq!(compared_as(&store, first).await, None, "there was nothing before it");
        assert_eq!(compared_as(&store, lost).await, Some((Comparison::NotComparable, first)));
        assert_eq!(compared_as(&store, fails).await, Some((Comparison::NewFail, first)));
        assert_eq!(compared_as(&store, still).await, Some((Comparison::StillFailing, fails)));
        assert_eq!(compared_as(&store, older).await, None, "what is newer is not before it");
    })
    .await;
}

#[tokio::test]
async fn a_test_that_runs_again_is_compared_with_itself_and_what_is_not_sure_turns_nothing() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        test(&store, runner, "1.0.0", Reason::TestsFailed, 1).await;
        let good = test(&store, runner, "1.1.0", Reason::TestsPassed, 2).await;
        again(&store, "1.1.0", 3).await;
        let doubted = run(&store, runner, Reason::TestsFailed, &[Flag::Unconfirmed], 4).await;
        assert_eq!(compared_as(&store, doubted).await, Some((Comparison::NotComparable, good)));
        again(&store, "1.1.0", 5).await;
        let bad = run(&store, runner, Reason::TestsFailed, &[], 6).await;
        assert_eq!(compared_as(&store, bad).await, Some((Comparison::NewFail, good)));
    })
    .await;
}

#[tokio::test]
async fn what_turned_in_the_latest_release_is_listed_while_it_stands() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let good = test(&store, runner, "1.0.0", Reason::TestsPassed, 1).await;
        let old = test(&store, runner, "1.1.0", Reason::TestsFailed, 2).await;
        let turns = async |since| turned(&mut store.read().await.unwrap(), at(since), 10).await.unwrap();
        let seen = turns(0).await;
        let found: Vec<_> = seen.iter().map(|turn| (turn.comparison, turn.line.summary.run_id, turn.before)).collect();
        assert_eq!(found, [(Comparison::NewFail, old, good)]);
        assert!(turns(3).await.is_empty(), "it turned before that");
        let fixed = test(&store, runner, "1.2.0", Reason::TestsPassed, 4).await;
        let runs_of = |turns: Vec<Turn>| turns.iter().map(|turn| turn.line.summary.run_id).collect::<Vec<_>>();
        assert_eq!(runs_of(turns(0).await), [fixed], "1.1.0 is not the latest any more");
        let all = turned_of_dist(&mut store.read().await.unwrap(), &name("PAIR"), 10).await.unwrap();
        assert_eq!(runs_of(all), [fixed, old]);
        again(&store, "1.2.0", 5).await;
        run(&store, runner, Reason::TestsFailed, &[Flag::Unconfirmed], 6).await;
        assert!(turns(0).await.is_empty(), "it does not stand any more");
    })
    .await;
}

#[tokio::test]
async fn the_past_of_a_target_and_the_conditions_of_a_run_are_read() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let one = test(&store, runner, "1.0.0", Reason::TestsPassed, 1).await;
        again(&store, "1.0.0", 2).await;
        let two = run(&store, runner, Reason::TestsFailed, &[], 3).await;
        let mut conn = store.read().await.unwrap();
        let job = runs::detail(&mut conn, two).await.unwrap().unwrap().job_id;
        let past = of_target(&mut conn, &name("PAIR"), target(ON), job, None).await.unwrap();
        assert_eq!(past.iter().map(|one| (one.run_id, one.is_latest)).collect::<Vec<_>>(), [(two, true), (one, false)]);
        let other = protocol::JobId::new(at(9));
        let of_others = of_target(&mut conn, &name("PAIR"), target(ON), other, None).await.unwrap();
        assert_eq!(of_others, past[..1], "of another job only what stands is read");
        assert!(of_target(&mut conn, &name("pair"), target("pg16-amd64"), other, None).await.unwrap().is_empty());
        let found = before(&past, past[0].job_id, &version("1.0.0"), Some(past[0].accepted_at));
        assert_eq!(found.map(|one| one.run_id), Some(one));
        let detail = runs::detail(&mut conn, two).await.unwrap().unwrap().result.unwrap();
        let conditions = conditions(&mut conn, two).await.unwrap().unwrap();
        assert_eq!((conditions.image, conditions.runner), (detail.image, detail.runner));
        assert_eq!(
            (conditions.circumstances, conditions.runner_name.as_deref()),
            (detail.circumstances, Some("attic"))
        );
        assert_eq!((conditions.version.as_str(), conditions.packages), ("1.0.0", None));
        assert_eq!(super::conditions(&mut conn, RunId::new(at(9))).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn when_a_test_turned_is_found_however_often_it_has_failed_since() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let good = test(&store, runner, "1.0.0", Reason::TestsPassed, 1).await;
        let mut failed = Vec::new();
        for minute in 2..32 {
            again(&store, "1.0.0", minute).await;
            failed.push(run(&store, runner, Reason::TestsFailed, &[], minute).await);
        }
        let mut conn = store.read().await.unwrap();
        let job = runs::detail(&mut conn, good).await.unwrap().unwrap().job_id;
        let past = of_target(&mut conn, &name("pair"), target(ON), job, None).await.unwrap();
        let runs: Vec<RunId> = past.iter().map(|one| one.run_id).collect();
        assert_eq!(runs.first(), failed.last(), "the last comes first");
        assert_eq!(
            runs[runs.len() - 4..],
            [failed[2], failed[1], failed[0], good],
            "those at which it turned come last"
        );
        assert!(past[..past.len() - 1].iter().all(|one| one.flags.is_empty()), "each round is read whole: {past:?}");
        assert!(runs.len() < 30, "not all are read: {}", runs.len());
        let then = of_target(&mut conn, &name("pair"), target(ON), job, Some(failed[1])).await.unwrap();
        let then: Vec<RunId> = then.iter().map(|one| one.run_id).collect();
        assert_eq!(then, [failed[1], failed[0], good], "as it was then");
    })
    .await;
}
