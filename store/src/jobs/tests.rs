use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use protocol::{Grade, Phase, Reason, RunnerId, Verdict};
use tokio::task::JoinSet;

use super::*;
use crate::confirm::Retries;
use crate::testing::{
    at, claim, claim_in, explain, full_scans, insert, key, name, on_both, pair, plan, plan_as, plan_for, release,
    runner, target, token, version,
};
use crate::{Store, matrix, runs};

const PG17: &str = "pg17-amd64";

/// Queues `count` releases of a distribution named after its owner.
async fn queue_of(store: &Store, owner: &str, count: usize, minute: i64) {
    for number in 0..count {
        let release = insert(store, &release(owner, &format!("1.0.{number}"))).await.id();
        plan(store, release, PG17, owner, at(minute)).await;
    }
}

/// Claims until nothing is left, and returns what came in which order.
async fn claim_all(store: &Store, targets: &[&str]) -> Vec<Claimed> {
    let runner = runner(store, &format!("runner {}", RunId::new(at(0)))).await;
    let mut claimed = Vec::new();
    while let Some(next) = claim(store, runner, targets, at(5)).await {
        claimed.push(next);
    }
    claimed
}

/// The number of waiting jobs by the lanes, and by the jobs themselves.
async fn lanes_and_jobs(store: &Store) -> (i64, i64) {
    let mut conn = store.read().await.unwrap();
    let sql = "SELECT 'both' AS id, (SELECT CAST(COALESCE(SUM(waiting), 0) AS BIGINT) FROM lanes) AS lanes,
                   (SELECT COUNT(*) FROM jobs WHERE state = 'queued') AS jobs";
    let row = sqlx::query(sql).fetch_one(conn.raw()).await.unwrap();
    let row = Fields::of(&row, "lanes", "id");
    (row.number("lanes").unwrap(), row.number("jobs").unwrap())
}

#[tokio::test]
async fn a_planned_job_waits_and_reads_back() {
    on_both(async |store| {
        let (release, id) = pair(&store).await;
        let mut conn = store.read().await.unwrap();
        let job = get(&mut conn, id).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempts, job.max_attempts), (JobState::Queued, 0, 3));
        assert_eq!((job.priority, job.queued_at, job.owner_key.as_str()), (Priority::NewRelease, at(0), "theory"));
        assert_eq!(of_cell(&mut conn, release, target(PG17)).await.unwrap(), Some(job.clone()));
        assert_eq!(of_cell(&mut conn, release, target("pg16-amd64")).await.unwrap(), None);
        assert_eq!(of_release(&mut conn, release).await.unwrap(), [job]);
        assert!(lanes::is_any_waiting(&mut conn, &[target("pg16-amd64"), target(PG17)]).await.unwrap());
        assert!(!lanes::is_any_waiting(&mut conn, &[target("pg16-amd64")]).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn planning_twice_makes_one_job() {
    on_both(async |store| {
        let (release, id) = pair(&store).await;
        let owner = name("theory");
        let mut tx = store.begin().await.unwrap();
        let again = super::plan(&mut tx, JobId::new(at(1)), &plan_for(release, PG17, &owner), at(1)).await.unwrap();
        assert_eq!(again, Planned::Known(id));
        tx.commit().await.unwrap();
        assert_eq!(lanes_and_jobs(&store).await, (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_needs_no_run_is_finished_at_once() {
    on_both(async |store| {
        let release = insert(&store, &release("pair", "1.0.0")).await.id();
        let (owner, verdict) = (name("theory"), Verdict::new(Phase::Metadata, Reason::PostgresUnsupported));
        let settlement = Settlement { result_id: RunId::new(at(0)), verdict: &verdict };
        let mut tx = store.begin().await.unwrap();
        let wish = plan_for(release, PG17, &owner);
        let planned = settle(&mut tx, JobId::new(at(0)), &wish, &settlement, at(0)).await.unwrap();
        let Planned::New(id) = planned else { panic!("{planned:?}") };
        let again = Settlement { result_id: RunId::new(at(1)), verdict: &verdict };
        let planned = settle(&mut tx, JobId::new(at(1)), &wish, &again, at(1)).await.unwrap();
        assert_eq!(planned, Planned::Known(id));
        tx.commit().await.unwrap();

        let mut conn = store.read().await.unwrap();
        assert_eq!(get(&mut conn, id).await.unwrap().unwrap().state, JobState::Finished);
        let cell = matrix::cell(&mut conn, release, target(PG17)).await.unwrap().unwrap();
        assert_eq!(cell.result.unwrap().grade, Grade::Na);
        let detail = runs::detail(&mut conn, settlement.result_id).await.unwrap().unwrap();
        assert_eq!((detail.run, detail.result.unwrap().verdict), (None, verdict));
        assert_eq!(lanes_and_jobs(&store).await, (0, 0));
    })
    .await;
}

#[tokio::test]
async fn what_is_urgent_is_claimed_first_and_then_what_is_old() {
    on_both(async |store| {
        let owner = name("theory");
        for (text, priority, minute) in [
            ("1.0.0", Priority::Backfill, 0),
            ("1.0.1", Priority::NewRelease, 2),
            ("1.0.2", Priority::NewRelease, 1),
            ("1.0.3", Priority::Asked, 3),
        ] {
            let id = insert(&store, &release("pair", text)).await.id();
            plan_as(&store, &Plan { priority, ..plan_for(id, PG17, &owner) }, at(minute)).await;
        }
        let versions: Vec<String> =
            claim_all(&store, &[PG17]).await.iter().map(|claimed| claimed.release.version.to_string()).collect();
        assert_eq!(versions, ["1.0.3", "1.0.2", "1.0.1", "1.0.0"]);
    })
    .await;
}

#[tokio::test]
async fn an_owner_with_many_jobs_does_not_starve_the_others() {
    on_both(async |store| {
        queue_of(&store, "flood", 6, 0).await;
        queue_of(&store, "late", 2, 1).await;
        queue_of(&store, "later", 1, 2).await;
        let owners: Vec<String> =
            claim_all(&store, &[PG17]).await.iter().map(|claimed| claimed.release.dist.to_string()).collect();
        assert_eq!(owners, ["flood", "late", "later", "flood", "late", "flood", "flood", "flood", "flood"]);
    })
    .await;
}

#[tokio::test]
async fn a_turn_on_one_target_counts_on_every_other() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let (flood, late) = (
            insert(&store, &release("flood", "1.0.0")).await.id(),
            insert(&store, &release("late", "1.0.0")).await.id(),
        );
        plan(&store, flood, "pg16-amd64", "flood", at(0)).await;
        claim(&store, runner, &["pg16-amd64"], at(1)).await.unwrap();
        plan(&store, flood, PG17, "flood", at(2)).await;
        plan(&store, late, PG17, "late", at(3)).await;
        let claimed = claim(&store, runner, &["pg16-amd64", PG17], at(4)).await.unwrap();
        assert_eq!(claimed.release.dist, name("late"));
    })
    .await;
}

#[tokio::test]
async fn a_runner_gets_only_what_it_can_test() {
    on_both(async |store| {
        pair(&store).await;
        let runner = runner(&store, "attic").await;
        assert_eq!(claim(&store, runner, &["pg17-arm64", "pg16-amd64"], at(1)).await, None);
        assert_eq!(claim(&store, runner, &[], at(1)).await, None);
        let claimed = claim(&store, runner, &["pg17-arm64", PG17], at(1)).await.unwrap();
        assert_eq!((claimed.target, claimed.attempt), (target(PG17), 1));
        assert_eq!(claimed.release, release("pair", "1.0.0"));
    })
    .await;
}

#[tokio::test]
async fn a_release_is_tested_on_all_its_targets_before_the_next_one() {
    on_both(async |store| {
        for (minute, text) in [(0, "1.0.0"), (1, "1.0.1")] {
            let id = insert(&store, &release("pair", text)).await.id();
            for on in ["pg16-amd64", PG17] {
                plan(&store, id, on, "theory", at(minute)).await;
            }
        }
        let versions: Vec<String> = claim_all(&store, &[PG17, "pg16-amd64"])
            .await
            .iter()
            .map(|claimed| claimed.release.version.to_string())
            .collect();
        assert_eq!(versions, ["1.0.0", "1.0.0", "1.0.1", "1.0.1"]);
    })
    .await;
}

async fn claim_until_empty(store: Store, runner: RunnerId) -> Vec<JobId> {
    let mut jobs = Vec::new();
    while let Some(claimed) = claim(&store, runner, &[PG17], at(5)).await {
        jobs.push(claimed.job_id);
    }
    jobs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_claimers_take_three_hundred_jobs_each_once() {
    on_both(async |store| {
        let release = insert(&store, &release("pair", "1.0.0")).await.id();
        fill(&store, release, 300).await;
        let mut claimers = JoinSet::new();
        for number in 0..8 {
            let runner = runner(&store, &format!("runner {number}")).await;
            claimers.spawn(claim_until_empty(store.clone(), runner));
        }
        let claimed: Vec<JobId> = claimers.join_all().await.into_iter().flatten().collect();
        assert_eq!(claimed.len(), 300);
        assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 300);
        assert_eq!(lanes_and_jobs(&store).await, (0, 0));
    })
    .await;
}

/// Queues many jobs at once, of ninety-seven owners, without planning each: straight into the tables.
async fn fill(store: &Store, release: ReleaseId, count: i64) {
    let mut tx = store.begin().await.unwrap();
    let numbers =
        "WITH RECURSIVE numbers (n) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT n - 1 FROM numbers WHERE n > 1) ";
    let releases = format!(
        "{numbers} INSERT INTO releases (id, dist, dist_key, version, status, username, user_key, sha1, released_at, abstract, meta,
             seen_at)
         SELECT substr(CAST(100000000 + n AS TEXT), 2, 8) || substr(id, 9, 18), dist, dist_key, CAST(n AS TEXT), status, username,
             user_key, sha1, released_at, abstract, meta, seen_at FROM releases, numbers WHERE id = $2"
    );
    let jobs = format!(
        "{numbers} INSERT INTO jobs (id, release_id, target, rank, owner_key, state, attempts, max_attempts, queued_at, changed_at)
         SELECT substr(CAST(100000000 + n AS TEXT), 2, 8) || substr($2, 9, 18),
             substr(CAST(100000000 + n AS TEXT), 2, 8) || substr($2, 9, 18), 'pg17-amd64', 1,
             'owner' || CAST(n % 97 AS TEXT), 'queued', 0, 3, n, n FROM numbers"
    );
    for sql in [releases, jobs] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(count).bind(release.to_string()).execute(tx.raw()).await.unwrap();
    }
    crate::testing::run_sql(&mut tx, "DELETE FROM lanes").await;
    crate::testing::run_sql(
        &mut tx,
        "INSERT INTO lanes (target, rank, owner_key, waiting, served_turn)
         SELECT target, rank, owner_key, COUNT(*), 0 FROM jobs WHERE state = 'queued' GROUP BY target, rank, owner_key",
    )
    .await;
    tx.commit().await.unwrap();
}

/// The middle times of the statements of some claims, and of the commits that make them last.
async fn claim_times(store: &Store, runner_id: RunnerId) -> [Duration; 2] {
    let (token, targets) = (token(), [target("pg18-amd64"), target(PG17)]);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..101 {
        let claim = Claim {
            runner_id,
            targets: &targets,
            run_id: RunId::new(at(5)),
            token: &token,
            chosen: false,
            lease: Duration::from_mins(5),
        };
        let start = Instant::now();
        let mut tx = store.begin().await.unwrap();
        claim_in(&mut tx, &claim, at(5)).await.unwrap();
        times[0].push(start.elapsed());
        let start = Instant::now();
        tx.commit().await.unwrap();
        times[1].push(start.elapsed());
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

/// A statement about many as it is about two that are the same.
fn of_two((before, columns, after): (&str, usize, &str)) -> String {
    let row: Vec<String> = (1..=columns).map(|column| format!("${column}")).collect();
    format!("{before} (VALUES ({row}), ({row})) AS v {after}", row = row.join(", "))
}

/// On both engines, however few rows there are: a statement that reads a table as a whole costs nothing here, and much on a farm.
#[tokio::test]
async fn no_statement_of_a_claim_or_a_report_reads_a_table_as_a_whole() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        let stands = of_two(crate::results::first::STANDS).replace("$10", "1");
        let stands = (5..10).fold(stands, |sql, n| sql.replace(&format!("${n}"), "'x'"));
        for (sql, values) in [
            (lanes::heads(1), ["'r'", "'t'", "1", ""]),
            (claim::next::next(2), ["'r'", "'t'", "'u'", "3"]),
            (of_two(lanes::SERVE), ["1", "'o'", "7", "'t'"]),
            (of_two(claim::before::BEFORE), ["'r'", "'t'", "1", ""]),
            (of_two(claim::START), ["'j'", "'r'", "1", ""]),
            (of_two(crate::lease::REPORTED), ["'r'", "1", "", ""]),
            (of_two(crate::results::first::OTHERS), ["'j'", "'d'", "'t'", ""]),
            (stands, ["'j'", "'x'", "'x'", "'x'"]),
        ] {
            let sql = (1..).zip(values).fold(sql, |sql, (n, value)| sql.replace(&format!("${n}"), value));
            let plan = explain(&mut conn, &sql).await;
            assert_eq!(full_scans(&plan), [""; 0], "{sql}: {plan}");
        }
    })
    .await;
}

/// The claim's two questions must be answered by an index that already has the order, so that nothing is sorted or counted.
#[tokio::test]
async fn a_claim_reads_the_head_of_an_index_and_sorts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::connect(&crate::testing::sqlite_url(&dir)).await.unwrap();
    let mut conn = store.read().await.unwrap();
    for (sql, index) in [(claim::next::oldest(["$2", "$3", "$4"]), "jobs_claimable"), (lanes::next(2, 3), "lanes_next")]
    {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = sqlx::query(explain).bind("x").bind("y").bind(1_i64).bind("z").fetch_all(conn.raw()).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, "detail")).collect();
        assert!(plan[0].starts_with("SEARCH") && plan[0].contains(index), "{plan:?}");
        // The rest asks whether the runner is avoided, by key, of the first entry and those that it is avoided by.
        let by_key = |step: &String| {
            step.starts_with("SEARCH avoidances USING COVERING INDEX") || step.starts_with("CORRELATED")
        };
        assert!(plan.len() == 3 && plan[1..].iter().all(by_key), "{plan:?}");
    }
}

#[tokio::test]
#[ignore = "makes a million jobs on both engines; run by hand: it prints the times"]
async fn a_claim_costs_the_same_with_a_million_jobs_as_with_a_thousand() {
    on_both(async |store| {
        let runner = runner(&store, "attic").await;
        let first = insert(&store, &release("pair", "0.0.0")).await.id();
        fill(&store, first, 1_000).await;
        let [few, few_commit] = claim_times(&store, runner).await;
        let second = insert(&store, &release("pear", "0.0.0")).await.id();
        fill(&store, second, 1_000_000).await;
        let [many, many_commit] = claim_times(&store, runner).await;
        println!("a claim from a thousand takes {few:?}, from a million {many:?}");
        println!("to make it last takes {few_commit:?} and {many_commit:?}: the disk's time, and that of what else writes to it");
        assert!(many < few * 2 + Duration::from_millis(5), "{many:?}");

        let mut conn = store.read().await.unwrap();
        let start = Instant::now();
        let page = crate::queue::page(&mut conn, None, 50).await.unwrap();
        let (page_time, start) = (start.elapsed(), Instant::now());
        let waiting = waiting(&mut conn, page[49].id, at(5)).await.unwrap().unwrap();
        println!("a page takes {page_time:?}, the place of a job {:?} ({})", start.elapsed(), waiting.ahead);
    })
    .await;
}

#[tokio::test]
async fn a_requeued_job_has_all_its_attempts_again_and_keeps_its_old_result_in_sight() {
    on_both(async |store| {
        let (release, id) = pair(&store).await;
        let runner = runner(&store, "attic").await;
        let claimed = claim(&store, runner, &[PG17], at(1)).await.unwrap();
        let (token, report) = (token(), crate::testing::report(&claimed, Reason::TestsPassed));
        let mut tx = store.begin().await.unwrap();
        crate::testing::accept_one(&mut tx, &key(&claimed, runner, &token), &report, Retries::default(), at(2))
            .await
            .unwrap();
        let (dist, asked) = (name("pair"), Priority::Asked);
        let wish = Requeue { dist: &dist, version: None, target: None, priority: asked };
        assert_eq!(requeue(&mut tx, &wish, at(3)).await.unwrap(), [id]);
        tx.commit().await.unwrap();

        let mut conn = store.read().await.unwrap();
        let job = get(&mut conn, id).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempts, job.priority, job.queued_at), (JobState::Queued, 0, asked, at(3)));
        let cell = matrix::cell(&mut conn, release, target(PG17)).await.unwrap().unwrap();
        assert_eq!(cell.result.unwrap().grade, Grade::Pass);
        assert_eq!(lanes_and_jobs(&store).await, (1, 1));
        drop(conn);
        assert_eq!(claim(&store, runner, &[PG17], at(4)).await.unwrap().attempt, 1);
    })
    .await;
}

#[tokio::test]
async fn a_requeue_touches_only_the_version_and_target_asked_for() {
    on_both(async |store| {
        let mut ids = BTreeMap::new();
        for text in ["1.0.0", "1.0.1"] {
            let release = insert(&store, &release("pair", text)).await.id();
            for on in ["pg16-amd64", PG17] {
                ids.insert((text, on), plan(&store, release, on, "theory", at(0)).await);
            }
        }
        let (dist, one) = (name("PAIR"), version("1.0.1"));
        let mut tx = store.begin().await.unwrap();
        let mut hurried = async |version, on: Option<&str>, priority| {
            let wish = Requeue { dist: &dist, version, target: on.map(target), priority };
            requeue(&mut tx, &wish, at(1)).await.unwrap()
        };
        assert_eq!(hurried(Some(&one), Some(PG17), Priority::Asked).await, [ids[&("1.0.1", PG17)]]);
        assert_eq!(hurried(None, None, Priority::Backfill).await, []);
        assert_eq!(hurried(Some(&one), None, Priority::Asked).await, [ids[&("1.0.1", "pg16-amd64")]]);
        assert_eq!(hurried(None, None, Priority::Asked).await.len(), 2);
        tx.commit().await.unwrap();
        assert_eq!(lanes_and_jobs(&store).await, (4, 4));
    })
    .await;
}

#[tokio::test]
async fn a_running_job_is_not_requeued_under_its_runner() {
    on_both(async |store| {
        pair(&store).await;
        let runner = runner(&store, "attic").await;
        claim(&store, runner, &[PG17], at(1)).await.unwrap();
        let dist = name("pair");
        let wish = Requeue { dist: &dist, version: None, target: None, priority: Priority::Asked };
        let mut tx = store.begin().await.unwrap();
        assert_eq!(requeue(&mut tx, &wish, at(2)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_job_is_not_claimed_until_it_is_planned_again() {
    on_both(async |store| {
        let (release, id) = pair(&store).await;
        let runner = runner(&store, "attic").await;
        let mut tx = store.begin().await.unwrap();
        assert!(withdraw(&mut tx, id, at(1)).await.unwrap());
        assert!(!withdraw(&mut tx, id, at(1)).await.unwrap());
        assert!(!withdraw(&mut tx, JobId::new(at(1)), at(1)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(claim(&store, runner, &[PG17], at(2)).await, None);
        assert_eq!(plan(&store, release, PG17, "theory", at(3)).await, id);
        assert_eq!(claim(&store, runner, &[PG17], at(4)).await.unwrap().job_id, id);
    })
    .await;
}

#[tokio::test]
async fn withdrawing_a_running_job_takes_its_lease() {
    on_both(async |store| {
        let (_, id) = pair(&store).await;
        let runner = runner(&store, "attic").await;
        let claimed = claim(&store, runner, &[PG17], at(1)).await.unwrap();
        let token = token();
        let mut tx = store.begin().await.unwrap();
        assert!(withdraw(&mut tx, id, at(2)).await.unwrap());
        let state = runs::check_lease(&mut tx, &key(&claimed, runner, &token)).await.unwrap();
        assert_eq!(state, runs::LeaseState::Lost(runs::Lost::Released));
    })
    .await;
}

#[tokio::test]
async fn a_waiting_job_knows_its_place_exactly() {
    on_both(async |store| {
        queue_of(&store, "flood", 4, 0).await;
        queue_of(&store, "late", 2, 1).await;
        queue_of(&store, "zeal", 3, 2).await;
        let runner = runner(&store, "attic").await;
        claim(&store, runner, &[PG17], at(3)).await.unwrap();
        let owner = name("urgent");
        let urgent = insert(&store, &release("urgent", "1.0.0")).await.id();
        plan_as(&store, &Plan { priority: Priority::Asked, ..plan_for(urgent, PG17, &owner) }, at(3)).await;

        let mut told = BTreeMap::new();
        for dist in ["flood", "late", "zeal", "urgent"] {
            for place in waiting_of_dist(&mut store.read().await.unwrap(), &name(dist), at(4)).await.unwrap() {
                let one = waiting(&mut store.read().await.unwrap(), place.job_id, at(4)).await.unwrap();
                assert_eq!(one.as_ref(), Some(&place));
                told.insert(place.ahead, place.job_id);
            }
        }
        let order: Vec<JobId> = claim_all(&store, &[PG17]).await.iter().map(|claimed| claimed.job_id).collect();
        assert_eq!(told.keys().copied().collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
        assert_eq!(told.into_values().collect::<Vec<_>>(), order);
    })
    .await;
}

#[tokio::test]
async fn how_long_a_job_waits_follows_from_the_claims_of_the_last_hour() {
    on_both(async |store| {
        queue_of(&store, "flood", 7, 0).await;
        let runner = runner(&store, "attic").await;
        let last = waiting_of_dist(&mut store.read().await.unwrap(), &name("flood"), at(0)).await.unwrap()[6].clone();
        assert_eq!((last.ahead, last.eta_ms), (6, None));
        assert_eq!(last.priority.sentence(), "new in the registry");
        for minute in 1..=4 {
            claim(&store, runner, &[PG17], at(minute)).await.unwrap();
        }
        let last = waiting(&mut store.read().await.unwrap(), last.job_id, at(5)).await.unwrap().unwrap();
        assert_eq!((last.ahead, last.eta_ms), (2, Some(45 * 60_000)));
        let later = waiting(&mut store.read().await.unwrap(), last.job_id, at(120)).await.unwrap().unwrap();
        assert_eq!(later.eta_ms, None);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_does_not_wait_has_no_place() {
    on_both(async |store| {
        let (_, id) = pair(&store).await;
        let runner = runner(&store, "attic").await;
        claim(&store, runner, &[PG17], at(1)).await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(waiting(&mut conn, id, at(2)).await.unwrap(), None);
        assert_eq!(waiting_of_dist(&mut conn, &name("pair"), at(2)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_illegal_move_is_an_error_that_names_job_and_states() {
    on_both(async |store| {
        let (_, id) = pair(&store).await;
        let mut tx = store.begin().await.unwrap();
        let job = Job { state: JobState::Finished, ..get(&mut tx, id).await.unwrap().unwrap() };
        let error = move_job(&mut tx, &job, JobState::Running, at(1)).await.unwrap_err();
        assert!(matches!(error, Error::Move { job, .. } if job == id), "{error}");
        let raced = move_job(&mut tx, &job, JobState::Queued, at(1)).await.unwrap_err();
        assert_eq!(raced.to_string(), format!("job {id} is not finished any more"));
    })
    .await;
}

#[tokio::test]
async fn the_waiting_jobs_of_a_release_can_be_made_less_urgent_and_keep_their_age() {
    on_both(async |store| {
        let (release, id) = pair(&store).await;
        let runner = runner(&store, "attic").await;
        plan(&store, release, "pg16-amd64", "theory", at(0)).await;
        claim(&store, runner, &["pg16-amd64"], at(1)).await.unwrap();
        let (from, to) = (Priority::NewRelease, Priority::Backfill);
        let mut tx = store.begin().await.unwrap();
        let expected = [(version("1.0.0"), release)];
        assert_eq!(releases_waiting(&mut tx, &name("PAIR"), from).await.unwrap(), expected);
        assert_eq!(releases_waiting(&mut tx, &name("pear"), from).await.unwrap(), []);
        assert_eq!(reprioritize(&mut tx, release, from, to).await.unwrap(), 1);
        assert_eq!(reprioritize(&mut tx, release, from, to).await.unwrap(), 0);
        assert_eq!(releases_waiting(&mut tx, &name("pair"), from).await.unwrap(), []);
        assert_eq!(releases_waiting(&mut tx, &name("pair"), to).await.unwrap(), expected);
        let job = get(&mut tx, id).await.unwrap().unwrap();
        assert_eq!((job.priority, job.queued_at), (to, at(0)));
        tx.commit().await.unwrap();
        assert_eq!(lanes_and_jobs(&store).await, (1, 1));
    })
    .await;
}
