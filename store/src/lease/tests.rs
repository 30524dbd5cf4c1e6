use protocol::Grade;

use super::*;
use crate::confirm::Retries;
use crate::jobs;
use crate::results::Acceptance;
use crate::runs::detail;
use crate::testing::{LEASE, at, claim, insert, key, on_both, pair, plan, report, runner, token};
use crate::{Store, matrix};

const PG17: &[&str] = &["pg17-amd64"];

async fn expire_at(store: &Store, minute: i64) -> Vec<Expired> {
    let mut tx = store.begin().await.unwrap();
    let expired = expire(&mut tx, at(minute), 100).await.unwrap();
    tx.commit().await.unwrap();
    expired
}

#[tokio::test]
async fn a_renewed_lease_lasts_longer_and_tells_its_phase() {
    on_both(async |store| {
        pair(&store).await;
        let (runner, token) = (runner(&store, "attic").await, token());
        let claimed = claim(&store, runner, PG17, at(0)).await.unwrap();
        let key = key(&claimed, runner, &token);
        let mut tx = store.begin().await.unwrap();
        let held = renew(&mut tx, &key, Some(Phase::Build), LEASE, at(4)).await.unwrap();
        assert_eq!(held, LeaseState::Held { expires_at: at(9) });
        renew(&mut tx, &key, None, LEASE, at(5)).await.unwrap();
        assert_eq!(expire(&mut tx, at(9), 10).await.unwrap(), []);
        assert_eq!(check_lease(&mut tx, &key).await.unwrap(), LeaseState::Held { expires_at: at(10) });
        let run = crate::runs::get(&mut tx, claimed.run_id).await.unwrap().unwrap();
        assert_eq!((run.phase, run.renewed_at, run.expires_at), (Some(Phase::Build), at(5), at(10)));
    })
    .await;
}

#[tokio::test]
async fn an_expired_lease_returns_the_job_to_the_queue() {
    on_both(async |store| {
        let (_, job) = pair(&store).await;
        let (runner, token) = (runner(&store, "attic").await, token());
        let claimed = claim(&store, runner, PG17, at(0)).await.unwrap();
        assert_eq!(expire_at(&store, 4).await, []);
        let expected = Expired { run_id: claimed.run_id, runner_id: runner, job_state: JobState::Queued };
        assert_eq!(expire_at(&store, 5).await, [expected]);
        assert_eq!(expire_at(&store, 6).await, []);

        let key = key(&claimed, runner, &token);
        let mut tx = store.begin().await.unwrap();
        assert_eq!(renew(&mut tx, &key, None, LEASE, at(6)).await.unwrap(), LeaseState::Lost(Lost::Expired));
        assert_eq!(jobs::get(&mut tx, job).await.unwrap().unwrap().state, JobState::Queued);
        drop(tx);
        assert_eq!(claim(&store, runner, PG17, at(7)).await.unwrap().attempt, 2);
    })
    .await;
}

#[tokio::test]
async fn a_run_of_a_release_that_was_replaced_does_not_come_back_to_the_queue() {
    on_both(async |store| {
        let (release, job) = pair(&store).await;
        let (runner, token) = (runner(&store, "attic").await, token());
        for gives_back in [true, false] {
            let claimed = claim(&store, runner, PG17, at(0)).await.unwrap();
            let original = crate::testing::release("pair", "1.0.0");
            insert(&store, &protocol::Release { sha1: "f".repeat(40), ..original.clone() }).await;
            if gives_back {
                let mut tx = store.begin().await.unwrap();
                release_lease(&mut tx, &key(&claimed, runner, &token)).await;
                tx.commit().await.unwrap();
            } else {
                let expected = Expired { run_id: claimed.run_id, runner_id: runner, job_state: JobState::Withdrawn };
                assert_eq!(expire_at(&store, 5).await, [expected]);
            }
            assert_eq!(
                jobs::get(&mut store.read().await.unwrap(), job).await.unwrap().unwrap().state,
                JobState::Withdrawn
            );
            assert_eq!(claim(&store, runner, PG17, at(6)).await, None);
            assert_eq!(insert(&store, &original).await.id(), release);
            assert_eq!(plan(&store, release, "pg17-amd64", "theory", at(6)).await, job);
        }
    })
    .await;
}

async fn release_lease(tx: &mut Tx, key: &LeaseKey<'_>) {
    assert!(matches!(release(tx, key, at(1)).await.unwrap(), LeaseState::Held { .. }));
}

#[tokio::test]
async fn a_dead_runner_s_leases_end_before_their_time_and_no_others() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        plan(&store, release, "pg16-amd64", "theory", at(0)).await;
        let (dead, alive) = (runner(&store, "attic").await, runner(&store, "cellar").await);
        let lost = claim(&store, dead, PG17, at(0)).await.unwrap();
        claim(&store, alive, &["pg16-amd64"], at(0)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        assert_eq!(forfeit(&mut tx, dead, at(1)).await.unwrap(), 1);
        assert_eq!(forfeit(&mut tx, dead, at(1)).await.unwrap(), 0);
        tx.commit().await.unwrap();
        let expected = Expired { run_id: lost.run_id, runner_id: dead, job_state: JobState::Queued };
        assert_eq!(expire_at(&store, 1).await, [expected]);
    })
    .await;
}

#[tokio::test]
async fn a_late_report_is_refused_and_changes_nothing() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let (runner, token) = (runner(&store, "attic").await, token());
        let late = claim(&store, runner, PG17, at(0)).await.unwrap();
        expire_at(&store, 5).await;
        let current = claim(&store, runner, PG17, at(6)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let refused = crate::testing::accept_one(
            &mut tx,
            &key(&late, runner, &token),
            &report(&late, Reason::TestsPassed),
            Retries::default(),
            at(7),
        )
        .await;
        assert_eq!(refused.unwrap(), Acceptance::Lost(Lost::Expired));
        tx.commit().await.unwrap();

        let mut conn = store.read().await.unwrap();
        assert_eq!(detail(&mut conn, late.run_id).await.unwrap().unwrap().result, None);
        let cells = matrix::of_release(&mut conn, release).await.unwrap();
        assert_eq!((cells[0].state, cells[0].run_id), (JobState::Running, Some(current.run_id)));
        assert_eq!(cells[0].result, None);
    })
    .await;
}

#[tokio::test]
async fn a_lease_past_its_time_that_nobody_has_taken_may_still_be_renewed_and_reported() {
    on_both(async |store| {
        pair(&store).await;
        let (runner, token) = (runner(&store, "attic").await, token());
        let claimed = claim(&store, runner, PG17, at(0)).await.unwrap();
        let key = key(&claimed, runner, &token);
        let mut tx = store.begin().await.unwrap();
        let held = renew(&mut tx, &key, None, LEASE, at(60)).await.unwrap();
        assert_eq!(held, LeaseState::Held { expires_at: at(65) });
        let accepted = crate::testing::accept_one(
            &mut tx,
            &key,
            &report(&claimed, Reason::TestsPassed),
            Retries::default(),
            at(120),
        )
        .await
        .unwrap();
        assert_eq!(accepted, Acceptance::Accepted);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_loses_every_runner_ends_with_an_error_of_the_farm() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let (runner, token) = (runner(&store, "attic").await, token());
        let mut last = None;
        for (attempt, minute) in [(1, 0), (2, 10), (3, 20)] {
            let claimed = claim(&store, runner, PG17, at(minute)).await.unwrap();
            assert_eq!(claimed.attempt, attempt);
            let mut tx = store.begin().await.unwrap();
            renew(&mut tx, &key(&claimed, runner, &token), Some(Phase::Build), LEASE, at(minute)).await.unwrap();
            tx.commit().await.unwrap();
            let expired = expire_at(&store, minute + 9).await;
            assert_eq!(expired[0].job_state == JobState::Finished, attempt == 3);
            last = Some(claimed.run_id);
        }
        assert_eq!(claim(&store, runner, PG17, at(30)).await, None);
        let mut conn = store.read().await.unwrap();
        let result = matrix::of_release(&mut conn, release).await.unwrap()[0].result.clone().unwrap();
        assert_eq!((result.grade, result.reason, result.phase), (Grade::Error, Reason::RunnerLost, Phase::Build));
        assert_eq!((Some(result.run_id), result.detail.as_str()), (last, "after 3 attempts"));
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_is_given_back_costs_no_attempt() {
    on_both(async |store| {
        pair(&store).await;
        let (runner, token) = (runner(&store, "attic").await, token());
        for minute in 0..5 {
            let claimed = claim(&store, runner, PG17, at(minute)).await.unwrap();
            assert_eq!(claimed.attempt, 1);
            let key = key(&claimed, runner, &token);
            let mut tx = store.begin().await.unwrap();
            let given = release(&mut tx, &key, at(minute)).await.unwrap();
            assert!(matches!(given, LeaseState::Held { .. }));
            assert_eq!(release(&mut tx, &key, at(minute)).await.unwrap(), LeaseState::Lost(Lost::Released));
            tx.commit().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn only_the_runner_with_the_token_speaks_for_a_run() {
    on_both(async |store| {
        pair(&store).await;
        let (attic, cellar, token) = (runner(&store, "attic").await, runner(&store, "cellar").await, token());
        let claimed = claim(&store, attic, PG17, at(0)).await.unwrap();
        let other = TokenHash::of("another token");
        let unknown = LeaseKey { run_id: RunId::new(at(0)), ..key(&claimed, attic, &token) };
        let lost = LeaseState::Lost(Lost::Unknown);
        let mut tx = store.begin().await.unwrap();
        for key in [key(&claimed, cellar, &token), key(&claimed, attic, &other), unknown] {
            assert_eq!(check_lease(&mut tx, &key).await.unwrap(), lost);
            assert_eq!(renew(&mut tx, &key, None, LEASE, at(1)).await.unwrap(), lost);
            assert_eq!(release(&mut tx, &key, at(1)).await.unwrap(), lost);
            let report = protocol::Report { run_id: key.run_id, ..report(&claimed, Reason::TestsPassed) };
            assert_eq!(
                crate::testing::accept_one(&mut tx, &key, &report, Retries::default(), at(1)).await.unwrap(),
                Acceptance::Lost(Lost::Unknown)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_sweep_takes_no_more_than_asked_for_and_the_longest_past_first() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        crate::testing::plan(&store, release, "pg16-amd64", "theory", at(0)).await;
        let runner = runner(&store, "attic").await;
        let first = claim(&store, runner, &["pg16-amd64"], at(0)).await.unwrap();
        let second = claim(&store, runner, PG17, at(1)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        for expected in [first.run_id, second.run_id] {
            let expired = expire(&mut tx, at(60), 1).await.unwrap();
            assert_eq!(expired.iter().map(|expired| expired.run_id).collect::<Vec<_>>(), [expected]);
        }
        assert_eq!(expire(&mut tx, at(60), 1).await.unwrap(), []);
    })
    .await;
}
