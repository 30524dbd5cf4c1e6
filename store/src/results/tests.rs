use protocol::{JobState, Report};
use tokio::task::JoinSet;

use super::*;
use crate::jobs::{self, Claimed};
use crate::lease::{self, LeaseKey, Lost};
use crate::runs::RunState;
use crate::testing::{at, claim, key, on_both, pair, report, runner, token};
use crate::{Store, farm, runs};

async fn accept_in_own_transaction(store: &Store, key: &LeaseKey<'_>, report: &Report) -> Acceptance {
    let mut tx = store.begin().await.unwrap();
    let accepted = crate::testing::accept_one(&mut tx, key, report, Retries::default(), at(3)).await.unwrap();
    tx.commit().await.unwrap();
    accepted
}

async fn claimed(store: &Store) -> (Claimed, protocol::RunnerId) {
    pair(store).await;
    let runner = runner(store, "attic").await;
    (claim(store, runner, &["pg17-amd64"], at(1)).await.unwrap(), runner)
}

#[tokio::test]
async fn a_report_reads_back_with_every_part() {
    on_both(async |store| {
        let (claimed, runner) = claimed(&store).await;
        let (token, report) = (token(), report(&claimed, Reason::TestsFailed));
        let accepted = accept_in_own_transaction(&store, &key(&claimed, runner, &token), &report).await;
        assert_eq!(accepted, Acceptance::Accepted);
        assert_eq!(farm::counts(&mut store.read().await.unwrap(), at(0)).await.unwrap().results, 1);
        let again = claim(&store, runner, &["pg17-amd64"], at(1)).await.unwrap();
        let second = crate::testing::report(&again, Reason::TestsFailed);
        accept_in_own_transaction(&store, &key(&again, runner, &token), &second).await;
        let mut conn = store.read().await.unwrap();
        let detail = runs::detail(&mut conn, claimed.run_id).await.unwrap().unwrap();
        let result = detail.result.unwrap();
        assert_eq!(result.verdict.flags, [protocol::Flag::Crash, protocol::Flag::Warnings]);
        let read = Report {
            run_id: detail.id,
            verdict: Verdict { flags: report.verdict.flags.clone(), ..result.verdict },
            phases: result.phases,
            tests: result.tests,
            files: result.files,
            archive: result.archive,
            image: result.image,
            runner: result.runner.unwrap(),
            notes: result.notes,
            circumstances: result.circumstances,
            overhead: result.overhead,
            started_at: result.started_at,
            finished_at: result.finished_at,
        };
        assert_eq!(read, report);
        assert_eq!((result.grade, result.accepted_at), (protocol::Grade::Fail, at(3)));
        assert_eq!(detail.run.unwrap().state, RunState::Reported);
        let job = jobs::get(&mut conn, claimed.job_id).await.unwrap().unwrap();
        assert_eq!((job.state, job.run_id, job.result_id), (JobState::Finished, None, Some(claimed.run_id)));
    })
    .await;
}

#[tokio::test]
async fn the_same_report_twice_is_accepted_again_and_stored_once() {
    on_both(async |store| {
        let (claimed, runner) = claimed(&store).await;
        let (token, report) = (token(), report(&claimed, Reason::TestsFailed));
        let key = key(&claimed, runner, &token);
        assert_eq!(accept_in_own_transaction(&store, &key, &report).await, Acceptance::Accepted);
        assert_eq!(accept_in_own_transaction(&store, &key, &report).await, Acceptance::Again);
        assert_eq!(farm::counts(&mut store.read().await.unwrap(), at(0)).await.unwrap().results, 1);
    })
    .await;
}

#[tokio::test]
async fn another_report_for_a_run_that_is_over_is_refused() {
    on_both(async |store| {
        let (claimed, runner) = claimed(&store).await;
        let (token, first) = (token(), report(&claimed, Reason::TestsFailed));
        let key = key(&claimed, runner, &token);
        accept_in_own_transaction(&store, &key, &first).await;
        let second = report(&claimed, Reason::TestsPassed);
        assert_eq!(accept_in_own_transaction(&store, &key, &second).await, Acceptance::Lost(Lost::Reported));
        let detail = runs::detail(&mut store.read().await.unwrap(), claimed.run_id).await.unwrap().unwrap();
        assert_eq!(detail.result.unwrap().verdict.reason, Reason::TestsFailed);
    })
    .await;
}

#[tokio::test]
async fn a_report_that_is_not_about_what_was_claimed_is_refused() {
    on_both(async |store| {
        let (claimed, runner) = claimed(&store).await;
        let (token, good) = (token(), report(&claimed, Reason::TestsPassed));
        let key = key(&claimed, runner, &token);
        let refusal = async |change: &dyn Fn(&mut Report)| {
            let mut bad = good.clone();
            change(&mut bad);
            match accept_in_own_transaction(&store, &key, &bad).await {
                Acceptance::Refused(invalid) => invalid.why,
                other => panic!("{other:?}"),
            }
        };
        let why = refusal(&|bad| bad.run_id = RunId::new(at(0))).await;
        assert!(why.ends_with(&format!("not {}", claimed.run_id)), "{why}");
        let why = refusal(&|bad| bad.archive.as_mut().unwrap().sha1 = "f".repeat(40)).await;
        assert_eq!(why, "its archive is not that of pair 1.0.0");
        let why = refusal(&|bad| bad.image.as_mut().unwrap().postgresql = "16.4".into()).await;
        assert_eq!(why, "its image has PostgreSQL `16.4` on amd64, not pg17-amd64");
        refusal(&|bad| bad.image.as_mut().unwrap().platform = protocol::Platform::Arm64).await;
        refusal(&|bad| bad.files.clear()).await;
        let why = refusal(&|bad| bad.archive = None).await;
        assert_eq!(why, "it has a PASS after metadata, but says nothing of the archive");
        let why = refusal(&|bad| (bad.image, bad.verdict.reason) = (None, Reason::TestsFailed)).await;
        assert_eq!(why, "it has a FAIL after metadata, but says nothing of the image");
        let why = refusal(&|bad| bad.verdict.phase = protocol::Phase::Build).await;
        assert_eq!(why, "its verdict is `tests-passed`, which cannot be found in the phase build");
        assert_eq!(accept_in_own_transaction(&store, &key, &good).await, Acceptance::Accepted);
    })
    .await;
}

#[tokio::test]
async fn a_report_that_the_archive_is_another_one_is_accepted() {
    on_both(async |store| {
        let (claimed, runner) = claimed(&store).await;
        let (token, mut report) = (token(), report(&claimed, Reason::DigestMismatch));
        report.archive.as_mut().unwrap().sha1 = "f".repeat(40);
        let accepted = accept_in_own_transaction(&store, &key(&claimed, runner, &token), &report).await;
        assert_eq!(accepted, Acceptance::Accepted);
    })
    .await;
}

#[tokio::test]
async fn what_a_report_says_may_be_anything_within_its_bounds() {
    on_both(async |store| {
        let (claimed, runner) = claimed(&store).await;
        let (token, mut report) = (token(), report(&claimed, Reason::TestsFailed));
        report.verdict.detail = "nul \0 and '; DROP TABLE jobs; --".into();
        report.tests[0].name = "\0\u{1b}[31m".into();
        report.notes = vec!["\0".into()];
        report.files[0].bytes = u64::MAX;
        report.phases[0].duration_ms = u64::MAX;
        report.phases[0].exit = Some(i32::MIN);
        let key = key(&claimed, runner, &token);
        assert_eq!(accept_in_own_transaction(&store, &key, &report).await, Acceptance::Accepted);
        assert_eq!(accept_in_own_transaction(&store, &key, &report).await, Acceptance::Again);
        let detail = runs::detail(&mut store.read().await.unwrap(), claimed.run_id).await.unwrap().unwrap();
        let result = detail.result.unwrap();
        assert_eq!(result.verdict.detail, "nul \u{fffd} and '; DROP TABLE jobs; --");
        assert_eq!((result.files[0].bytes, result.phases[0].exit), (i64::MAX as u64, Some(i32::MIN)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_report_and_a_sweep_that_meet_one_wins_and_the_queue_stays_right() {
    on_both(async |store| {
        pair(&store).await;
        let runner = runner(&store, "attic").await;
        for _ in 0..20 {
            let dist = crate::testing::name("pair");
            let wish = jobs::Requeue { dist: &dist, version: None, target: None, priority: protocol::Priority::Asked };
            let mut tx = store.begin().await.unwrap();
            jobs::requeue(&mut tx, &wish, at(0)).await.unwrap();
            tx.commit().await.unwrap();
            let claimed = claim(&store, runner, &["pg17-amd64"], at(1)).await.unwrap();
            let mut both = JoinSet::new();
            let (reporting, sweeping, run_id) = (store.clone(), store.clone(), claimed.run_id);
            both.spawn(async move {
                let (token, report) = (token(), report(&claimed, Reason::TestsPassed));
                let accepted = accept_in_own_transaction(&reporting, &key(&claimed, runner, &token), &report).await;
                accepted == Acceptance::Accepted
            });
            both.spawn(async move {
                let mut tx = sweeping.begin().await.unwrap();
                let expired = lease::expire(&mut tx, at(60), 10).await.unwrap();
                tx.commit().await.unwrap();
                expired.iter().any(|expired| expired.run_id == run_id)
            });
            let winners = both.join_all().await.into_iter().filter(|won| *won).count();
            assert_eq!(winners, 1);
        }
    })
    .await;
}

#[tokio::test]
async fn the_largest_report_is_stored_whole() {
    on_both(async |store| {
        let (claimed, runner) = claimed(&store).await;
        let (token, mut report) = (token(), report(&claimed, Reason::TestsFailed));
        let many =
            (0..20_000).map(|number| protocol::TestRecord { name: number.to_string(), ..report.tests[0].clone() });
        report.tests = many.collect();
        let accepted = accept_in_own_transaction(&store, &key(&claimed, runner, &token), &report).await;
        assert_eq!(accepted, Acceptance::Accepted);
        let detail = runs::detail(&mut store.read().await.unwrap(), claimed.run_id).await.unwrap().unwrap();
        assert_eq!(detail.result.unwrap().tests, report.tests);
    })
    .await;
}
